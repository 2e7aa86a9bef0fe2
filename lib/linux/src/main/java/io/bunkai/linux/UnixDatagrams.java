// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.bunkai.base.Fault;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Sockets of datagrams on this machine.
 *
 * @spec https://man7.org/linux/man-pages/man7/unix.7.html unix(7)
 */
final class UnixDatagrams {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final long PATH = Structs.offset(Structs.SOCKADDR_UN, "sun_path");

    private UnixDatagrams() {}

    /**
     * {@return a socket that has no address}
     *
     * @throws ErrnoException EMFILE or ENFILE if no descriptor is left
     */
    static Fd socket() throws ErrnoException {
        // int socket(int domain, int type, int protocol);
        long fd = Native.syscall(SystemCall.SOCKET, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return new Fd((int) ErrnoException.check("socket", fd));
    }

    /**
     * {@return an address as the kernel takes it, as long as it is used: where the name has no file
     * its length tells where it ends}
     *
     * @param name an absolute path, or a name that has no file after '@'
     * @throws Fault INVALID_ARGUMENT if it is neither, or too long
     */
    static MemorySegment address(Arena arena, String name) {
        boolean abstractName = name.startsWith("@");
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        long most = Structs.SOCKADDR_UN.byteSize() - PATH - (abstractName ? 0 : 1);
        if (name.length() < 2 || !(abstractName || name.startsWith("/")) || bytes.length > most) {
            throw Fault.invalidArgument("'%s' is no address of a unix socket", name)
                    .withHint("an absolute path, or '@' and a name, of at most %d bytes", most);
        }
        MemorySegment address = arena.allocate(Structs.SOCKADDR_UN);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, PATH, bytes.length);
        if (abstractName) {
            address.set(JAVA_BYTE, PATH, (byte) 0);
        }
        return address.asSlice(0, PATH + bytes.length + (abstractName ? 0 : 1));
    }
}
