// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A service manager's end of the socket: datagrams with descriptors, and who has sent them. */
final class NotificationSocket implements AutoCloseable {
    private static final int SETSOCKOPT = SystemCall.number(54, 208);
    private static final int SOL_SOCKET = 1;
    private static final int SO_PASSCRED = 16;
    private static final int SCM_CREDENTIALS = 2;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int LONGEST = 4096;
    private static final int CONTROL_BYTES = 1024;

    private final Fd socket;

    private NotificationSocket(Fd socket) {
        this.socket = socket;
    }

    /**
     * A datagram.
     *
     * @param sender the process that has sent it
     * @param descriptors owned by whoever received it
     */
    record Datagram(String text, List<Fd> descriptors, int sender) {}

    /** {@return a socket at this address: a path, or a name after '@'} */
    static NotificationSocket bind(String name) throws ErrnoException {
        Fd socket = UnixDatagrams.socket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = UnixDatagrams.address(arena, name);
            long bound =
                    Native.syscall(
                            SystemCall.BIND,
                            socket.number(),
                            address.address(),
                            address.byteSize());
            ErrnoException.check("bind " + name, bound);
            MemorySegment on = arena.allocateFrom(JAVA_INT, 1);
            // int setsockopt(int fd, int level, int name, const void *value, socklen_t length);
            long asked =
                    Native.syscall(
                            SETSOCKOPT,
                            socket.number(),
                            SOL_SOCKET,
                            SO_PASSCRED,
                            on.address(),
                            on.byteSize(),
                            0);
            ErrnoException.check("setsockopt SO_PASSCRED", asked);
            return new NotificationSocket(socket);
        }
    }

    /** {@return the next datagram; blocks the calling thread until there is one} */
    Datagram receive() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(LONGEST);
            MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
            MemorySegment header =
                    UnixSockets.header(arena, data, LONGEST, control, control.byteSize());
            long n =
                    Native.syscall(
                            SystemCall.RECVMSG,
                            socket.number(),
                            header.address(),
                            MSG_CMSG_CLOEXEC);
            ErrnoException.check("recvmsg", n);
            long used = header.get(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_controllen"));
            return new Datagram(
                    new String(data.asSlice(0, n).toArray(JAVA_BYTE), StandardCharsets.UTF_8),
                    UnixSockets.descriptors(control.asSlice(0, used)),
                    sender(control));
        }
    }

    /** The kernel puts {@code struct ucred} first: pid, uid and gid. */
    private static int sender(MemorySegment control) {
        int type = control.get(JAVA_INT, Structs.offset(Structs.CMSGHDR, "cmsg_type"));
        if (type != SCM_CREDENTIALS) {
            throw new AssertionError("a datagram without its sender");
        }
        return control.get(JAVA_INT, Structs.CMSGHDR.byteSize());
    }

    /** {@return for {@link Poll}} */
    Fd fd() {
        return socket;
    }

    @Override
    public void close() {
        socket.close();
    }
}
