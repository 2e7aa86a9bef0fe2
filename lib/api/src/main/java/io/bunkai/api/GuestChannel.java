// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The guest's end of the agent's virtio-serial port: tells one host process from the next on a wire
 * that does not. The protocol is explained at {@code ChannelFrames}.
 *
 * <p>One thread accepts a session, reads it to its end, and accepts the next one; there is never
 * more than one. Any thread may write to a session. No thread belongs to a channel.
 *
 * <pre>{@code
 * while (true) {
 *     try (GuestChannel.Session session = channel.accept()) {
 *         server.serve(session.input(), session.output(), threads);
 *     }
 * }
 * }</pre>
 */
public final class GuestChannel {
    /** What to do while no host process is connected. Then the port has nothing to wait for. */
    @FunctionalInterface
    public interface Nap {
        /**
         * Waits a little.
         *
         * @param silences how often in a row there was nothing to read, from 1 on
         * @throws InterruptedException if the thread was interrupted
         */
        void take(int silences) throws InterruptedException;
    }

    private final ChannelFrames.Reader reader;
    private final ChannelFrames.Writer writer;
    private final Nap nap;

    // Held while a frame is written. HELLO is written under it too, so that no frame of a former
    // session follows it.
    private final ReentrantLock writing = new ReentrantLock();

    private final AtomicReference<@Nullable Session> current = new AtomicReference<>();
    private @Nullable Session announced; // by a SYN; the reading thread's alone

    /**
     * Takes over a port.
     *
     * @param in of the port. A read of 0 bytes, and an end of the stream, mean that no host process
     *     is connected now, and the next read may succeed
     * @param out of the same port. A write may block while no host process is connected
     */
    public GuestChannel(InputStream in, OutputStream out) {
        this(in, out, GuestChannel::sleep);
    }

    /** As the other one, with another way to wait. */
    public GuestChannel(InputStream in, OutputStream out, Nap nap) {
        this.reader = new ChannelFrames.Reader(in);
        this.writer = new ChannelFrames.Writer(out);
        this.nap = nap;
    }

    /** Short at first, since a host that reconnects does so soon; then a tenth of a second. */
    private static void sleep(int silences) throws InterruptedException {
        Thread.sleep(Math.min(100, 5L << Math.min(silences, 10)));
    }

    /**
     * Waits until a host process opens a session. A session that is still there ends.
     *
     * @throws IOException if the port failed
     * @throws InterruptedException if the thread was interrupted while there was nothing to read
     */
    public Session accept() throws IOException, InterruptedException {
        Session former = current.get();
        if (former != null) {
            former.close();
        }
        for (int silences = 0; announced == null; ) {
            switch (reader.next()) {
                case SYN -> announce();
                case SILENCE -> nap.take(++silences);
                default -> { // the rest of a session that is over, or zeros
                    reader.skip();
                    silences = 0;
                }
            }
        }
        Session session = announced;
        announced = null;
        writing.lock();
        try {
            current.set(session);
            writer.write(
                    ChannelFrames.greeting(
                            ChannelFrames.HELLO, session.id, ProtocolVersion.CHANNEL));
        } finally {
            writing.unlock();
        }
        return session;
    }

    private void announce() {
        // A host of another version learns ours from the answer, and gives up.
        announced = new Session(reader.id());
        reader.skip();
    }

    /** One host process's stay. */
    public final class Session implements AutoCloseable {
        private final byte[] id;
        private final long session;

        private Session(byte[] id) {
            this.id = id;
            this.session = ChannelFrames.sessionOf(id);
        }

        /**
         * {@return what the host writes} Its end is the end of the session: the host process has
         * gone, or another one has come, or data is missing. Read by the thread that accepted it.
         */
        public InputStream input() {
            return new Input(this);
        }

        /**
         * {@return what the host reads} Every write goes out at once, and blocks while the host
         * does not read. After the end of the session writes fail with an IOException.
         */
        public OutputStream output() {
            return new Output(this);
        }

        /** {@return what the session's frames are marked with} */
        long number() {
            return session;
        }

        /** {@return whether the session has not ended} */
        public boolean isOpen() {
            return current.get() == this;
        }

        /**
         * Ends the session from this side, and tells the host if it was not over already. If no
         * host is connected and that has not been noticed, this waits for the next one, as every
         * write does.
         *
         * @throws IOException if the port failed
         */
        @Override
        public void close() throws IOException {
            writing.lock();
            try {
                if (current.compareAndSet(this, null)) {
                    writer.write(ChannelFrames.end(session));
                }
            } finally {
                writing.unlock();
            }
        }

        /** Goes on to the next data. {@return false at the end of the session} */
        private boolean advance() throws IOException {
            while (isOpen() && reader.remaining() == 0) {
                switch (reader.next()) {
                    case DATA -> {
                        if (reader.session() != session) {
                            reader.skip();
                        }
                    }
                    case HELLO -> reader.skip();
                    case SYN -> {
                        announce();
                        current.compareAndSet(this, null);
                    }
                    case END -> {
                        if (reader.session() == session) {
                            current.compareAndSet(this, null);
                        }
                    }
                    // What follows a hole is of no use to anybody, and nothing but a new host's
                    // zeros makes one. The host that could be told of the end is gone.
                    case DAMAGED, NO_FRAME, SILENCE -> current.compareAndSet(this, null);
                }
            }
            return isOpen();
        }

        private void write(byte[] buffer, int offset, int length) throws IOException {
            writing.lock();
            try {
                for (int done = 0; done < length; ) {
                    if (!isOpen()) {
                        throw new IOException("the session with the host has ended");
                    }
                    int count = Math.min(length - done, ChannelFrames.MAX_PAYLOAD);
                    writer.writeData(session, buffer, offset + done, count);
                    done += count;
                }
            } finally {
                writing.unlock();
            }
        }
    }

    private final class Input extends InputStream {
        private final Session session;

        Input(Session session) {
            this.session = session;
        }

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
            return session.advance() ? reader.take(buffer, offset, length) : -1;
        }

        @Override
        public int available() {
            return session.isOpen() ? reader.remaining() : 0;
        }

        @Override
        public void close() throws IOException {
            session.close();
        }
    }

    private static final class Output extends OutputStream {
        private final Session session;

        Output(Session session) {
            this.session = session;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            session.write(buffer, offset, length);
        }

        @Override
        public void close() throws IOException {
            session.close();
        }
    }
}
