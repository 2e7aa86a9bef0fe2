// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * The host's end of the agent's virtio-serial port: makes a connection with a beginning and an end
 * out of a wire that has neither. The protocol is explained at {@code ChannelFrames}.
 *
 * <p>One channel is one session on one connection to QEMU's socket. When it has ended, in whatever
 * way, connect and open anew; the agent is still there. What was asked and not answered may have
 * been done.
 *
 * <p>The guest is hostile: a channel holds a fixed amount of memory whatever comes, and bytes that
 * do not fit end it. One thread reads, any may write.
 */
public final class HostChannel implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * How much a session skips. Before the HELLO that is what QEMU and the guest's driver still
     * held for former sessions, far less than this; after it there is nothing to skip at all.
     */
    static final long MOST_SKIPPED = 16L << 20;

    /** What has come over a port before. */
    public enum Wire {
        /** Nothing, or whole frames only: the machine has just begun, and nobody else was here. */
        FRESH,
        /** Perhaps the beginning of a frame: a host process has been here, and may have died. */
        USED
    }

    private final InputStream in;
    private final OutputStream out;
    private final ChannelFrames.Reader reader;
    private final ChannelFrames.Writer writer;
    private final ReentrantLock writing = new ReentrantLock(); // a frame is written as a whole
    private final byte[] id;
    private final long session;
    private boolean ended; // the reading thread's alone
    private long skipped; // the reading thread's alone

    private HostChannel(InputStream in, OutputStream out, byte[] id) {
        this.in = in;
        this.out = out;
        this.reader = new ChannelFrames.Reader(in);
        this.writer = new ChannelFrames.Writer(out);
        this.id = id;
        this.session = ChannelFrames.sessionOf(id);
    }

    /**
     * Opens a session with whatever agent is at the other end, and waits until it has answered.
     *
     * @param in of a fresh connection to the port's socket; closing it must wake its reader
     * @param out of the same connection; closing it must wake its writer
     * @param wire what the guest may still be in the middle of
     * @param deadline until when the agent must have answered; a guest that boots has not begun to
     *     listen yet, and that is what this waits for
     * @return a channel that owns both streams. They are closed as well if there is none
     * @throws Fault DEADLINE_EXCEEDED if the agent did not answer in time; FAILED_PRECONDITION if
     *     it speaks another version of the protocol; CANCELLED if the calling thread was
     *     interrupted (and still is)
     * @throws IOException if the connection broke, which it does when the machine ends
     */
    public static HostChannel open(InputStream in, OutputStream out, Wire wire, Deadline deadline)
            throws IOException {
        return open(in, out, wire, deadline, RANDOM);
    }

    static HostChannel open(
            InputStream in, OutputStream out, Wire wire, Deadline deadline, RandomGenerator random)
            throws IOException {
        byte[] id = new byte[ChannelFrames.ID_BYTES];
        random.nextBytes(id);
        HostChannel channel = new HostChannel(in, out, id);
        long granted = deadline.remaining().toMillis();
        // On a thread of its own, since a blocked read or write ends by closing the stream only.
        FutureTask<Integer> greeting = new FutureTask<>(() -> channel.greet(wire));
        Thread.ofVirtual().name("agent channel greeting").start(greeting);
        boolean opened = false;
        try {
            int version = greeting.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
            if (version != ProtocolVersion.CHANNEL) {
                throw Fault.failedPrecondition(
                                "the agent speaks version %d of the channel's protocol, not %d",
                                version, ProtocolVersion.CHANNEL)
                        .withHint("build a guest image that fits this version");
            }
            opened = true;
            return channel;
        } catch (TimeoutException e) {
            throw Fault.deadlineExceeded("the agent did not answer within %d ms", granted);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "waiting for the agent was interrupted");
        } catch (ExecutionException e) {
            throw new IOException(
                    "the connection to the agent broke before it answered", e.getCause());
        } finally {
            if (!opened) {
                channel.closeQuietly();
            }
        }
    }

    private int greet(Wire wire) throws IOException {
        if (wire == Wire.USED) {
            writer.write(ChannelFrames.zeros());
        }
        writer.write(ChannelFrames.greeting(ChannelFrames.SYN, id, ProtocolVersion.CHANNEL));
        return switch (reader.nextHello(id, MOST_SKIPPED)) {
            case HELLO -> {
                int version = reader.version();
                reader.skip();
                yield version;
            }
            case SILENCE -> throw new EOFException("the connection was closed");
            default ->
                    throw new ProtocolException(
                            "the agent does not answer, and sends something else without end");
        };
    }

    /**
     * {@return what the agent writes} Its end is the end of the session. Reading fails with an
     * IOException if something is missing. Closing it closes the channel.
     */
    public InputStream input() {
        return new Input();
    }

    /**
     * {@return what the agent reads} Every write goes out at once. Closing it closes the channel.
     */
    public OutputStream output() {
        return new Output();
    }

    /** Closes both streams of the connection. The agent learns of it from the port. Idempotent. */
    @Override
    public void close() throws IOException {
        try (in) {
            out.close();
        }
    }

    private void closeQuietly() {
        try {
            close();
        } catch (IOException e) {
            // The connection is given up in any case; why it was is on its way to the caller.
        }
    }

    /** Goes on to the next data. {@return false at the end of the session} */
    private boolean advance() throws IOException {
        while (!ended && reader.remaining() == 0) {
            switch (reader.next()) {
                case DATA -> {
                    if (reader.session() != session || reader.remaining() == 0) {
                        skip(); // of a session that was over before this one began
                    }
                }
                case HELLO, SYN -> skip();
                case END -> {
                    ended = reader.session() == session;
                    skip();
                }
                case DAMAGED -> throw new ProtocolException("a frame from the agent is damaged");
                case NO_FRAME ->
                        throw new ProtocolException(
                                "what the agent sent is not a frame: data is missing");
                case SILENCE -> {
                    if (!reader.isBetweenFrames()) {
                        throw new EOFException("the connection to the agent ended within a frame");
                    }
                    ended = true;
                }
            }
        }
        return !ended;
    }

    private void skip() throws ProtocolException {
        skipped += ChannelFrames.HEADER_BYTES + reader.remaining();
        reader.skip();
        if (skipped > MOST_SKIPPED) {
            throw new ProtocolException("the agent sends frames without end that mean nothing");
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
            return advance() ? reader.take(buffer, offset, length) : -1;
        }

        @Override
        public int available() {
            return reader.remaining();
        }

        @Override
        public void close() throws IOException {
            HostChannel.this.close();
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
            writing.lock();
            try {
                for (int done = 0; done < length; ) {
                    int count = Math.min(length - done, ChannelFrames.MAX_PAYLOAD);
                    writer.writeData(session, buffer, offset + done, count);
                    done += count;
                }
            } finally {
                writing.unlock();
            }
        }

        @Override
        public void close() throws IOException {
            HostChannel.this.close();
        }
    }
}
