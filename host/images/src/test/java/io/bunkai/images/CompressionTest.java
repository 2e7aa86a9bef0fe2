// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdJavaInputStream;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CompressionTest {
    @TempDir Path temporary;

    private final byte[] data = sample();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gzip -1 -c",
                "gzip -9 -n -c",
                "zstd -q -1 -c",
                "zstd -q -19 -c",
                "zstd -q --no-check -c"
            })
    void inflatesWhatTheToolsMake(String command) throws IOException {
        assertThat(inflate(compress(command, data))).isEqualTo(data);
    }

    @Test
    void inflatesSeveralMembersThroughASlowSource() throws IOException {
        byte[] twice = join(TestLayout.gzip(data), TestLayout.gzip(data));
        try (GzipStream in = new GzipStream(new OneByteAtATime(twice))) {
            assertThat(in.readAllBytes()).isEqualTo(join(data, data));
        }
    }

    @Test
    void inflatesSeveralFramesAndLeavesSkippableOnesOut() throws IOException {
        byte[] skippable = {0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
        byte[] frame = TestLayout.zstd(data);
        byte[] all = join(skippable, join(frame, join(skippable, join(frame, skippable))));
        assertThat(inflate(all, 0x28)).isEqualTo(join(data, data));
        try (InputStream in = new ZstdJavaInputStream(new ZstdFrames(new OneByteAtATime(frame)))) {
            assertThat(in.readAllBytes()).isEqualTo(data);
        }
    }

    @Test
    void refusesDamage() {
        for (byte[] good : new byte[][] {TestLayout.gzip(data), TestLayout.zstd(data)}) {
            int kind = good[0];
            assertRefused(new byte[0], kind);
            assertRefused(join(good, "junk".getBytes(UTF_8)), kind);
            for (int length :
                    new int[] {1, 5, 12, good.length / 2, good.length - 5, good.length - 1}) {
                assertRefused(Arrays.copyOf(good, length), kind);
            }
        }
        byte[] checksum = TestLayout.gzip(data);
        checksum[checksum.length - 8] ^= 1;
        assertRefused(checksum, checksum[0]);
    }

    @Test
    void namesAWindowThatIsTooLarge() {
        byte[] large = compress("zstd -q --long=27 -c", new byte[20_000_000]);
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> inflate(large))
                .withMessageContaining("window of 128 MiB")
                .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.UNIMPLEMENTED));
    }

    private void assertRefused(byte[] bad, int kind) {
        assertThatExceptionOfType(Exception.class)
                .as("%d bytes of %x", bad.length, kind)
                .isThrownBy(() -> inflate(bad, kind))
                .satisfies(e ->
                        assertThat(e).isInstanceOfAny(Fault.class, MalformedInputException.class));
    }

    private byte[] compress(String command, byte[] plain) {
        try {
            Path file = temporary.resolve("plain");
            Files.write(file, plain);
            return Command.output("sh", "-c", command + " < " + file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] inflate(byte[] compressed) throws IOException {
        return inflate(compressed, compressed[0]);
    }

    private static byte[] inflate(byte[] compressed, int kind) throws IOException {
        InputStream source = new ByteArrayInputStream(compressed);
        try (InputStream in =
                kind == 0x1f
                        ? new GzipStream(source)
                        : new ZstdJavaInputStream(new ZstdFrames(source))) {
            return in.readAllBytes();
        }
    }

    private static byte[] join(byte[] first, byte[] second) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(first);
        out.writeBytes(second);
        return out.toByteArray();
    }

    private static byte[] sample() {
        Random random = new Random(5);
        byte[] data = new byte[500_000];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt() : i >> 8);
        }
        return data;
    }

    /** A pipe that is slower than its reader. */
    private static final class OneByteAtATime extends InputStream {
        private final byte[] data;
        private int at;

        OneByteAtATime(byte[] data) {
            this.data = data;
        }

        @Override
        public int read() {
            return at < data.length ? data[at++] & 0xff : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            int value = read();
            if (value < 0) {
                return -1;
            }
            buffer[offset] = (byte) value;
            return 1;
        }
    }
}
