// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelModulesTest {
    @TempDir private Path folder;

    private Path root = Path.of("");

    @BeforeEach
    void makeModules() throws IOException {
        root = Files.createDirectories(folder.resolve("lib/modules/6.1.0-test"));
        module("virtio", "");
        module("virtio_ring", "virtio");
        module("virtio_blk", "virtio,virtio_ring");
        module("virtio-rng", "virtio_ring");
        module("erofs", "libcrc32c,fscache");
        module("libcrc32c", "");
        Files.writeString(root.resolve("modules.builtin"), "kernel/fs/fscache/fscache.ko\n");
    }

    @Test
    void putsWhatAModuleNeedsBeforeIt() throws IOException {
        assertThat(order(List.of("virtio_blk", "erofs")))
                .containsExactly(
                        "virtio.ko", "virtio_ring.ko", "virtio_blk.ko", "libcrc32c.ko", "erofs.ko");
    }

    @Test
    void takesDashesAndUnderscoresForTheSame() throws IOException {
        assertThat(order(List.of("virtio_rng"))).endsWith("virtio-rng.ko");
    }

    @Test
    void leavesOutWhatIsPartOfTheKernel() throws IOException {
        assertThat(order(List.of("fscache"))).isEmpty();
    }

    @Test
    void refusesAModuleThatIsNotThereAndSaysWhoWantsIt() throws IOException {
        module("lonely", "nowhere");
        assertThatThrownBy(() -> order(List.of("lonely")))
                .isInstanceOf(Fault.class)
                .hasMessage("kernel 6.1.0-test has no module nowhere, needed by lonely");
    }

    @Test
    void refusesModulesThatNeedEachOther() throws IOException {
        module("hen", "egg");
        module("egg", "hen");
        assertThatThrownBy(() -> order(List.of("hen")))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("circle");
    }

    @Test
    void refusesCompressedModules() throws IOException {
        Files.writeString(root.resolve("a.ko.xz"), "");
        assertThatThrownBy(() -> KernelModules.index(root))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("compressed");
    }

    @Test
    void printsTheTableThatModprobeReads() throws IOException {
        KernelModules modules = KernelModules.index(root);
        assertThat(
                        modules.dependencyTable(
                                modules.loadOrder(List.of("virtio_blk")),
                                module -> String.valueOf(module.getFileName())))
                .isEqualTo(
                        """
                        virtio.ko:
                        virtio_ring.ko: virtio.ko
                        virtio_blk.ko: virtio_ring.ko virtio.ko
                        """);
    }

    private List<String> order(Collection<String> names) throws IOException {
        return KernelModules.index(root).loadOrder(names).stream()
                .map(file -> String.valueOf(file.getFileName()))
                .toList();
    }

    private void module(String name, String depends) throws IOException {
        Files.write(root.resolve(name + ".ko"), ElfBuilder.module(name, depends));
    }
}
