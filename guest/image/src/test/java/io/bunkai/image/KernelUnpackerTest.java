// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelUnpackerTest {
    private static final int SETUP = 2 * 512;
    private static final int PAYLOAD_OFFSET = 64;

    @TempDir private Path folder;

    @Test
    void unpacksAKernelWithAPvhEntry() throws IOException {
        byte[] kernel = kernel(18);
        Path target = folder.resolve("vmlinux");
        assertThat(KernelUnpacker.unpack(packed(literals(kernel), kernel.length), target)).isTrue();
        assertThat(target).hasBinaryContent(kernel);
    }

    @Test
    void leavesAKernelWithoutAPvhEntryPacked() throws IOException {
        byte[] kernel = kernel(6);
        Path target = folder.resolve("vmlinux");
        assertThat(KernelUnpacker.unpack(packed(literals(kernel), kernel.length), target))
                .isFalse();
        assertThat(target).doesNotExist();
    }

    @Test
    void repeatsWhatWasUnpackedBefore() throws IOException {
        // Appended to the ELF file: three literals, a match of 4 + 15 + 2 that overlaps itself,
        // and two literals at the end.
        byte[] kernel = kernel(18);
        byte[] tail = {
            0x3f, 'a', 'b', 'c', 3, 0, 2, // literals, distance 3, length 4 + 15 + 2
            0x20, 'y', 'z'
        };
        byte[] block = concat(literalsThenMatch(kernel), tail);
        byte[] expected =
                concat(
                        kernel,
                        (new String(kernel, kernel.length - 4, 4, StandardCharsets.ISO_8859_1)
                                        + "abc".repeat(8)
                                        + "yz")
                                .getBytes(StandardCharsets.ISO_8859_1));
        Path target = folder.resolve("vmlinux");
        assertThat(KernelUnpacker.unpack(packed(block, expected.length), target)).isTrue();
        assertThat(target).hasBinaryContent(expected);
    }

    @Test
    void leavesWhatItDoesNotKnow() throws IOException {
        Path other = Files.write(folder.resolve("other"), new byte[2048]);
        assertThat(KernelUnpacker.unpack(other, folder.resolve("x"))).isFalse();
        byte[] kernel = kernel(18);
        Path zstd = packed(literals(kernel), kernel.length);
        byte[] bytes = Files.readAllBytes(zstd);
        bytes[SETUP + PAYLOAD_OFFSET] ^= 1;
        Files.write(zstd, bytes);
        assertThat(KernelUnpacker.unpack(zstd, folder.resolve("x"))).isFalse();
        assertThat(folder.resolve("x")).doesNotExist();
    }

    @Test
    void refusesADamagedKernel() throws IOException {
        byte[] kernel = kernel(18);
        Path wrongSize = packed(literals(kernel), kernel.length + 1);
        assertThatThrownBy(() -> KernelUnpacker.unpack(wrongSize, folder.resolve("x")))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("damaged");
        Path wrongDistance = packed(new byte[] {0x10, 'a', 9, 0, 0x10, 'b'}, 6);
        assertThatThrownBy(() -> KernelUnpacker.unpack(wrongDistance, folder.resolve("x")))
                .isInstanceOf(Fault.class);
    }

    private static byte[] kernel(int noteType) {
        ByteBuffer note = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
        note.putInt(4).putInt(4).putInt(noteType).put("Xen\0".getBytes(StandardCharsets.US_ASCII));
        return new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, 62)
                .section(".notes", note.array())
                .build();
    }

    /** A block of literals only. */
    private static byte[] literals(byte[] content) {
        return concat(lengthOfLiterals(content.length, 0), content);
    }

    /** Literals, then their last four bytes once more. */
    private static byte[] literalsThenMatch(byte[] content) {
        return concat(concat(lengthOfLiterals(content.length, 0), content), new byte[] {4, 0});
    }

    private static byte[] lengthOfLiterals(int length, int match) {
        int rest = length - 15;
        byte[] bytes = new byte[2 + rest / 255];
        Arrays.fill(bytes, (byte) 255);
        bytes[0] = (byte) (0xf0 | match);
        bytes[bytes.length - 1] = (byte) (rest % 255);
        return bytes;
    }

    private Path packed(byte[] block, int size) throws IOException {
        ByteBuffer file =
                ByteBuffer.allocate(SETUP + PAYLOAD_OFFSET + 12 + block.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        file.put(0x1f1, (byte) 1); // sectors of setup code behind the first
        file.putInt(0x202, 0x53726448); // HdrS
        file.putShort(0x206, (short) 0x20f); // version of the protocol
        file.putInt(0x248, PAYLOAD_OFFSET);
        file.putInt(0x24c, 12 + block.length); // magic, block size, block, whole size
        file.position(SETUP + PAYLOAD_OFFSET);
        file.putInt(0x184c2102).putInt(block.length).put(block).putInt(size);
        return Files.write(folder.resolve("vmlinuz"), file.array());
    }

    private static byte[] concat(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
