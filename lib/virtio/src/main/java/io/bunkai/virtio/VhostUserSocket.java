// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Messages over a connected unix socket. Owns it. One thread receives, one sends; {@link #shutDown}
 * and {@link #close} may be called by any.
 */
final class VhostUserSocket implements AutoCloseable {
    private final Fd socket;
    private final Object ending = new Object();

    VhostUserSocket(Fd socket) {
        this.socket = socket;
    }

    /**
     * {@return the next message, owned by the caller; empty if the other side has ended the
     * connection between two messages} Blocks until there is one.
     *
     * @throws VhostUserException if what comes cannot be a message, or ends in the middle of one
     * @throws ErrnoException if the connection is broken
     */
    Optional<Frame> receive() throws VhostUserException, ErrnoException {
        List<Fd> descriptors = new ArrayList<>();
        boolean complete = false;
        try {
            byte[] header = new byte[Frame.HEADER_BYTES];
            if (!fill(header, descriptors)) {
                return Optional.empty();
            }
            ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.nativeOrder());
            int request = fields.getInt();
            int flags = fields.getInt();
            int size = fields.getInt();
            if ((flags & Frame.VERSION_MASK) != Frame.VERSION
                    || size < 0
                    || size > Frame.LARGEST_PAYLOAD) {
                throw new VhostUserException(
                        "no message: request %s, flags 0x%x, %s bytes"
                                .formatted(
                                        Integer.toUnsignedString(request),
                                        flags,
                                        Integer.toUnsignedString(size)));
            }
            byte[] payload = new byte[size];
            if (size > 0 && !fill(payload, descriptors)) {
                throw new VhostUserException("the connection ended within a message");
            }
            complete = true;
            return Optional.of(new Frame(request, flags, payload, descriptors));
        } finally {
            if (!complete) {
                descriptors.forEach(Fd::close);
            }
        }
    }

    /** {@return whether there was anything at all} */
    private boolean fill(byte[] bytes, List<Fd> descriptors)
            throws VhostUserException, ErrnoException {
        int done = 0;
        while (done < bytes.length) {
            UnixSockets.Message message = receive(bytes.length - done);
            descriptors.addAll(message.descriptors());
            byte[] data = message.data();
            if (data.length == 0) {
                if (done > 0) {
                    throw new VhostUserException("the connection ended within a message");
                }
                return false;
            }
            System.arraycopy(data, 0, bytes, done, data.length);
            done += data.length;
        }
        return true;
    }

    private UnixSockets.Message receive(int length) throws ErrnoException {
        try {
            return UnixSockets.receive(socket, length);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ECONNRESET) { // gone without having read all
                return UnixSockets.receive(socket, length);
            }
            throw e;
        }
    }

    /** Sends a message; its descriptors stay open here. */
    void send(Frame frame) throws ErrnoException {
        byte[] payload = frame.payload();
        ByteBuffer bytes =
                ByteBuffer.allocate(Frame.HEADER_BYTES + payload.length)
                        .order(ByteOrder.nativeOrder());
        bytes.putInt(frame.request()).putInt(frame.flags()).putInt(payload.length).put(payload);
        UnixSockets.send(socket, bytes.array(), frame.descriptors());
    }

    /** Ends the connection, which wakes whoever receives. */
    void shutDown() {
        synchronized (ending) { // not while it is closed: the number could be another file's
            if (socket.isOpen()) {
                UnixSockets.shutDown(socket);
            }
        }
    }

    @Override
    public void close() {
        synchronized (ending) {
            socket.close();
        }
    }
}
