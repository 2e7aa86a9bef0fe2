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
import java.util.List;
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

    private static int run(String deed) throws IOException, InterruptedException {
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
                                Administrator.class.getName(),
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
}
