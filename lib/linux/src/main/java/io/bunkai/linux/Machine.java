// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * What only the first process of a machine does to the machine: its clock, its entropy, its name,
 * its end.
 */
public final class Machine {
    private static final int CLOCK_REALTIME = 0;
    private static final int RNDADDENTROPY = 0x40085203;
    private static final int RNDRESEEDCRNG = 0x5207;
    private static final int MAGIC1 = 0xfee1dead;
    private static final int MAGIC2 = 672274793;
    private static final int RESTART = 0x01234567;
    private static final int POWER_OFF = 0x4321fedc;
    private static final long NANOS_PER_MICRO = 1000;

    private Machine() {}

    /**
     * Sets the time of day.
     *
     * @param seconds since the epoch
     * @param nanos of the second
     * @throws ErrnoException EPERM without CAP_SYS_TIME, EINVAL for a time that cannot be
     * @spec https://man7.org/linux/man-pages/man2/clock_settime.2.html clock_settime(2)
     */
    public static void setTime(long seconds, long nanos) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(Structs.TIMESPEC);
            time.set(JAVA_LONG, 0, seconds);
            time.set(JAVA_LONG, 8, nanos);
            // int clock_settime(clockid_t, const struct timespec *);
            ErrnoException.check(
                    "clock_settime",
                    Native.syscall(SystemCall.CLOCK_SETTIME, CLOCK_REALTIME, time.address(), 0));
        }
    }

    /**
     * {@return microseconds since the machine was booted, without time asleep}
     *
     * @spec https://man7.org/linux/man-pages/man2/clock_gettime.2.html clock_gettime(2),
     *     CLOCK_MONOTONIC: on Linux that is the clock behind {@link System#nanoTime}
     */
    public static long bootMicros() {
        return System.nanoTime() / NANOS_PER_MICRO;
    }

    /**
     * Mixes bytes into the kernel's random pool, counts them as entropy, and makes the generator
     * use them at once.
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN
     * @spec https://man7.org/linux/man-pages/man4/random.4.html random(4)
     */
    public static void addEntropy(byte[] secret) throws ErrnoException {
        try (Fd random = Fd.open(Path.of("/dev/urandom"), Fd.O_RDWR);
                Arena arena = Arena.ofConfined()) {
            // struct rand_pool_info { int entropy_count; int buf_size; __u32 buf[]; }
            MemorySegment info = arena.allocate(8L + secret.length, 4);
            info.set(JAVA_INT, 0, secret.length * 8);
            info.set(JAVA_INT, 4, secret.length);
            MemorySegment.copy(secret, 0, info, JAVA_BYTE, 8, secret.length);
            ErrnoException.check(
                    "RNDADDENTROPY",
                    Native.syscall(
                            SystemCall.IOCTL, random.number(), RNDADDENTROPY, info.address()));
            ErrnoException.check(
                    "RNDRESEEDCRNG",
                    Native.syscall(SystemCall.IOCTL, random.number(), RNDRESEEDCRNG, 0));
        }
    }

    /**
     * Names the machine.
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, EINVAL beyond 64 bytes
     * @spec https://man7.org/linux/man-pages/man2/sethostname.2.html sethostname(2)
     */
    public static void setHostname(String name) throws ErrnoException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            // int sethostname(const char *name, size_t len);
            ErrnoException.check(
                    "sethostname " + name,
                    Native.syscall(
                            SystemCall.SETHOSTNAME,
                            Native.cString(arena, name).address(),
                            bytes.length,
                            0));
        }
    }

    /**
     * Restarts the machine at once; returns only if it failed.
     *
     * @throws ErrnoException EPERM without CAP_SYS_BOOT
     * @spec https://man7.org/linux/man-pages/man2/reboot.2.html reboot(2)
     */
    public static void restart() throws ErrnoException {
        reboot(RESTART);
    }

    /**
     * Turns the machine off at once; returns only if it failed.
     *
     * @throws ErrnoException EPERM without CAP_SYS_BOOT
     */
    public static void powerOff() throws ErrnoException {
        reboot(POWER_OFF);
    }

    private static void reboot(int command) throws ErrnoException {
        // int reboot(int magic, int magic2, int op, void *arg);
        ErrnoException.check("reboot", Native.syscall(SystemCall.REBOOT, MAGIC1, MAGIC2, command));
    }
}
