// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** In processes of their own, since there is no way back. */
class SeccompTest {
    private static final int KILLED_BY_SIGSYS = 128 + 31;

    @Test
    void leavesOrdinaryWorkAlone() throws Exception {
        assertThat(run("read")).isZero();
    }

    @Test
    void endsAProcessThatMounts() throws Exception {
        assertThat(run("mount")).isEqualTo(KILLED_BY_SIGSYS);
    }

    @Test
    void endsAProcessWhoseThreadsDoSo() throws Exception {
        assertThat(run("thread")).isEqualTo(KILLED_BY_SIGSYS);
    }

    /** All numbers, and the calls that are allowed for one thing alone. */
    @Test
    void leavesAServerOfFilesNothingButItsList() throws Exception {
        assertThat(run(FileServer.class, "")).isZero();
    }

    private static int run(String deed) throws IOException, InterruptedException {
        return run(Administrator.class, deed);
    }

    private static int run(Class<?> program, String deed) throws IOException, InterruptedException {
        List<String> places = new ArrayList<>();
        for (Class<?> type : List.of(Administrator.class, Seccomp.class, Fault.class)) {
            places.add(type.getProtectionDomain().getCodeSource().getLocation().getPath());
        }
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                String.join(":", places),
                                program.getName(),
                                deed)
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        int status = process.waitFor();
        assertThat(output).doesNotContain("Exception");
        return status;
    }

    /** Gives up administration, and tries. */
    static final class Administrator {
        private Administrator() {}

        public static void main(String[] arguments) throws Exception {
            CountDownLatch forbidden = new CountDownLatch(1);
            Thread earlier = Thread.ofPlatform().daemon().start(() -> unmountAfter(forbidden));
            Seccomp.giveUpAdministration();
            switch (arguments[0]) {
                case "read" -> Files.readAllBytes(Path.of("/proc/self/status"));
                case "mount" -> Mounts.unmount(Path.of("/no/such/mount"), 0);
                case "thread" -> {
                    forbidden.countDown();
                    earlier.join();
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }

        private static void unmountAfter(CountDownLatch forbidden) {
            try {
                forbidden.await();
                Mounts.unmount(Path.of("/no/such/mount"), 0);
            } catch (ErrnoException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /**
     * Tries every call that is not on the list of a server of files. Ends with 0 if none is made.
     */
    static final class FileServer {
        private static final int REFUSED = 117; // EUCLEAN, which no call answers here
        private static final int ERRNO = 0x00050000;
        private static final int MOST = 600;
        private static final int SECOND_NUMBERS = 0x40000000;
        private static final int PR_SET_NAME = 15;
        private static final int PR_SET_DUMPABLE = 4;
        private static final int F_SETOWN = 8;
        private static final int F_DUPFD_CLOEXEC = 1030;
        private static final int SIGCHLD = 17;
        private static final int CLONE_THREAD = 0x10000;

        private FileServer() {}

        public static void main(String[] arguments) throws Exception {
            Set<FileServerCall> calls = EnumSet.allOf(FileServerCall.class);
            calls.removeAll(FileServerCall.ofReport());
            boolean[] listed = new boolean[MOST];
            for (FileServerCall call : calls) {
                listed[call.number()] = true;
            }
            int getpid = SystemCall.number(39, 172);
            refused(getpid, 0, 0); // loads what is needed; answers with a number
            Seccomp.allowNoNewPrivileges();
            Seccomp.install(FileServerFilter.program(calls, ERRNO | REFUSED));
            boolean held = refused(getpid, 0, 0);
            for (int number = 0; number < MOST; number++) {
                held &= listed[number] || isUnfiltered(number) || refused(number, -1, -1);
            }
            held &= refused(SECOND_NUMBERS | getpid, 0, 0);
            held &= refused(SECOND_NUMBERS | SystemCall.MMAP, 0, 0);
            held &= refused(SystemCall.PRCTL, PR_SET_DUMPABLE, 1);
            held &= Native.syscall(SystemCall.PRCTL, PR_SET_NAME, 0, 0) == -Errno.EFAULT;
            held &= refused(SystemCall.FCNTL, 0, F_SETOWN);
            held &= Native.syscall(SystemCall.FCNTL, -1, F_DUPFD_CLOEXEC, 0) == -Errno.EBADF;
            held &= refused(FileServerCall.CLONE.number(), SIGCHLD, 0);
            held &= refused(FileServerCall.CLONE.number(), CLONE_THREAD, 0);
            held &= Native.syscall(FileServerCall.CLONE3.number(), 0, 0, 0) == -Errno.ENOSYS;
            Runtime.getRuntime().halt(held ? 0 : 1);
        }

        /**
         * Of x86-64: the kernel's own returns from probes, which pass every filter since Linux 6.14
         * and end whoever makes them elsewhere.
         */
        private static boolean isUnfiltered(int number) {
            return SystemCall.X86 && (number == 335 || number == 336);
        }

        private static boolean refused(int number, long first, long second) {
            return Native.syscall(number, first, second, -1, -1) == -REFUSED;
        }
    }
}
