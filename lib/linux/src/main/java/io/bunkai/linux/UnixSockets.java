// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.bunkai.base.Closer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * Stream sockets in the file system that carry descriptors. For sockets that carry bytes only the
 * JDK's channels serve.
 *
 * @spec https://man7.org/linux/man-pages/man7/unix.7.html unix(7)
 */
public final class UnixSockets {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_PEERCRED = 17;
    private static final int UCRED_INTS = 3;
    private static final int BACKLOG = 128;
    private static final int SHUT_WR = 1;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    /** More than any peer of ours sends; what does not fit the kernel closes. */
    private static final int MOST_DESCRIPTORS = 16;

    private UnixSockets() {}

    /** Bytes and descriptors that came in one message. Closing it closes the descriptors. */
    public static final class Message implements AutoCloseable {
        private final byte[] data;
        private final List<Fd> descriptors;

        private Message(byte[] data, List<Fd> descriptors) {
            this.data = data;
            this.descriptors = List.copyOf(descriptors);
        }

        /** {@return a copy of the bytes; empty at the end of the stream} */
        public byte[] data() {
            return data.clone();
        }

        /** {@return the descriptors, owned by whoever received the message} */
        public List<Fd> descriptors() {
            return descriptors;
        }

        @Override
        public void close() {
            descriptors.forEach(Fd::close);
        }
    }

    /**
     * Two sockets that are connected with each other. Closing it closes both.
     *
     * @param one owned by whoever made the pair, as is {@code other}
     */
    public record Pair(Fd one, Fd other) implements AutoCloseable {
        @Override
        public void close() {
            one.close();
            other.close();
        }
    }

