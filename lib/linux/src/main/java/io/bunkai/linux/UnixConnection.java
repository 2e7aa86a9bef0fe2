// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Closer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A connected unix socket, for virtual threads: reading and writing wait as {@link WaitingFd} does.
 * Owns its descriptor. Safe for use by several threads.
 */
public final class UnixConnection implements AutoCloseable {
    private final Fd socket;
    private final WaitingFd in;
    private final WaitingFd out;

    private UnixConnection(Fd socket, WaitingFd in, WaitingFd out) {
        this.socket = socket;
        this.in = in;
        this.out = out;
    }

    /**
     * Who is on the other side, as the kernel noted it when the connection was made.
     *
     * @param pid 0 if the process is of another pid namespace that cannot be seen from here
     */
    public record Peer(int pid, int uid, int gid) {}

    /**
     * {@return a connection over a connected socket, which belongs to it from now on and becomes
     * non-blocking}
     *
     * @throws ErrnoException EMFILE if no descriptor is left; {@code socket} is closed then
     */
    public static UnixConnection of(Fd socket) throws ErrnoException {
        try (Closer undo = new Closer()) {
            undo.own(socket);
            WaitingFd in = WaitingFd.toRead(socket);
            WaitingFd out = WaitingFd.toWrite(undo.own(socket.duplicate()));
            undo.release();
            return new UnixConnection(socket, in, out);
        }
    }

    /**
     * Looks at what the next read would get, once something is there.
     *
     * @return how many bytes, at most 64 KiB; 0 at the end of the stream
     * @throws IOException as {@link WaitingFd#read}
     */
    public int peek(byte[] buffer, int offset, int length) throws IOException {
        return in.peek(buffer, offset, length);
    }

    /**
     * As {@link #peek}, without waiting.
     *
     * @return how many bytes; 0 if there is nothing now, or never will be
     */
    public int peekNow(byte[] buffer, int offset, int length) throws IOException {
        int n = socket.tryPeek(buffer, offset, length);
        return n == -Errno.EAGAIN ? 0 : (int) ErrnoException.check("recvfrom", n);
    }

    /** {@return what the other side sends; closing it closes the connection} */
    public InputStream input() {
        InputStream stream = in.input();
        return new InputStream() {
            @Override
            public int read() throws IOException {
                return stream.read();
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                return stream.read(buffer, offset, length);
            }

            @Override
            public void close() {
                UnixConnection.this.close();
            }
        };
    }

    /**
     * {@return what the other side receives, unbuffered; closing it closes the connection} What is
     * written at once, up to 64 KiB, is sent in one system call, so it arrives whole or not at all
     * if this process dies.
     */
    public OutputStream output() {
        OutputStream stream = out.output();
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                stream.write(value);
            }

            @Override
            public void write(byte[] buffer, int offset, int length) throws IOException {
                stream.write(buffer, offset, length);
            }

            @Override
            public void close() {
                UnixConnection.this.close();
            }
        };
    }

    /**
     * {@return who is on the other side}
     *
     * @throws ErrnoException what getsockopt(2) answers
     */
    public Peer peer() throws ErrnoException {
        return UnixSockets.peer(socket);
    }

    /** {@return the socket, for others to keep a second descriptor of; still this object's} */
    public Fd descriptor() {
        return socket;
    }

    /**
     * Closes this side's descriptors, and wakes whoever waits with an {@link IOException}. The
     * connection ends if nobody else has it open. Idempotent.
     */
    @Override
    public void close() {
        in.close();
        out.close();
    }
}
