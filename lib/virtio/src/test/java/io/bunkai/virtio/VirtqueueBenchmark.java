// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;

/**
 * What a request costs on its way through a queue: time, processor time and heap, none of it
 * asserted. Run by {@code test/bench/virtqueue}; one figure a line: name, value, unit.
 */
final class VirtqueueBenchmark {
    private static final int ROUNDS = 5;
    private static final int RING_REQUESTS = 2_000_000;
    private static final int QUEUE_REQUESTS = 300_000;

    /** Requests between two looks at the clock, which takes long itself. */
    private static final int BURST = 128;

    private static final long HEADER = Rig.BUFFERS;
    private static final long ANSWER = Rig.BUFFERS + 4096;
    private static final long TABLE = Rig.BUFFERS + 8192;
    private static final int TABLE_BYTES = 4096;
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private VirtqueueBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        ring("ring_direct_4", false, 4);
        ring("ring_indirect_4", true, 4);
        ring("ring_indirect_260", true, 260);
        for (int depth : new int[] {1, 8, 32}) {
            queue(depth);
        }
    }

    /** Taking and giving back alone, the driver's part included, in one thread. */
    private static void ring(String name, boolean indirect, int pieces) throws Exception {
        long features = ~0L;
        try (FrontEndMemory memory = FrontEndMemory.create(Rig.GUEST, Rig.BYTES);
                DriverQueue driver = new DriverQueue(memory, 0, 2048, features);
                MemoryTable table = new MemoryTable()) {
            table.replace(List.of(memory.region()), List.of(memory.file()));
            RingLayout layout = RingLayout.of(2048, driver.addresses(false), table.current());
            SplitRing ring = new SplitRing(layout, 0, features, QueueLimits.DEFAULT);
            Chain chain = new Chain(null);
            int requests = RING_REQUESTS * 4 / pieces;
            double best = Double.MAX_VALUE;
            double bytes = Double.MAX_VALUE;
            double driverAlone = Double.MAX_VALUE;
            for (int round = 0; round < ROUNDS; round++) {
                long heap = THREADS.getCurrentThreadAllocatedBytes();
                long all = 0;
                long drivers = 0;
                for (int i = 0; i < requests; i += BURST) {
                    long begin = THREADS.getCurrentThreadCpuTime();
                    for (int k = 0; k < BURST; k++) {
                        request(driver, k, indirect, pieces);
                    }
                    driver.show();
                    long middle = THREADS.getCurrentThreadCpuTime();
                    for (int k = 0; k < BURST; k++) {
                        if (!ring.take(chain)) {
                            throw new AssertionError("nothing there");
                        }
                        ring.give(k, chain.head, 16);
                        ring.release(chain.head);
                    }
                    ring.publish(BURST);
                    long end = THREADS.getCurrentThreadCpuTime();
                    while (driver.take() != DriverQueue.NONE) {}
                    drivers += middle - begin;
                    all += end - middle;
                }
                best = Math.min(best, (double) all / requests);
                driverAlone = Math.min(driverAlone, (double) drivers / requests);
                bytes =
                        Math.min(
                                bytes,
                                (double) (THREADS.getCurrentThreadAllocatedBytes() - heap)
                                        / requests);
            }
            layout.leave();
            figure(name + "_device", best, "ns");
            figure(name + "_driver", driverAlone, "ns");
            figure(name + "_heap", bytes, "bytes");
        }
    }

    private static void request(DriverQueue driver, int slot, boolean indirect, int pieces) {
        if (indirect) {
            driver.beginIndirect(TABLE + (long) TABLE_BYTES * 2 * (slot % 16));
        } else {
            driver.begin();
        }
        driver.readable(HEADER, 40);
        driver.readable(HEADER + 64, 24);
        driver.writable(ANSWER, 16);
        for (int i = 3; i < pieces; i++) {
            driver.writable(ANSWER + 64, 128);
        }
        driver.end();
    }

    /** Through the session's queue thread, woken by kicks and calling back. */
    private static void queue(int depth) throws Exception {
        TestDevice device = new TestDevice(1);
        device.handler = chain -> chain.complete(16);
        try (Rig rig = Rig.connected(device)) {
            DriverQueue driver = rig.start(0, 128);
            Thread thread = queueThread();
            String name = "queue_depth_" + depth;
            double wall = Double.MAX_VALUE;
            double cpu = Double.MAX_VALUE;
            double heap = Double.MAX_VALUE;
            QueueCounters before = rig.session.counters(0);
            for (int round = 0; round < ROUNDS; round++) {
                long bytes = THREADS.getThreadAllocatedBytes(thread.threadId());
                long used = processorNanos(thread);
                long begin = System.nanoTime();
                pass(driver, depth);
                wall = Math.min(wall, (double) (System.nanoTime() - begin) / QUEUE_REQUESTS);
                cpu = Math.min(cpu, (double) (processorNanos(thread) - used) / QUEUE_REQUESTS);
                long grown = THREADS.getThreadAllocatedBytes(thread.threadId()) - bytes;
                heap = Math.min(heap, (double) grown / QUEUE_REQUESTS);
            }
            QueueCounters after = rig.session.counters(0);
            double requests = after.taken() - before.taken();
            figure(name + "_wall", wall, "ns");
            figure(name + "_cpu", cpu, "ns");
            figure(name + "_heap", heap, "bytes");
            figure(name + "_wakes", (after.wakes() - before.wakes()) / requests, "per request");
            figure(name + "_calls", (after.calls() - before.calls()) / requests, "per request");
        }
    }

    private static void pass(DriverQueue driver, int depth) throws Exception {
        int sent = 0;
        int done = 0;
        while (done < QUEUE_REQUESTS) {
            boolean news = false;
            while (sent < QUEUE_REQUESTS && sent - done < depth) {
                request(driver, sent % depth, true, 4);
                sent++;
                news = true;
            }
            if (news) {
                driver.submit();
            }
            driver.await(-1);
            while (driver.take() != DriverQueue.NONE) {
                done++;
            }
        }
    }

    private static Thread queueThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("virtqueue 0"))
                .findFirst()
                .orElseThrow();
    }

    private static long processorNanos(Thread thread) {
        return THREADS.getThreadCpuTime(thread.threadId());
    }

    private static void figure(String name, double value, String unit) {
        System.out.println(String.format(Locale.ROOT, "%-32s %10.2f %s", name, value, unit));
    }
}
