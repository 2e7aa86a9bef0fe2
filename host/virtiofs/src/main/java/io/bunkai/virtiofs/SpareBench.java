// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessTime;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a spare server costs until it is warm, and how its first second with a guest compares with
 * later ones: processor time of each exercise, in the first second and when it is steady.
 */
final class SpareBench {
    private static final int CHANNEL = 3;
    private static final long SECOND = 1_000_000_000;

    /** The compiler has nothing to do any more after so many. */
    private static final int SECONDS_UNTIL_STEADY = 15;

    private static final Duration REST = Duration.ofSeconds(2);

    private final Path program;
    private final Path share;
    private final Path socket;
    private final Path control;

    SpareBench(Path program, Path share, Path folder) {
        this.program = program;
        this.share = share;
        this.socket = folder.resolve("spare.sock");
        this.control = folder.resolve("control.sock");
    }

    /** Measures, and prints it. */
    void run() throws IOException, InterruptedException {
        UnixSockets.Pair pair = UnixSockets.pair();
        try (Closer all = new Closer()) {
            all.own(pair);
            LinuxProcess server =
                    all.own(
                            Spawn.of(program.toString(), "--spare=" + CHANNEL)
                                    .environment(List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"))
                                    .descriptor(CHANNEL, pair.other())
                                    .stderr(Fd.standardError())
                                    .start());
            all.onClose(() -> server.signal(Signals.SIGKILL));
            pair.other().close();
            if (pair.one().read(new byte[1], 0, 1) != 1) {
                throw Fault.unavailable("the spare server did not come up");
            }
            print("processor time until it is warm", ProcessTime.ofThreads(server.pid()));
            Thread.sleep(REST);
            print("the same with what follows by itself", ProcessTime.ofThreads(server.pid()));
            tell(pair.one());
            try (GuestMount guest = GuestMount.connect(UnixSockets.connect(socket), 1, 1)) {
                guest.init();
                compare(guest, server.pid());
            }
        }
    }

    private static void print(String what, Duration time) {
        System.out.printf(Locale.ROOT, "%-40s %6.2f s%n", what, time.toMillis() / 1e3);
    }

    /** As the runtime does: it listens itself, so that nobody has to wait for a socket. */
    private void tell(Fd channel) throws ErrnoException {
        String words = "--sandbox=chroot\0--shared-dir=" + share;
        try (Fd listener = UnixSockets.listen(socket);
                Fd limits = UnixSockets.listen(control)) {
            UnixSockets.send(
                    channel,
                    words.getBytes(StandardCharsets.UTF_8),
                    List.of(listener, Fd.standardError(), limits));
        }
        UnixSockets.shutDownWriting(channel);
    }

    private static void compare(GuestMount guest, int server) throws IOException {
        List<Double> first = second(guest, server);
        for (int i = 0; i < SECONDS_UNTIL_STEADY; i++) {
            second(guest, server);
        }
        List<Double> later = second(guest, server);
        double logarithms = 0;
        int row = 0;
        for (String name : Exercises.all().keySet()) {
            double ratio = first.get(row) / later.get(row);
            logarithms += Math.log(ratio);
            System.out.printf(
                    Locale.ROOT,
                    "%-20s %8.2f us in the first second, %8.2f us later: %5.2f%n",
                    name,
                    first.get(row),
                    later.get(row),
                    ratio);
            row++;
        }
        System.out.printf(
                Locale.ROOT, "%-20s %53.2f%n", "geometric mean", Math.exp(logarithms / row));
    }

    /** {@return processor time of each exercise, in microseconds} All together take a second. */
    private static List<Double> second(GuestMount guest, int server) throws IOException {
        List<Double> micros = new ArrayList<>();
        for (Map.Entry<String, Exercises.Preparation> entry : Exercises.all().entrySet()) {
            Exercise exercise = entry.getValue().with(guest, 1);
            long before = ProcessTime.ofThreads(server).toNanos();
            long count =
                    Exercises.drive(guest.lane(0), exercise, 1, SECOND / Exercises.all().size());
            micros.add((ProcessTime.ofThreads(server).toNanos() - before) / 1e3 / count);
        }
        return micros;
    }
}
