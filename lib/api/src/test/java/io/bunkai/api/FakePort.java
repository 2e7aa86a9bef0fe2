// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A virtio-serial port with a socket at its host end, as QEMU behaves: one host connection at a
 * time; the guest reads 0 bytes at once while there is none, and its writes block; what the guest
 * wrote and the host did not read when it left is lost; what the host wrote stays readable; a write
 * that was under way goes on into the next connection.
 */
final class FakePort {
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition changed = lock.newCondition();
    private final int capacity;
    private final ArrayDeque<Byte> toGuest = new ArrayDeque<>();
    private final ArrayDeque<Byte> toHost = new ArrayDeque<>();
    private Connection connection;
    private int guestReads;
    private boolean guestWrites;

    FakePort(int capacity) {
        this.capacity = capacity;
    }

    /** Waits for a host or for data, in the place of a real nap. */
    void nap(int silences) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (connection == null && toGuest.isEmpty()) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** How often the guest has read, to see that it does not spin. */
    int guestReads() {
        lock.lock();
        try {
            return guestReads;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a write of the guest waits for a host. */
    void awaitBlockedWrite() throws IOException {
        lock.lock();
        try {
            await(() -> guestWrites && connection == null);
        } finally {
            lock.unlock();
        }
    }

    Connection connect() {
        lock.lock();
        try {
            if (connection != null) {
                throw new IllegalStateException("the port has one connection at a time");
            }
            connection = new Connection();
            changed.signalAll();
            return connection;
        } finally {
            lock.unlock();
        }
    }

    private void await(BooleanSupplier condition) throws InterruptedIOException {
        try {
            while (!condition.getAsBoolean()) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        }
    }

    /** What the host holds. */
    final class Connection {
        private boolean closed;

        final InputStream in =
                new ByteInput() {
                    @Override
                    int readSome(byte[] buffer, int offset, int length) throws IOException {
                        await(() -> closed || !toHost.isEmpty());
                        if (closed) {
                            throw new IOException("closed");
                        }
                        return drain(toHost, buffer, offset, length);
                    }

                    @Override
                    public void close() {
                        Connection.this.close();
                    }
                };

        final OutputStream out =
                new ByteOutput() {
                    @Override
                    void writeOne(byte b) throws IOException {
                        await(() -> closed || toGuest.size() < capacity);
                        if (closed) {
                            throw new IOException("closed");
                        }
                        toGuest.add(b);
                    }

                    @Override
                    public void close() {
                        Connection.this.close();
                    }
                };

        void close() {
            lock.lock();
            try {
                if (!closed) {
                    closed = true;
                    connection = null;
                    toHost.clear();
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    InputStream guestIn() {
        return new ByteInput() {
            @Override
            int readSome(byte[] buffer, int offset, int length) throws IOException {
                guestReads++;
                Connection before = connection;
                await(() -> !toGuest.isEmpty() || connection == null || connection != before);
                return drain(toGuest, buffer, offset, length);
            }
        };
    }

    OutputStream guestOut() {
        return new ByteOutput() {
            @Override
            void writeOne(byte b) throws IOException {
                guestWrites = true;
                changed.signalAll();
                await(() -> connection != null && toHost.size() < capacity);
                guestWrites = false;
                toHost.add(b);
            }
        };
    }

    private int drain(ArrayDeque<Byte> from, byte[] buffer, int offset, int length) {
        int count = Math.min(length, from.size());
        for (int i = 0; i < count; i++) {
            buffer[offset + i] = from.remove();
        }
        changed.signalAll();
        return count;
    }

    private abstract class ByteInput extends InputStream {
        abstract int readSome(byte[] buffer, int offset, int length) throws IOException;

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            lock.lock();
            try {
                return readSome(buffer, offset, length);
            } finally {
                lock.unlock();
            }
        }
    }

    private abstract class ByteOutput extends OutputStream {
        abstract void writeOne(byte b) throws IOException;

        @Override
        public void write(int b) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            lock.lock();
            try {
                for (int i = 0; i < length; i++) {
                    writeOne(buffer[offset + i]);
                    if ((i & 1023) == 0) {
                        changed.signalAll();
                    }
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
