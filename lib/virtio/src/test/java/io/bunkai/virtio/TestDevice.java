// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A device of a few queues that do what the test says; by default they echo. */
class TestDevice implements VhostUserDevice {
    private final int queues;
    final BlockingQueue<GuestFault> faults = new LinkedBlockingQueue<>();
    volatile QueueHandler handler = new Echo();
    volatile QueueLimits limits = QueueLimits.DEFAULT;
    volatile @Nullable DeviceConfig config;
    volatile @Nullable DeviceState state;
    volatile boolean migrating;
    final AtomicInteger resets = new AtomicInteger();

    TestDevice(int queues) {
        this.queues = queues;
    }

    @Override
    public int queues() {
        return queues;
    }

    @Override
    public QueueHandler handler(int queue) {
        return handler;
    }

    @Override
    public QueueLimits limits(int queue) {
        return limits;
    }

    @Override
    public Optional<DeviceConfig> config() {
        return Optional.ofNullable(config);
    }

    @Override
    public Optional<DeviceState> state() {
        return Optional.ofNullable(state);
    }

    @Override
    public void migrating(boolean begins) {
        migrating = begins;
    }

    @Override
    public void reset() {
        resets.incrementAndGet();
    }

    @Override
    public void queueBroken(int queue, GuestFault fault) {
        faults.add(fault);
    }

    /** Writes what can be read to where can be written, as much as fits. */
    static final class Echo implements QueueHandler {
        @Override
        public void serve(Chain chain) {
            chain.complete(echo(chain));
        }
    }

    static long echo(Chain chain) {
        long length = Math.min(chain.readable().byteSize(), chain.writable().byteSize());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.max(1, length));
            chain.readable().get(0, copy, 0, length);
            chain.writable().put(0, copy, 0, length);
        }
        return length;
    }
}
