// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptsTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"initramfs/init", "rootfs/sbin/init", "rootfs/train"})
    void areUnderstoodByTheGuestsShell(String script) throws Exception {
        Path file = Files.write(folder.resolve("script"), Resources.read(script));
        CommandRunner.Result result =
                new HostCommands().run(folder, List.of("busybox", "sh", "-n", file.toString()));
        assertThat(result.errors()).isEmpty();
        assertThat(result.status()).isZero();
    }

    @Test
    void everyProfileHasItsOptions() throws Exception {
        String init = new String(Resources.read("rootfs/sbin/init"), StandardCharsets.UTF_8);
        for (String profile : AotTraining.PROFILES) {
            assertThat(Resources.read("rootfs/jvm-" + profile + ".options")).isNotEmpty();
            assertThat(init).contains("profile=" + profile);
            assertThat(KernelParameters.byAccelerator().get(profile))
                    .contains("bunkai.profile=" + profile);
        }
    }
}
