// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedMemoryTest {
    private static final int MIB = 1 << 20;

    @TempDir Path directory;

    @Test
    void twoMappingsOfAFileAreTheSameMemory() throws Exception {
        try (Fd file = SharedMemory.createFile("test", MIB);
                SharedMemory one = SharedMemory.map(file, 0, MIB);
                SharedMemory other = SharedMemory.map(file, 4096, 8192)) {
            one.memory().set(JAVA_LONG_UNALIGNED, 4096 + 17, 0x1122334455667788L);
            assertThat(other.memory().byteSize()).isEqualTo(8192);
            assertThat(other.memory().get(JAVA_LONG_UNALIGNED, 17)).isEqualTo(0x1122334455667788L);
        }
    }

    @Test
    void aPartMayBeginInTheMiddleOfAPage() throws Exception {
        try (Fd file = SharedMemory.createFile("test", MIB);
                SharedMemory all = SharedMemory.map(file, 0, MIB);
                SharedMemory part = SharedMemory.map(file, 4096 + 100, 50)) {
            all.memory().set(JAVA_BYTE, 4096 + 100 + 49, (byte) 7);
            assertThat(part.memory().byteSize()).isEqualTo(50);
            assertThat(part.memory().get(JAVA_BYTE, 49)).isEqualTo((byte) 7);
        }
    }

    @Test
    void afterClosingNothingIsMappedAndAnAccessIsAnException() throws Exception {
        try (Fd file = SharedMemory.createFile("bunkai-unmapped", MIB)) {
            SharedMemory memory = SharedMemory.map(file, 0, MIB);
            assertThat(mappingsOf("bunkai-unmapped")).isEqualTo(1);
            memory.close();
            memory.close();
            assertThat(mappingsOf("bunkai-unmapped")).isZero();
            MemorySegment gone = memory.memory();
            assertThatIllegalStateException().isThrownBy(() -> gone.get(JAVA_BYTE, 0));
        }
    }

    @Test
    void aSealedFileCannotBeChangedByAnybody() throws Exception {
        try (Fd file = SharedMemory.createSealableFile("test", MIB)) {
            file.writeFully(new byte[] {1, 2, 3});
            SharedMemory.seal(file);
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> file.writeFully(new byte[1]))
                    .matches(e -> e.errno() == Errno.EPERM);
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> SharedMemory.map(file, 0, MIB));
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> {
                        try (var channel =
                                java.nio.channels.FileChannel.open(
                                        file.path(), java.nio.file.StandardOpenOption.WRITE)) {
                            channel.truncate(0);
                        }
                    });
            assertThat(Files.readAllBytes(file.path())).startsWith(1, 2, 3).hasSize(MIB);
        }
    }

    @Test
    void whatIsMappedForWritingCannotBeSealed() throws Exception {
        try (Fd file = SharedMemory.createSealableFile("test", MIB);
                SharedMemory _ = SharedMemory.map(file, 0, MIB)) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> SharedMemory.seal(file))
                    .matches(e -> e.errno() == Errno.EBUSY);
        }
    }

    @Test
    void refusesWhatCannotBeMapped() throws Exception {
        try (Fd file = SharedMemory.createFile("test", MIB);
                Pipe pipe = Pipe.create()) {
            assertRefused(file, 0, 0);
            assertRefused(file, -4096, 4096);
            assertRefused(file, Long.MAX_VALUE - 100, 4096);
            assertRefused(file, 0, Long.MAX_VALUE);
            assertRefused(pipe.read(), 0, 4096);
        }
    }

    private static void assertRefused(Fd file, long offset, long bytes) {
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> SharedMemory.map(file, offset, bytes).close());
    }

    @Test
    void aFileIsReadIntoAndWrittenFromScatteredPieces() throws Exception {
        Path path = Files.writeString(directory.resolve("file"), "0123456789abcdef");
        try (Fd memory = SharedMemory.createFile("test", MIB);
                SharedMemory pages = SharedMemory.map(memory, 0, MIB);
                Fd file = Fd.open(path, Fd.O_RDWR)) {
            IoVector vector = new IoVector();
            for (int i = 0; i < 8; i++) { // backwards, two bytes each
                assertThat(vector.add(pages.memory(), 1000 - 10L * i, 2)).isTrue();
            }
            assertThat(vector.bytes()).isEqualTo(16);
            assertThat(vector.readFrom(file, 2)).isEqualTo(14);
            assertThat(pages.memory().get(JAVA_BYTE, 1000)).isEqualTo((byte) '2');
            assertThat(pages.memory().get(JAVA_BYTE, 940)).isEqualTo((byte) 'e');

            vector.clear();
            vector.add(pages.memory(), 940, 2);
            vector.add(pages.memory(), 1000, 2);
            assertThat(vector.writeTo(file, 16)).isEqualTo(4);
            assertThat(path).content().isEqualTo("0123456789abcdefef23");
        }
    }

    @Test
    void aVectorTakesAsManyPiecesAsTheKernelAndNoneOutsideItsMemory() throws Exception {
        try (Fd memory = SharedMemory.createFile("test", MIB);
                SharedMemory pages = SharedMemory.map(memory, 0, MIB)) {
            IoVector vector = new IoVector();
            for (int i = 0; i < IoVector.MOST_PIECES; i++) {
                assertThat(vector.add(pages.memory(), i, 1)).isTrue();
            }
            assertThat(vector.add(pages.memory(), 0, 1)).isFalse();
            assertThat(vector.count()).isEqualTo(IoVector.MOST_PIECES);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> vector.add(pages.memory(), MIB - 1, 2));
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> vector.add(MemorySegment.ofArray(new byte[4]), 0, 2));
            try (Fd file = SharedMemory.createFile("file", MIB)) {
                assertThat(vector.readFrom(file, 0)).isEqualTo(IoVector.MOST_PIECES);
            }
        }
    }

    private static long mappingsOf(String name) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("/memfd:" + name)).count();
        }
    }
}
