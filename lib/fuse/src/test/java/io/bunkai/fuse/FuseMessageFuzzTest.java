// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages by chance, and those that a fuzzer has found worth keeping. */
class FuseMessageFuzzTest {
    private static final Path CORPUS = Path.of("src", "test", "resources", "fuse-messages");
    private static final int[] NUMBERS = {
        0,
        1,
        2,
        3,
        7,
        8,
        16,
        31,
        32,
        63,
        64,
        255,
        256,
        4095,
        4096,
        65535,
        65536,
        65537,
        1 << 20,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        -1,
        -2,
        -4096
    };
    private static final List<String> NAMES =
            List.of("a", "b", "a", "b", "user.x", ".", "..", "a/b", "", "n".repeat(255));

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void holdsForMessagesMadeByChance(long seed) {
        run(seed, 2_000);
    }

    static LongStream manySeeds() {
        long first = System.nanoTime();
        return LongStream.range(first, first + 20);
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("manySeeds")
    void holdsForManyMoreMessages(long seed) {
        run(seed, 20_000);
    }

    static Stream<Path> corpus() throws IOException {
        try (Stream<Path> files = Files.list(CORPUS)) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void holdsForWhatAFuzzerHasFound(Path file) throws IOException {
        FuseMessageFuzzer.fuzzerTestOneInput(Files.readAllBytes(file));
    }

    private static void run(long seed, int rounds) {
        Random random = new Random(seed);
        for (int i = 0; i < rounds; i++) {
            byte[] input = input(random);
            try {
                FuseMessageFuzzer.fuzzerTestOneInput(input);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "seed %d, input %d: %s"
                                .formatted(seed, i, java.util.HexFormat.of().formatHex(input)),
                        e);
            }
        }
    }

    /** {@return a few messages that are nearly right} */
    static byte[] input(Random random) {
        ByteArrayOutputStream input = new ByteArrayOutputStream();
        int messages = 1 + random.nextInt(6);
        for (int i = 0; i < messages; i++) {
            byte[] message = message(random);
            input.write(random.nextInt(8) == 0 ? random.nextInt(256) : 6);
            input.write(random.nextInt(8) == 0 ? random.nextInt(256) : 0);
            input.write(message.length & 0xff);
            input.write(message.length >> 8);
            input.writeBytes(message);
        }
        return input.toByteArray();
    }

    private static byte[] message(Random random) {
        List<Opcode> all = Opcode.all();
        Opcode opcode = all.get(random.nextInt(all.size()));
        ByteArrayOutputStream arguments = new ByteArrayOutputStream();
        int words = opcode.requestBytes() / 4;
        for (int i = 0; i < words; i++) {
            int word = random.nextInt(3) == 0 ? NUMBERS[random.nextInt(NUMBERS.length)] : 0;
            arguments.writeBytes(Messages.bytes(random.nextInt(3) == 0 ? word : 1 - i % 2));
        }
        int names = random.nextInt(4);
        for (int i = 0; i < names; i++) {
            arguments.writeBytes(Messages.bytes(NAMES.get(random.nextInt(NAMES.size()))));
        }
        int extensions = random.nextInt(8) == 0 ? random.nextInt(4) : 0;
        if (extensions > 0) {
            for (int i = 0; i < 2 * extensions; i++) {
                int[] likely = {8, 16, 24, 1, 32, 0, 1};
                arguments.writeBytes(Messages.bytes(likely[random.nextInt(likely.length)]));
            }
        }
        byte[] message =
                Messages.request(
                        opcode.number(),
                        1 + random.nextInt(3),
                        extensions,
                        arguments.toByteArray());
        int changes = random.nextInt(4) == 0 ? 1 + random.nextInt(4) : 0;
        for (int i = 0; i < changes; i++) {
            message[4 + random.nextInt(message.length - 4)] = (byte) random.nextInt(256);
        }
        return message;
    }
}