    /**
     * {@return two sockets that are connected with each other}
     *
     * @throws ErrnoException EMFILE or ENFILE if no descriptor is left
     * @spec https://man7.org/linux/man-pages/man2/socketpair.2.html socketpair(2)
     */
    public static Pair pair() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            // int socketpair(int domain, int type, int protocol, int sv[2]);
            long result =
                    Native.syscall(
                            SystemCall.SOCKETPAIR,
                            AF_UNIX,
                            SOCK_STREAM | SOCK_CLOEXEC,
                            0,
                            ends.address());
            ErrnoException.check("socketpair", result);
            return new Pair(
                    new Fd(ends.getAtIndex(JAVA_INT, 0)), new Fd(ends.getAtIndex(JAVA_INT, 1)));
        }
    }

    /**
     * {@return whether a socket listens, rather than being a connection}
     *
     * @throws ErrnoException ENOTSOCK if it is no socket
     * @spec https://man7.org/linux/man-pages/man7/socket.7.html socket(7), SO_ACCEPTCONN
     */
    public static boolean isListening(Fd socket) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment length = arena.allocateFrom(JAVA_INT, Integer.BYTES);
            // int getsockopt(int fd, int level, int name, void *value, socklen_t *length);
            long result =
                    Native.syscall(
                            SystemCall.GETSOCKOPT,
                            socket.number(),
                            SOL_SOCKET,
                            SO_ACCEPTCONN,
                            value.address(),
                            length.address(),
                            0);
            ErrnoException.check("getsockopt", result);
            return value.get(JAVA_INT, 0) != 0;
        }
    }

    /**
     * Ends a connection in both directions, or a listening socket's waiting: unlike closing, this
     * wakes whoever is in {@link #receive} or {@link #accept}. What has ended already may be ended
     * again.
     *
     * @spec https://man7.org/linux/man-pages/man2/shutdown.2.html shutdown(2)
     */
    public static void shutDown(Fd socket) {
        // int shutdown(int sockfd, int how); fails only if there is no connection left to end
        Native.syscall(SystemCall.SHUTDOWN, socket.number(), SHUT_RDWR, 0);
    }

    /** Ends one direction of a connection: the other side reads the end, and may still write. */
    public static void shutDownWriting(Fd socket) {
        // int shutdown(int sockfd, int how);
        Native.syscall(SystemCall.SHUTDOWN, socket.number(), SHUT_WR, 0);
    }

    /**
     * {@return a socket that listens at {@code path}, which must not exist}
     *
     * @throws ErrnoException EADDRINUSE if there is such a file, ENAMETOOLONG beyond 107 bytes
     */
    public static Fd listen(Path path) throws ErrnoException {
        Fd socket = socket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
            ErrnoException.check(
                    "bind " + path,
                    Native.syscall(
                            SystemCall.BIND,
                            socket.number(),
                            address.address(),
                            address.byteSize()));
            // int listen(int sockfd, int backlog);
            ErrnoException.check(
                    "listen " + path,
                    Native.syscall(SystemCall.LISTEN, socket.number(), BACKLOG, 0));
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * {@return a socket that listens at {@code path}, in the place of whatever was there, and that
     * only its owner can connect to}
     *
     * @throws ErrnoException ENAMETOOLONG beyond 107 bytes, EACCES if the path is not the caller's
     */
    public static Fd listenForOwner(Path path) throws ErrnoException {
        try (Closer undo = new Closer()) {
            Files.deleteIfExists(path);
            Fd socket = undo.own(listen(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            undo.release();
            return socket;
        } catch (ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw new ErrnoException("restrict " + path, Errno.EACCES);
        }
    }

    /** {@return the next connection; blocks the calling thread until there is one} */
    public static Fd accept(Fd listener) throws ErrnoException {
        return new Fd((int) ErrnoException.check("accept", tryAccept(listener)));
    }

    /** The number of the next connection's descriptor, or a negated errno. */
    static int tryAccept(Fd listener) {
        while (true) {
            // int accept4(int sockfd, struct sockaddr *, socklen_t *, int flags);
            long fd = Native.syscall(SystemCall.ACCEPT4, listener.number(), 0, 0, SOCK_CLOEXEC);
            if (fd != -Errno.EINTR) {
                return (int) fd;
            }
        }
    }

    /**
     * {@return who has connected}
     *
     * @spec https://man7.org/linux/man-pages/man7/unix.7.html unix(7), SO_PEERCRED
     */
    public static UnixConnection.Peer peer(Fd socket) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(JAVA_INT, UCRED_INTS);
            MemorySegment length = arena.allocateFrom(JAVA_INT, UCRED_INTS * Integer.BYTES);
            // int getsockopt(int fd, int level, int name, void *value, socklen_t *length);
            long result =
                    Native.syscall(
                            SystemCall.GETSOCKOPT,
                            socket.number(),
                            SOL_SOCKET,
                            SO_PEERCRED,
                            credentials.address(),
                            length.address(),
                            0);
            ErrnoException.check("getsockopt", result);
            return new UnixConnection.Peer(
                    credentials.getAtIndex(JAVA_INT, 0),
                    credentials.getAtIndex(JAVA_INT, 1),
                    credentials.getAtIndex(JAVA_INT, 2));
        }
    }

    /**
     * {@return a connection to the socket at {@code path}}
     *
     * @throws ErrnoException ENOENT if there is none, ECONNREFUSED if nobody listens
     */
    public static Fd connect(Path path) throws ErrnoException {
        Fd socket = socket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            // int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
            ErrnoException.check(
                    "connect " + path,
                    Native.syscall(
                            SystemCall.CONNECT,
                            socket.number(),
                            address.address(),
                            address.byteSize()));
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Receives one message, at most {@code length} bytes of it.
     *
     * @spec https://man7.org/linux/man-pages/man2/recvmsg.2.html recvmsg(2)
     */
    public static Message receive(Fd socket, int length) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(Math.max(1, length));
            MemorySegment control = arena.allocate(controlBytes(MOST_DESCRIPTORS), 8);
            MemorySegment header = header(arena, data, length, control, control.byteSize());
            long n;
            do {
                // ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags);
                n =
                        Native.syscall(
                                SystemCall.RECVMSG,
                                socket.number(),
                                header.address(),
                                MSG_CMSG_CLOEXEC);
            } while (n == -Errno.EINTR);
            ErrnoException.check("recvmsg", n);
            long used = header.get(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_controllen"));
            return new Message(
                    data.asSlice(0, n).toArray(JAVA_BYTE), descriptors(control.asSlice(0, used)));
        }
    }

    /**
     * Sends bytes, at least one, and descriptors in one message. The descriptors stay open here.
     *
     * @throws ErrnoException EPIPE if the other side has gone
     * @spec https://man7.org/linux/man-pages/man2/sendmsg.2.html sendmsg(2)
     */
    public static void send(Fd socket, byte[] data, List<Fd> descriptors) throws ErrnoException {
        send(socket, MemorySegment.NULL, data, descriptors);
    }

    /**
     * As above, to a certain address.
     *
     * @param to a {@code sockaddr_un}, as long as it is used; {@link MemorySegment#NULL} for the
     *     other end of a connection
     */
    static void send(Fd socket, MemorySegment to, byte[] data, List<Fd> descriptors)
            throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(Math.max(1, data.length));
            MemorySegment.copy(data, 0, bytes, JAVA_BYTE, 0, data.length);
            long controlBytes = descriptors.isEmpty() ? 0 : controlBytes(descriptors.size());
            MemorySegment control = arena.allocate(Math.max(8, controlBytes), 8);
            if (!descriptors.isEmpty()) {
                long headBytes = Structs.CMSGHDR.byteSize();
                control.set(JAVA_LONG, 0, headBytes + 4L * descriptors.size());
                control.set(JAVA_INT, Structs.offset(Structs.CMSGHDR, "cmsg_level"), SOL_SOCKET);
                control.set(JAVA_INT, Structs.offset(Structs.CMSGHDR, "cmsg_type"), SCM_RIGHTS);
                for (int i = 0; i < descriptors.size(); i++) {
                    control.set(JAVA_INT, headBytes + 4L * i, descriptors.get(i).number());
                }
            }
            MemorySegment header = header(arena, bytes, data.length, control, controlBytes);
            header.set(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_name"), to.address());
            header.set(
                    JAVA_INT,
                    Structs.offset(Structs.MSGHDR, "msg_namelen"),
                    Math.toIntExact(to.byteSize()));
            long n;
            do {
                // ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags);
                n =
                        Native.syscall(
                                SystemCall.SENDMSG,
                                socket.number(),
                                header.address(),
                                MSG_NOSIGNAL);
            } while (n == -Errno.EINTR);
            if (ErrnoException.check("sendmsg", n) != data.length) {
                throw new ErrnoException("sendmsg was cut short", Errno.EAGAIN);
            }
        }
    }

    private static Fd socket() throws ErrnoException {
        // int socket(int domain, int type, int protocol);
        long fd = Native.syscall(SystemCall.SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return new Fd((int) ErrnoException.check("socket", fd));
    }

    private static MemorySegment address(Arena arena, Path path) throws ErrnoException {
        byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        MemorySegment address = arena.allocate(Structs.SOCKADDR_UN);
        long at = Structs.offset(Structs.SOCKADDR_UN, "sun_path");
        if (bytes.length >= address.byteSize() - at) {
            throw new ErrnoException("the path of socket " + path, Errno.ENAMETOOLONG);
        }
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, at, bytes.length);
        return address;
    }

    static MemorySegment header(
            Arena arena, MemorySegment data, int length, MemorySegment control, long controlBytes) {
        MemorySegment vector = arena.allocate(Structs.IOVEC);
        vector.set(JAVA_LONG, 0, data.address());
        vector.set(JAVA_LONG, 8, length);
        MemorySegment header = arena.allocate(Structs.MSGHDR);
        header.set(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_iov"), vector.address());
        header.set(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_iovlen"), 1);
        long controlAddress = controlBytes == 0 ? 0 : control.address();
        header.set(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_control"), controlAddress);
        header.set(JAVA_LONG, Structs.offset(Structs.MSGHDR, "msg_controllen"), controlBytes);
        return header;
    }

    static List<Fd> descriptors(MemorySegment control) {
        List<Fd> found = new ArrayList<>();
        long headBytes = Structs.CMSGHDR.byteSize();
        long at = 0;
        while (at + headBytes <= control.byteSize()) {
            long length = control.get(JAVA_LONG, at);
            int level = control.get(JAVA_INT, at + Structs.offset(Structs.CMSGHDR, "cmsg_level"));
            int type = control.get(JAVA_INT, at + Structs.offset(Structs.CMSGHDR, "cmsg_type"));
            if (length < headBytes) {
                break;
            }
            if (level == SOL_SOCKET && type == SCM_RIGHTS) {
                for (long fd = at + headBytes; fd + 4 <= at + length; fd += 4) {
                    found.add(new Fd(control.get(JAVA_INT, fd)));
                }
            }
            at += aligned(length);
        }
        return found;
    }

    static long controlBytes(int descriptors) {
        return aligned(Structs.CMSGHDR.byteSize() + 4L * descriptors);
    }

    private static long aligned(long length) {
        return (length + 7) & ~7L;
    }
}
