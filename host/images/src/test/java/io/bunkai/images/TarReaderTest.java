// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TarReaderTest {
    @TempDir Path temporary;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--format=gnu",
                "--format=posix --sparse-version=0.0",
                "--format=posix --sparse-version=0.1",
                "--format=posix --sparse-version=1.0"
            })
    void fillsTheHolesOfSparseFilesInEveryFormat(String format) throws IOException {
        byte[] expected = new byte[3_000_000];
        Path file = temporary.resolve("sparse");
        Random random = new Random(4);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            for (int i = 0; i < 60; i++) {
                byte[] piece = new byte[1 + random.nextInt(5000)];
                random.nextBytes(piece);
                int at = i * 50_000 + random.nextInt(40_000);
                System.arraycopy(piece, 0, expected, at, piece.length);
                out.seek(at);
                out.write(piece);
            }
            out.setLength(expected.length);
        }
        String command = "tar -C " + temporary + " -c -S " + format + " sparse";
        byte[] archive = Command.output((Object[]) command.split(" "));
        assertThat(archive.length).isLessThan(expected.length / 3);

        TarReader tar = reader(archive);
        TarEntry entry = tar.next();

        assertThat(entry).isNotNull();
        assertThat(entry.name()).isEqualTo("sparse");
        assertThat(entry.size()).isEqualTo(expected.length);
        assertThat(tar.isSparse()).isTrue();
        assertThat(content(tar)).isEqualTo(expected);
        assertThat(tar.next()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"v7", "ustar", "gnu", "posix", "oldgnu"})
    void readsWhatGnuTarWrites(String format) throws IOException {
        boolean longNames = !format.equals("v7") && !format.equals("ustar");
        String name = longNames ? "n".repeat(230) : "name";
        Command.run("sh", "-c", "cd " + temporary + " && echo hello > " + name + " && mkdir dir");
        String command =
                "tar -C "
                        + temporary
                        + " -c --sort=name --mtime=@1700000000 --owner=:7 --group=:8 --format="
                        + format
                        + " --mode=0751 dir "
                        + name;
        TarReader tar = reader(Command.output((Object[]) command.split(" ")));

        TarEntry directory = tar.next();
        assertThat(directory).isNotNull();
        assertThat(directory.type()).isEqualTo(TarEntry.Type.DIRECTORY);
        TarEntry file = tar.next();
        assertThat(file).isNotNull();
        assertThat(file.name()).isEqualTo(name);
        assertThat(content(tar)).isEqualTo("hello\n".getBytes(UTF_8));
        assertThat(file.uid()).isEqualTo(7);
        assertThat(file.gid()).isEqualTo(8);
        assertThat(file.mode()).isEqualTo(0751);
        assertThat(file.mtimeSeconds()).isEqualTo(1_700_000_000);
        assertThat(tar.next()).isNull();
    }

    @Test
    void readsNumbersInBase256() throws IOException {
        byte[] header = TestTar.header('0', "f", "", 0, 0644, 0, 0, 0, 0, 0);
        Arrays.fill(header, 108, 116, (byte) 0);
        header[108] = (byte) 0x80;
        header[115] = 5;
        header[114] = 1;
        Arrays.fill(header, 136, 148, (byte) 0xff);
        header[147] = (byte) 0xfe;
        TarEntry entry = reader(new TestTar().raw(TestTar.summed(header)).bytes()).next();
        assertThat(entry).isNotNull();
        assertThat(entry.uid()).isEqualTo(261);
        assertThat(entry.mtimeSeconds()).isEqualTo(-2);
    }

    @Test
    void joinsThePrefixOfUstar() throws IOException {
        byte[] header = TestTar.header('0', "name", "", 0, 0644, 0, 0, 0, 0, 0);
        TestTar.put(header, 345, 155, "some/dir");
        TarEntry entry = reader(new TestTar().raw(TestTar.summed(header)).bytes()).next();
        assertThat(entry).isNotNull();
        assertThat(entry.name()).isEqualTo("some/dir/name");
    }

    @Test
    void letsLaterRecordsWinAndEmptyOnesTakeBack() throws IOException {
        byte[] records = "12 path=one\n12 path=two\n12 mtime=17\n9 mtime=\n".getBytes(UTF_8);
        TestTar tar =
                new TestTar()
                        .raw(TestTar.header('x', "p", "", records.length, 0, 0, 0, 0, 0, 0))
                        .padded(records)
                        .file("f", "x");
        TarEntry entry = reader(tar.bytes()).next();
        assertThat(entry).isNotNull();
        assertThat(entry.name()).isEqualTo("two");
        assertThat(entry.mtimeSeconds()).isEqualTo(1_700_000_000);
    }

    @Test
    void skipsACommentForTheWholeArchive() throws IOException {
        byte[] records = "20 comment=c0ffee00\n".getBytes(UTF_8);
        TestTar tar =
                new TestTar()
                        .raw(
                                TestTar.header(
                                        'g',
                                        "pax_global_header",
                                        "",
                                        records.length,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0))
                        .padded(records)
                        .file("f", "x");
        TarEntry entry = reader(tar.bytes()).next();
        assertThat(entry).isNotNull();
        assertThat(entry.name()).isEqualTo("f");
    }

    @Test
    void acceptsAnArchiveWithoutAnEndMarker() throws IOException {
        byte[] archive = new TestTar().file("f", "x").cut();
        for (int length : new int[] {1024, 1000, 513}) { // with, and without the last padding
            TarReader tar = reader(Arrays.copyOf(archive, length));
            assertThat(tar.next()).isNotNull();
            assertThat(content(tar)).isEqualTo(new byte[] {'x'});
            assertThat(tar.next()).isNull();
        }
    }

    @Test
    void noticesACutAnywhere() {
        byte[] whole = new TestTar().xattr("user.a", (byte) 1).file("f", "content").cut();
        int paddingOfTheLast = 512 - "content".length();
        for (int length = 1; length < whole.length - paddingOfTheLast; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatExceptionOfType(Fault.class)
                    .as("cut after %d bytes", length)
                    .isThrownBy(() -> readAll(cut))
                    .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
        }
    }

    @Test
    void refusesHeadersThatMakeNoSense() {
        assertRefused(new TestTar().raw(new byte[] {1}).padded(new byte[0]).bytes(), "damaged");
        byte[] checksum = TestTar.header('0', "f", "", 0, 0644, 0, 0, 0, 0, 0);
        checksum[0] = 'g';
        assertRefused(new TestTar().raw(checksum).bytes(), "wrong checksum");
        byte[] mode = TestTar.header('0', "f", "", 0, 0644, 0, 0, 0, 0, 0);
        TestTar.put(mode, 100, 8, "0009000\0");
        assertRefused(new TestTar().raw(TestTar.summed(mode)).bytes(), "not a number");
        byte[] size = TestTar.header('0', "f", "", 0, 0644, 0, 0, 0, 0, 0);
        Arrays.fill(size, 124, 136, (byte) 0xff);
        assertRefused(new TestTar().raw(TestTar.summed(size)).bytes(), "negative");
        byte[] huge = TestTar.header('0', "f", "", 0, 0644, 0, 0, 0, 0, 0);
        Arrays.fill(huge, 124, 136, (byte) 0x8f);
        assertRefused(new TestTar().raw(TestTar.summed(huge)).bytes(), "63 bits");
        assertRefused(new TestTar().member('X', "f", "", 0, new byte[0]).bytes(), "unknown type");
        assertRefused(new TestTar().pax("uid", "4294967295").file("f", "").bytes(), "out of range");
        assertRefused(new TestTar().pax("uid", "-1").file("f", "").bytes(), "hold a number");
        assertRefused(new TestTar().pax("mtime", "1.x").file("f", "").bytes(), "hold a time");
        assertRefused(new TestTar().pax("path", "a\0b").file("f", "").bytes(), "NUL");
        assertRefused(
                new TestTar().characterDevice("f", 4096, 0).bytes(),
                "device number is out of range");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "5 a\n",
                "6 a=b",
                "999 a=b\n",
                "99999999999999999999 a=b\n",
                "0 a=b\n",
                "3 \n",
                "7 =ab\n\n",
                "-6 a=b\n",
                "6 a=b\n6 a=b"
            })
    void refusesRecordsThatMakeNoSense(String records) {
        byte[] data = records.getBytes(UTF_8);
        assertRefused(
                new TestTar()
                        .raw(TestTar.header('x', "p", "", data.length, 0, 0, 0, 0, 0, 0))
                        .padded(data)
                        .file("f", "x")
                        .bytes(),
                "PAX record");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0,1,0",
                "5,1,0,1",
                "0,2",
                "0,1,9223372036854775807,1",
                "4,1",
                "0,1,1,1",
                "a,1",
                "0,999999999999999999"
            })
    void refusesMapsOfSparseFilesThatMakeNoSense(String map) {
        assertRefused(
                new TestTar()
                        .pax("GNU.sparse.map", map)
                        .pax("GNU.sparse.size", "4")
                        .file("f", "x")
                        .bytes(),
                "");
    }

    @Test
    void refusesAMapThatIsLongerThanItsFile() {
        for (String map : new String[] {"1\n", "100000000\n0\n", "1\n0\n1", "x\n", "1\n0\n0\n"}) {
            assertRefused(
                    new TestTar()
                            .pax("GNU.sparse.major", "1")
                            .pax("GNU.sparse.minor", "0")
                            .pax("GNU.sparse.realsize", "10")
                            .file("f", map)
                            .bytes(),
                    "");
        }
    }

    @Test
    void refusesHeadersThatWouldFillTheMemory() {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() ->
                        readAll(new TestTar().member('L', "x", "", 2L << 30, new byte[0]).bytes()))
                .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED));
    }

    private static void assertRefused(byte[] archive, String reason) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> readAll(archive))
                .withMessageContaining(reason);
    }

    private static TarReader reader(byte[] archive) {
        return new TarReader(new ByteArrayInputStream(archive));
    }

    private static void readAll(byte[] archive) throws IOException {
        TarReader tar = reader(archive);
        while (tar.next() != null) {
            content(tar);
        }
    }

    private static byte[] content(TarReader tar) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[1000];
        for (int got = tar.read(buffer, 0, 1000); got > 0; got = tar.read(buffer, 0, 1000)) {
            out.write(buffer, 0, got);
        }
        return out.toByteArray();
    }
}
