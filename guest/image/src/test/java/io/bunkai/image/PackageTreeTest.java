// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackageTreeTest {
    @TempDir private Path root;

    @Test
    void followsAbsoluteLinksBeneathTheRoot() throws IOException {
        Files.createDirectories(root.resolve("usr/lib"));
        Files.createSymbolicLink(root.resolve("lib"), Path.of("/usr/lib"));
        assertThat(PackageTree.resolve(root, "/lib/x")).isEqualTo(root.resolve("usr/lib/x"));
    }

    @Test
    void neverClimbsOutOfTheRoot() throws IOException {
        Files.createSymbolicLink(root.resolve("up"), Path.of("../../../etc"));
        assertThat(PackageTree.resolve(root, "up/passwd")).isEqualTo(root.resolve("etc/passwd"));
        assertThat(PackageTree.resolve(root, "../../etc")).isEqualTo(root.resolve("etc"));
    }

    @Test
    void refusesLinksThatLeadInACircle() throws IOException {
        Files.createSymbolicLink(root.resolve("a"), Path.of("b"));
        Files.createSymbolicLink(root.resolve("b"), Path.of("a"));
        assertThatThrownBy(() -> PackageTree.resolve(root, "a"))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("circle");
    }
}
