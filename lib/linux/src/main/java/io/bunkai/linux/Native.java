// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * The one place where Java meets machine code.
 *
 * <p>Every call has the same shape: seven machine words in, one out. Linking a shape costs far more
 * than calling it (in an interpreted, emulated guest it is a good part of the agent's start), so
 * there is exactly one. Passing more words than a C function takes is harmless in the calling
 * conventions of x86-64 and AArch64, and so is passing words to the variadic {@code syscall}.
 */
@SuppressWarnings("restricted") // this module is the one that is granted native access
final class Native {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                    JAVA_LONG);
    private static final MethodHandle CALL =
            LINKER.downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));
    private static final long CAPTURE_BYTES = Linker.Option.captureStateLayout().byteSize();
    private static final MemorySegment SYSCALL = symbol("syscall");

    /** Where errno is put: made once for a thread, since that costs more than a system call. */
    private static final ThreadLocal<MemorySegment> CAPTURE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE_BYTES, 4));

    private Native() {}

    /** {@return the address of a function of the C library} */
    static MemorySegment symbol(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new AssertionError("the C library has no " + name));
    }

    /** {@return the result of a system call, or a negated errno} */
    static long syscall(int number, long a, long b, long c, long d, long e, long f) {
        if (Thread.currentThread().isVirtual()) { // too many of them to keep something for each
            try (Arena arena = Arena.ofConfined()) {
                return syscall(arena.allocate(CAPTURE_BYTES, 4), number, a, b, c, d, e, f);
            }
        }
        return syscall(CAPTURE.get(), number, a, b, c, d, e, f);
    }

    private static long syscall(
            MemorySegment capture, int number, long a, long b, long c, long d, long e, long f) {
        return invoke(SYSCALL, capture, number, a, b, c, d, e, f);
    }

    private static long invoke(
            MemorySegment function,
            MemorySegment capture,
            long a,
            long b,
            long c,
            long d,
            long e,
            long f,
            long g) {
        try {
            long result = (long) CALL.invokeExact(function, capture, a, b, c, d, e, f, g);
            // errno is the only field of the captured state on Linux, at its beginning.
            return result == -1 ? -(long) capture.get(JAVA_INT, 0) : result;
        } catch (Throwable t) {
            throw new AssertionError("a function is linked with the wrong signature", t);
        }
    }

    /**
     * {@return 0, or a negated errno, of a function of the C library that answers with an int} For
     * the few that do more than the system call of their name.
     */
    static long tryCall(MemorySegment function, long a, long b, long c) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment capture = arena.allocate(CAPTURE_BYTES, 4);
            long result = invoke(function, capture, a, b, c, 0, 0, 0, 0);
            return (int) result == -1 ? -(long) capture.get(JAVA_INT, 0) : result;
        }
    }

    static long syscall(int number, long a, long b, long c, long d) {
        return syscall(number, a, b, c, d, 0, 0);
    }

    static long syscall(int number, long a, long b, long c) {
        return syscall(number, a, b, c, 0, 0, 0);
    }

    static long syscall(int number, long a) {
        return syscall(number, a, 0, 0, 0, 0, 0);
    }

    /** {@return what a function of the C library returned, its low 32 bits: an int} */
    static int call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment capture = arena.allocate(CAPTURE_BYTES, 4);
            return (int) (long) CALL.invokeExact(function, capture, a, b, c, d, e, f, 0L);
        } catch (Throwable t) {
            throw new AssertionError("a function is linked with the wrong signature", t);
        }
    }

    /** {@return a NUL-terminated copy} */
    static MemorySegment cString(Arena arena, String text) {
        return arena.allocateFrom(text, StandardCharsets.UTF_8);
    }
}
