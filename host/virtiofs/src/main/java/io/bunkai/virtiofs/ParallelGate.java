// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Serves requests on the thread of their queue as long as few wait or none has to wait for a disk,
 * and lets other threads help when many wait for something slow. A request that another thread
 * serves costs some microseconds more, which is as much as reading 4 KiB from memory, and nothing
 * beside waiting for a disk.
 *
 * <p>Whether requests have to wait is looked at, by size, on some of those that others wait behind:
 * the kernel counts how often a thread gives its processor up. Time says less, since it also passes
 * while others compute.
 */
final class ParallelGate implements DataGate, AutoCloseable {
    /** From how many waiting requests on help is thought of. */
    private static final int DEEP = 3;

    /** All of them wait. */
    private static final int ALL = 1024;

    /** The part that has to wait from which on help is worth it. */
    private static final int WORTH = ALL / 4;

    private static final int SIZES = 32;
    private static final int LOOKED_AT_ONE_OF = 8; // a power of two
    private static final int WEIGHT = 8; // of one to all
    private static final long IDLE_SECONDS = 10;

    private final int helpers;
    private final ThreadPoolExecutor pool;

    /** The part that has to wait, by the logarithm of the size. Races cost accuracy alone. */
    private final int[] waiting = new int[SIZES];

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
        return worker.backlog < DEEP || helpers == 0 || waiting[size(bytes)] < WORTH;
    }

    @Override
    public long begin(long bytes, Worker worker) {
        worker.served++;
        boolean looked =
                helpers > 0
                        && (worker.served & LOOKED_AT_ONE_OF - 1) == 0
                        && (worker.backlog >= DEEP || waiting[size(bytes)] >= WORTH);
        return looked ? worker.usage.waits() : NOT_LOOKED_AT;
    }

    @Override
    public void end(long begun, long bytes, Worker worker) {
        if (begun != NOT_LOOKED_AT) {
            int now = worker.usage.waits() > begun ? ALL : 0;
            int size = size(bytes);
            waiting[size] += (now - waiting[size]) / WEIGHT;
        }
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

    /** Ends the helpers when they have done what they have. */
    @Override
    public void close() {
        pool.shutdown();
    }
}
