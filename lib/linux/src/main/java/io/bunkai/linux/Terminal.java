// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Terminals: their size, their raw mode, and pairs of them.
 *
 * @spec https://man7.org/linux/man-pages/man2/ioctl_tty.2.html ioctl_tty(2)
 * @spec https://man7.org/linux/man-pages/man3/termios.3.html termios(3)
 */
public final class Terminal {
    private static final int TCGETS = 0x5401;
    private static final int TCSETS = 0x5402;
    private static final int TIOCGWINSZ = 0x5413;
    private static final int TIOCSWINSZ = 0x5414;
    private static final int TIOCGPTN = 0x80045430;
    private static final int TIOCSPTLCK = 0x40045431;

    // What cfmakeraw(3) clears and sets.
    private static final int IGNBRK_BRKINT_PARMRK_ISTRIP_INLCR_IGNCR_ICRNL_IXON =
            01 | 02 | 010 | 040 | 0100 | 0200 | 0400 | 02000;
    private static final int OPOST = 01;
    private static final int ECHO_ECHONL_ICANON_ISIG_IEXTEN = 010 | 0100 | 02 | 01 | 0100000;
    private static final int CSIZE_PARENB = 060 | 0400;
    private static final int CS8 = 060;
    private static final int VMIN = 6;
    private static final int VTIME = 5;

    private Terminal() {}

    /**
     * The visible part of a terminal.
     *
     * @param rows lines, 0 if unknown
     * @param columns characters in a line, 0 if unknown
     */
    public record Size(int rows, int columns) {}

    /**
     * Both sides of a new pseudo-terminal, owned by whoever made it.
     *
     * @param master the side that plays the screen and the keyboard
     * @param slave the side that programs run on
     */
    public record Pair(Fd master, Fd slave) implements AutoCloseable {
        @Override
        public void close() {
            master.close();
            slave.close();
        }
    }

    /** {@return whether the descriptor is a terminal} */
    public static boolean isTerminal(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(Structs.TERMIOS);
            return ioctl(fd, TCGETS, termios.address()) >= 0;
        }
    }

    /**
     * {@return the terminal's size}
     *
     * @throws ErrnoException ENOTTY if it is no terminal
     */
    public static Size size(Fd fd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(Structs.WINSIZE);
            ErrnoException.check("TIOCGWINSZ", ioctl(fd, TIOCGWINSZ, size.address()));
            return new Size(
                    Short.toUnsignedInt(size.get(JAVA_SHORT, 0)),
                    Short.toUnsignedInt(size.get(JAVA_SHORT, 2)));
        }
    }

    /**
     * Changes the terminal's size; its programs get SIGWINCH.
     *
     * @throws ErrnoException ENOTTY if it is no terminal
     */
    public static void resize(Fd fd, Size size) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(Structs.WINSIZE);
            value.set(JAVA_SHORT, 0, (short) size.rows());
            value.set(JAVA_SHORT, 2, (short) size.columns());
            ErrnoException.check("TIOCSWINSZ", ioctl(fd, TIOCSWINSZ, value.address()));
        }
    }

    /** The way back to what a terminal was before {@link #raw}. */
    public interface RawMode extends AutoCloseable {
        /** Puts the terminal back. Idempotent, never fails. */
        @Override
        void close();
    }

    /**
     * Makes the terminal hand every byte through as it is: no echo, no line editing, no signals
     * from keys.
     *
     * @return puts it back when closed
     * @throws ErrnoException ENOTTY if it is no terminal
     */
    public static RawMode raw(Fd fd) throws ErrnoException {
        byte[] before = attributes(fd);
        byte[] raw = before.clone();
        MemorySegment termios = MemorySegment.ofArray(raw);
        clear(termios, "c_iflag", IGNBRK_BRKINT_PARMRK_ISTRIP_INLCR_IGNCR_ICRNL_IXON);
        clear(termios, "c_oflag", OPOST);
        clear(termios, "c_lflag", ECHO_ECHONL_ICANON_ISIG_IEXTEN);
        clear(termios, "c_cflag", CSIZE_PARENB);
        long cflag = Structs.offset(Structs.TERMIOS, "c_cflag");
        termios.set(UNALIGNED_INT, cflag, termios.get(UNALIGNED_INT, cflag) | CS8);
        long cc = Structs.offset(Structs.TERMIOS, "c_cc");
        termios.set(JAVA_BYTE, cc + VMIN, (byte) 1);
        termios.set(JAVA_BYTE, cc + VTIME, (byte) 0);
        setAttributes(fd, raw);
        return () -> {
            try {
                setAttributes(fd, before);
            } catch (ErrnoException e) {
                // the terminal has gone: there is nothing left to put back
            }
        };
    }

    /**
     * {@return a new pseudo-terminal}
     *
     * @throws ErrnoException ENOENT if there is no /dev/ptmx, ENOSPC if there are too many of them,
     *     EMFILE
     */
    public static Pair open() throws ErrnoException {
        Fd master = Fd.open(Path.of("/dev/ptmx"), Fd.O_RDWR | Fd.O_NOCTTY);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            ErrnoException.check("TIOCSPTLCK", ioctl(master, TIOCSPTLCK, value.address()));
            ErrnoException.check("TIOCGPTN", ioctl(master, TIOCGPTN, value.address()));
            Path slave = Path.of("/dev/pts", Integer.toString(value.get(JAVA_INT, 0)));
            return new Pair(master, Fd.open(slave, Fd.O_RDWR | Fd.O_NOCTTY));
        } catch (ErrnoException e) {
            master.close();
            throw e;
        }
    }

    private static final java.lang.foreign.ValueLayout.OfInt UNALIGNED_INT =
            java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

    private static void clear(MemorySegment termios, String field, int bits) {
        long at = Structs.offset(Structs.TERMIOS, field);
        termios.set(UNALIGNED_INT, at, termios.get(UNALIGNED_INT, at) & ~bits);
    }

    private static byte[] attributes(Fd fd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(Structs.TERMIOS);
            ErrnoException.check("TCGETS", ioctl(fd, TCGETS, termios.address()));
            return termios.toArray(JAVA_BYTE);
        }
    }

    private static void setAttributes(Fd fd, byte[] attributes) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(Structs.TERMIOS);
            termios.copyFrom(MemorySegment.ofArray(attributes));
            ErrnoException.check("TCSETS", ioctl(fd, TCSETS, termios.address()));
        }
    }

    // int ioctl(int fd, unsigned long op, ...);
    private static long ioctl(Fd fd, int operation, long argument) {
        return Native.syscall(
                SystemCall.IOCTL, fd.number(), Integer.toUnsignedLong(operation), argument);
    }
}
