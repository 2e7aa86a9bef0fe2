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
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ElfFileTest {
    private static final Path CRUN = Path.of("/usr/bin/crun");

    @TempDir private Path folder;

    @Test
    void readsWhatARealProgramNeeds() throws IOException {
        ElfFile crun = ElfFile.read(CRUN);
        assertThat(crun.neededLibraries()).contains("libc.so.6", "libseccomp.so.2", "libyajl.so.2");
        assertThat(crun.interpreter())
                .hasValueSatisfying(loader -> assertThat(loader).contains("/ld-"));
        assertThat(crun.libraryName()).isEmpty();
        assertThat(crun.section(".interp")).isPresent();
        assertThat(crun.section(".nothing")).isEmpty();
    }

    @Test
    void readsTheNameOfARealLibrary() throws IOException {
        Path library =
                new LibraryClosure(Path.of("/")).of(java.util.List.of(CRUN)).get("libc.so.6");
        assertThat(library).isNotNull();
        assertThat(ElfFile.read(library).libraryName()).hasValue("libc.so.6");
    }

    @ParameterizedTest
    @CsvSource({"true, LITTLE", "true, BIG", "false, LITTLE", "false, BIG"})
    void readsBothWidthsAndBothByteOrders(boolean wide, String order) throws IOException {
        ByteOrder byteOrder = order.equals("BIG") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        byte[] elf =
                new ElfBuilder(wide, byteOrder, 183)
                        .interpreter("/lib/ld.so")
                        .needs("liba.so", "libb.so.1")
                        .section(
                                ".modinfo",
                                "name=x\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                        .build();
        Path file = Files.write(folder.resolve("file"), elf);
        ElfFile read = ElfFile.read(file);
        assertThat(read.machine()).isEqualTo(183);
        assertThat(read.interpreter()).hasValue("/lib/ld.so");
        assertThat(read.neededLibraries()).containsExactly("liba.so", "libb.so.1");
        assertThat(read.section(".modinfo")).hasValueSatisfying(s -> assertThat(s).hasSize(7));
    }

    @Test
    void refusesWhatIsNoElfFile() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "#!/bin/sh\n".repeat(20));
        assertThat(ElfFile.isElf(text)).isFalse();
        assertThatThrownBy(() -> ElfFile.read(text))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("is not an ELF file");
    }

    @Test
    void refusesAFileThatIsCutShortWhereverItIsCut() throws IOException {
        byte[] whole = new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, 62).needs("liba.so").build();
        for (int length = 4; length < whole.length; length++) {
            Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
            try {
                ElfFile elf = ElfFile.read(cut);
                elf.neededLibraries();
                elf.section(".modinfo");
            } catch (Fault e) {
                assertThat(e).hasMessageContaining("cut");
            }
        }
    }
}
