// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RootTreeTest {
    @TempDir private Path folder;

    @Test
    void hasThePlacesThatTheAgentAndTheKernelExpect() throws Exception {
        RootTree tree = RootTree.create(folder.resolve("root"));
        tree.addBusybox(Path.of("/bin/busybox"));
        for (String place : new String[] {"proc", "sys", "dev", "run", "tmp", "root", "mnt"}) {
            assertThat(tree.resolve(place)).isDirectory();
        }
        assertThat(Files.readSymbolicLink(tree.resolve("bin"))).hasToString("usr/bin");
        assertThat(Files.readSymbolicLink(tree.resolve("etc/resolv.conf")))
                .hasToString("../run/resolv.conf");
        assertThat(tree.resolve("sbin/init")).isExecutable();
        assertThat(tree.resolve("bin/sh").toRealPath())
                .isEqualTo(tree.resolve("usr/bin/busybox").toRealPath());
        assertThat(Files.readString(tree.resolve("etc/passwd"))).startsWith("root:x:0:0:");
    }

    @Test
    void everyAppletIsOneThatBusyboxHas() throws Exception {
        RootTree tree = RootTree.create(folder.resolve("root"));
        tree.addBusybox(Path.of("/bin/busybox"));
        var has =
                new HostCommands()
                        .check(folder, java.util.List.of("/bin/busybox", "--list"))
                        .lines()
                        .toList();
        try (var links = Files.list(tree.resolve("usr/bin"))) {
            assertThat(links.map(link -> String.valueOf(link.getFileName()))).isSubsetOf(has);
        }
    }

    @Test
    void putsTheLoaderWhereProgramsLookForIt() throws Exception {
        RootTree tree = RootTree.create(folder.resolve("root"));
        Path packages = folder.resolve("packages");
        Path loader = packages.resolve("lib/x86_64-linux-gnu/ld.so.2");
        Files.createDirectories(packages.resolve("lib/x86_64-linux-gnu"));
        Files.writeString(loader, "loader");
        tree.addLibraries(Map.of("ld.so.2", loader), "/lib64/ld.so.2", packages);
        assertThat(tree.resolve("usr/lib/x86_64-linux-gnu/ld.so.2")).hasContent("loader");
        assertThat(PackageTree.resolve(tree.root(), "/lib64/ld.so.2"))
                .isEqualTo(tree.resolve("usr/lib/x86_64-linux-gnu/ld.so.2"));
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(
                                        tree.resolve("usr/lib/x86_64-linux-gnu/ld.so.2"))))
                .isEqualTo("rwxr-xr-x");
    }
}
