// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * How exactly a limit is kept, and what it costs where it is not reached. Our server is changed
 * through its control socket between the rows.
 */
final class LimitBench {
    private static final int[] SIZES = {4 << 10, 64 << 10, 1 << 20};
    private static final int[] DEPTHS = {1, 8, 32};
    private static final long[] RATES = {1_000_000, 10_000_000, 100_000_000, 1_000_000_000};
    private static final String DATA = "data";
    private static final long DATA_BYTES = 64L << 20;

    /** A limit says something only where more would be possible. */
    private static final double ROOM = 1.5;

    private static final int LEAST_REQUESTS = 200;
    private static final long LEAST_NANOS = 1_000_000_000;
    private static final long UNLIMITED_NANOS = 100_000_000;
    private static final long WARMING_NANOS = 2_000_000_000;
    private static final long MOST_NANOS = 5_000_000_000L;
    private static final int COST_ROUNDS = 9;

    private final BenchPeer peer;
    private final Path control;

    LimitBench(BenchPeer peer, Path control) {
        this.peer = peer;
        this.control = control;
    }

    /** Measures, and prints it. */
    void run() throws IOException {
        Exercises.drive(peer.mount.lane(0), exercise(SIZES[0]), DEPTHS[0], WARMING_NANOS);
        System.out.println("   size depth    unlimited/s          set/s     measured/s  deviation");
        for (int size : SIZES) {
            for (int depth : DEPTHS) {
                Exercise exercise = exercise(size);
                set("fs-bw-size=0");
                long begin = System.nanoTime();
                long count = Exercises.drive(peer.mount.lane(0), exercise, depth, UNLIMITED_NANOS);
                double free = (double) count * size * 1e9 / (double) (System.nanoTime() - begin);
                for (long rate : RATES) {
                    double expected = (double) LEAST_REQUESTS * size * 1e9 / (double) rate;
                    if (free >= ROOM * (double) rate && expected <= (double) MOST_NANOS) {
                        row(size, depth, free, rate, exercise);
                    }
                }
            }
        }
        cost();
        metadata();
    }

    private Exercise exercise(int size) throws IOException {
        long node = peer.mount.lookup(GuestMount.ROOT, DATA).node();
        return Exercise.transfer(false, node, peer.mount.open(node, Fd.O_RDONLY), size, DATA_BYTES);
    }

    private void row(int size, int depth, double free, long rate, Exercise exercise)
            throws IOException {
        // What is saved up is lost with the first of these, and nothing is at the beginning.
        set("fs-bw-size=1");
        set("fs-bw-size=" + rate);
        Lane lane = peer.mount.lane(0);
        for (int slot = 0; slot < depth; slot++) {
            exercise.begin(lane, slot);
        }
        lane.submit();
        long spent = (long) depth * size; // after that only the limit counts
        long done = 0;
        long from = 0;
        long counted = 0;
        long last = 0;
        int busy = depth;
        while (busy > 0) {
            int slot = lane.take();
            if (slot == Lane.NONE) {
                lane.submit();
                lane.await();
                continue;
            }
            exercise.goesOn(lane, slot);
            done += size;
            long now = System.nanoTime();
            if (busy == depth && done >= spent) {
                if (from == 0) {
                    from = now;
                } else {
                    counted++;
                    last = now;
                }
            }
            if (from != 0 && counted >= LEAST_REQUESTS && last - from >= LEAST_NANOS) {
                busy--;
            } else {
                exercise.begin(lane, slot);
            }
        }
        double measured = (double) counted * size * 1e9 / (double) (last - from);
        System.out.printf(
                Locale.ROOT,
                "%7d %5d %14.0f %14d %14.0f %+9.2f %%%n",
                size,
                depth,
                free,
                rate,
                measured,
                (measured / (double) rate - 1) * 100);
    }

    /** In turns, so that what else the machine does falls on both. */
    private void cost() throws IOException {
        for (int depth : new int[] {1, 32}) {
            Exercise exercise = exercise(SIZES[0]);
            double[] ratios = new double[COST_ROUNDS];
            for (int round = 0; round < COST_ROUNDS; round++) {
                set("fs-bw-size=0");
                double without = micros(exercise, depth);
                set("fs-bw-size=1000G");
                ratios[round] = micros(exercise, depth) / without;
            }
            Arrays.sort(ratios);
            System.out.printf(
                    Locale.ROOT,
                    "read of 4 KiB, depth %d: processor time with a limit that is not reached to"
                            + " without one: %.3f%n",
                    depth,
                    ratios[COST_ROUNDS / 2]);
        }
    }

    /** How long asking for attributes takes while reads of another queue are held back. */
    private void metadata() throws IOException {
        Exercise reads = exercise(SIZES[SIZES.length - 1]);
        Exercise getattr = Exercise.getattr(peer.mount.lookup(GuestMount.ROOT, DATA).node());
        Lane busy = peer.mount.lane(1);
        double[] ratios = new double[COST_ROUNDS];
        for (int round = 0; round < COST_ROUNDS; round++) {
            set("fs-bw-size=0");
            double without = wallMicros(getattr);
            set("fs-bw-size=10M");
            int depth = DEPTHS[DEPTHS.length - 1];
            for (int slot = 0; slot < depth; slot++) {
                reads.begin(busy, slot);
            }
            busy.submit();
            ratios[round] = wallMicros(getattr) / without;
            set("fs-bw-size=0");
            for (int left = depth; left > 0; ) {
                if (busy.take() == Lane.NONE) {
                    busy.await();
                } else {
                    left--;
                }
            }
        }
        Arrays.sort(ratios);
        System.out.printf(
                Locale.ROOT,
                "getattr, depth 1: time while 32 reads of 1 MiB wait for 10 MB/s to without them:"
                        + " %.2f, at most %.2f%n",
                ratios[COST_ROUNDS / 2],
                ratios[COST_ROUNDS - 1]);
    }

    private double wallMicros(Exercise exercise) throws IOException {
        long begin = System.nanoTime();
        long count = Exercises.drive(peer.mount.lane(0), exercise, 1, UNLIMITED_NANOS);
        return (double) (System.nanoTime() - begin) / 1e3 / (double) count;
    }

    private double micros(Exercise exercise, int depth) throws IOException {
        long used = peer.processorNanos();
        long count = Exercises.drive(peer.mount.lane(0), exercise, depth, UNLIMITED_NANOS);
        return (peer.processorNanos() - used) / 1e3 / (double) count;
    }

    private void set(String words) throws IOException {
        try (Fd connection = UnixSockets.connect(control)) {
            connection.writeFully(("set " + words + "\n").getBytes(StandardCharsets.UTF_8));
            byte[] answer = new byte[4096];
            int length = connection.read(answer, 0, answer.length);
            String text = new String(answer, 0, Math.max(0, length), StandardCharsets.UTF_8);
            if (!text.startsWith("{\"limits\"")) {
                throw Fault.unavailable("the server did not change its limits: %s", text.strip());
            }
        }
    }
}
