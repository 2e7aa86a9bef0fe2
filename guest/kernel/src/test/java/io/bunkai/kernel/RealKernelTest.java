// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real source and the real compilers. Debian's source is fetched with apt and unpacked into the
 * user's cache unless it is there; a build takes ten minutes of two processors, or an hour of two
 * that are busy.
 */
@Tag("long")
@Timeout(value = 4, unit = TimeUnit.HOURS)
class RealKernelTest {
    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private Path run(Path cache, String... arguments) {
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.put("BUNKAI_CACHE", cache.toString());
        out.getBuffer().setLength(0);
        int status =
                KernelMain.run(
                        new KernelMain.Surroundings(
                                environment,
                                new HostTools(),
                                null,
                                new PrintWriter(out, true),
                                new PrintWriter(err, true)),
                        arguments);
        assertThat(status).as(err.toString()).isZero();
        return Path.of(out.toString().strip());
    }

    private static Path usersCache() {
        Path kernel = KernelCache.defaultRoot(System.getenv());
        return kernel.getParent();
    }

    /** The check is the builder's own: an option that does not stick fails it by name. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-g nvidia",
                "-x",
                "-m",
                "--debug",
                "-x -m -g nvidia",
                "-a aarch64",
                "-a aarch64 -x -m"
            })
    void everyKindOfKernelConfiguresWithoutADroppedOption(String flags) throws Exception {
        List<String> command = new ArrayList<>(List.of("setup", "-v", "6.1"));
        if (!flags.isEmpty()) {
            command.addAll(List.of(flags.split(" ", -1)));
        }
        Path build = run(usersCache(), command.toArray(String[]::new));
        KernelConfig config = KernelConfig.read(build.resolve(".config"));
        assertThat(config.values()).doesNotContainValue("m");
        assertThat(config.value("CONFIG_EROFS_FS")).isEqualTo("y");
        Trees.delete(build);
    }

    @Test
    void twoBuildsInDifferentFoldersAreIdentical() throws Exception {
        Path first = run(folder.resolve("one"), "build");
        Path second = run(folder.resolve("two/of/another/length"), "build");
        assertThat(first).isNotEqualTo(second);
        KernelManifest manifest =
                KernelManifest.read(first.resolve("kernel-" + nameIn(first) + ".json"));
        for (String file : manifest.files().keySet()) {
            assertThat(Files.mismatch(first.resolve(file), second.resolve(file)))
                    .as(file)
                    .isEqualTo(-1);
        }
        assertThat(KernelManifest.read(second.resolve(manifest.file()))).isEqualTo(manifest);
    }

    @Test
    void aKernelForAarch64Builds() throws Exception {
        Path built = run(folder, "build", "-a", "aarch64");
        byte[] image = Files.readAllBytes(built.resolve("vmlinux-" + nameIn(built)));
        // The magic at 56: the header of arch/arm64/boot/Image.
        assertThat(image).startsWith('M', 'Z');
        assertThat(new String(image, 56, 4, java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("ARMd");
    }

    private static String nameIn(Path folder) throws Exception {
        try (var files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.startsWith("vmlinux-"))
                    .map(name -> name.substring("vmlinux-".length()))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
