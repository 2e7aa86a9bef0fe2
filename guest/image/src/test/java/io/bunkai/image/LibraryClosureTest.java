// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryClosureTest {
    @TempDir private Path root;

    @Test
    void findsWhatIsNeededAndNothingElse() throws IOException {
        library("usr/lib/x86_64-linux-gnu/liba.so.1.2", 62, "libb.so");
        library("lib/x86_64-linux-gnu/libb.so", 62, "liba.so.1");
        library("lib/x86_64-linux-gnu/libunused.so", 62);
        library("lib/x86_64-linux-gnu/ld.so.2", 62);
        link("usr/lib/x86_64-linux-gnu/liba.so.1", "liba.so.1.2");
        link("lib64/ld.so.2", "/lib/x86_64-linux-gnu/ld.so.2");
        Path program = program("usr/bin/tool", "liba.so.1");
        var found = new LibraryClosure(root).of(List.of(program));
        assertThat(found.keySet()).containsExactly("ld.so.2", "liba.so.1", "libb.so");
        assertThat(found.get("liba.so.1"))
                .isEqualTo(root.resolve("usr/lib/x86_64-linux-gnu/liba.so.1.2"));
        assertThat(found.get("ld.so.2")).isEqualTo(root.resolve("lib/x86_64-linux-gnu/ld.so.2"));
    }

    @Test
    void doesNotLookForWhatTheProgramsBringThemselves() throws IOException {
        library("lib/ld.so.2", 62);
        Path own = root.resolve("opt/libown.so");
        Files.createDirectories(root.resolve("opt"));
        Files.write(own, new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, 62).build());
        Path program = program("opt/tool", "libown.so");
        assertThat(new LibraryClosure(root).of(List.of(program, own)).keySet())
                .containsExactly("ld.so.2");
    }

    @Test
    void namesTheLibraryThatIsMissingAndWhoNeedsIt() throws IOException {
        library("lib/ld.so.2", 62);
        Path program = program("usr/bin/tool", "libgone.so.3");
        assertThatThrownBy(() -> new LibraryClosure(root).of(List.of(program)))
                .isInstanceOf(Fault.class)
                .hasMessage("no package holds the library libgone.so.3 that tool needs");
    }

    @Test
    void doesNotTakeALibraryOfAnotherMachine() throws IOException {
        library("lib/ld.so.2", 62);
        library("lib/liba.so", 183);
        Path program = program("usr/bin/tool", "liba.so");
        assertThatThrownBy(() -> new LibraryClosure(root).of(List.of(program)))
                .isInstanceOf(Fault.class);
    }

    private Path program(String path, String... needed) throws IOException {
        return write(
                path,
                new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, 62)
                        .interpreter("/lib64/ld.so.2")
                        .needs(needed)
                        .build());
    }

    private void library(String path, int machine, String... needed) throws IOException {
        write(path, new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, machine).needs(needed).build());
    }

    private void link(String path, String target) throws IOException {
        Path link = root.resolve(path);
        Files.createDirectories(link.resolveSibling("."));
        Files.createSymbolicLink(link, Path.of(target));
    }

    private Path write(String path, byte[] content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.resolveSibling("."));
        return Files.write(file, content);
    }
}
