// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Serves requests on the thread of their queue as long as few wait or each takes next to no time,
 * and lets other threads help when many wait for something slow. A request that another thread
 * serves costs some microseconds more, which is a third of reading 4 KiB from memory, and nothing
 * beside waiting for a disk.
 *
 * <p>How long requests take is measured, by size, on some of those that others wait behind.
 */
final class ParallelGate implements DataGate, AutoCloseable {
    /** From how many waiting requests on help is thought of. */
    private static final int DEEP = 3;

    /** How long requests take at least that are worth handing over, ... */
    private static final long WORTH_NANOS = 60_000;

    /** ... and how much longer for each byte: memory is several times as fast as that. */
    private static final double WORTH_NANOS_PER_BYTE = 0.5;

    private static final int SIZES = 32;
    private static final int MEASURED_ONE_OF = 8; // a power of two
    private static final int WEIGHT = 4; // of what was before, to one of what is new
    private static final long IDLE_SECONDS = 10;

    private final int helpers;
    private final ThreadPoolExecutor pool;

    /** Mean times, by the logarithm of the size. Races cost accuracy, and nothing else. */
    private final long[] nanos = new long[SIZES];

    /**
     * A gate without a limit.
     *
     * @param helpers how many threads may help at most; 0 for none
     */
    ParallelGate(int helpers) {
        this.helpers = helpers;
        this.pool =
                new ThreadPoolExecutor(
                        Math.max(1, helpers),
                        Math.max(1, helpers),
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        Thread.ofPlatform().daemon(true).name("helper ", 0).factory());
        pool.allowCoreThreadTimeOut(true);
    }

    @Override
    public boolean now(long bytes, Worker worker) {
        return worker.backlog < DEEP || helpers == 0 || nanos[size(bytes)] < worth(bytes);
    }

    @Override
    public long begin(Worker worker) {
        worker.served++;
        boolean measured = worker.backlog >= DEEP && (worker.served & MEASURED_ONE_OF - 1) == 0;
        return measured ? System.nanoTime() : 0;
    }

    @Override
    public void end(long begun, long bytes) {
        if (begun != 0) {
            int size = size(bytes);
            long took = System.nanoTime() - begun;
            nanos[size] = (WEIGHT * nanos[size] + took) / (WEIGHT + 1);
        }
    }

    private static long worth(long bytes) {
        return WORTH_NANOS + (long) (WORTH_NANOS_PER_BYTE * bytes);
    }

    private static int size(long bytes) {
        return Math.min(SIZES - 1, Long.SIZE - Long.numberOfLeadingZeros(bytes));
    }

    @Override
    public void move(long bytes, Runnable work) {
        Worker worker = Worker.current();
        if (now(bytes, worker)) {
            work.run();
        } else {
            pool.execute(work);
        }
    }

    @Override
    public void slowly(Runnable work) {
        if (helpers == 0) {
            work.run();
        } else {
            pool.execute(work);
        }
    }

    @Override
    public void hurry() {
        // Nothing waits here for anything but a thread.
    }

    /** Ends the helpers when they have done what they have. */
    @Override
    public void close() {
        pool.shutdown();
    }
}
