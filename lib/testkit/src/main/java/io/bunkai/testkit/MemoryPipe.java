// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A pipe in memory: what is written at one end is read at the other, and a writer waits while it is
 * full. Unlike the JDK's piped streams it does not care which threads use it or whether they live.
 */
public final class MemoryPipe {
    private final byte[] ring;
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition changed = lock.newCondition();
    private long read;
    private long written;
    private boolean readerClosed;
    private boolean writerClosed;

    /** Makes an empty pipe that holds this many bytes. */
    public MemoryPipe(int capacity) {
        ring = new byte[capacity];
    }

    /**
     * {@return the end to read from} It reports the end of the stream once the other end is closed
     * and everything has been read. Closing it makes writes fail.
     */
    public InputStream input() {
        return new Input();
    }

    /** {@return the end to write to} */
    public OutputStream output() {
        return new Output();
    }

    /** {@return bytes that were written and not read yet} */
    public int available() {
        lock.lock();
        try {
            return (int) (written - read);
        } finally {
            lock.unlock();
        }
    }

    private final class Input extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            if (length == 0) {
                return 0;
            }
            lock.lock();
            try {
                awaitThat(() -> written > read || writerClosed || readerClosed);
                if (readerClosed) {
                    throw new IOException("the pipe is closed");
                }
                int count = (int) Math.min(length, written - read);
                for (int i = 0; i < count; i++) {
                    buffer[offset + i] = ring[(int) (read++ % ring.length)];
                }
                changed.signalAll();
                return count == 0 ? -1 : count;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public int available() {
            return MemoryPipe.this.available();
        }

        @Override
        public void close() {
            lock.lock();
            try {
                readerClosed = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private final class Output extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            lock.lock();
            try {
                for (int i = 0; i < length; i++) {
                    awaitThat(() -> written - read < ring.length || writerClosed || readerClosed);
                    if (writerClosed || readerClosed) {
                        throw new IOException("the pipe is closed");
                    }
                    ring[(int) (written++ % ring.length)] = buffer[offset + i];
                    if (written - read == ring.length) {
                        changed.signalAll();
                    }
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                writerClosed = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void awaitThat(BooleanSupplier condition) throws InterruptedIOException {
        try {
            while (!condition.getAsBoolean()) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
