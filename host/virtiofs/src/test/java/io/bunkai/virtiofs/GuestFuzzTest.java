// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Opcode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests by chance, and those that a fuzzer has found worth keeping. */
class GuestFuzzTest {
    /** The messages that the protocol's own fuzzer keeps are of the same form. */
    static final List<Path> CORPORA =
            List.of(
                    Path.of("src", "test", "resources", "guest-messages").toAbsolutePath(),
                    Path.of("..", "..", "lib", "fuse", "src", "test", "resources", "fuse-messages")
                            .toAbsolutePath()
                            .normalize());

    private static final int MESSAGES = 12;
    private static final List<String> NAMES = List.of("a", "b", "c", "d", "..", "a/b", "user.x");

    @AfterAll
    static void end() {
        GuestFuzzer.end();
    }

    static Stream<Path> corpus() throws IOException {
        List<Path> all = new ArrayList<>();
        for (Path corpus : CORPORA) {
            try (Stream<Path> files = Files.list(corpus)) {
                files.sorted().forEach(all::add);
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void holdsForWhatAFuzzerHasFound(Path file) throws IOException {
        GuestFuzzer.fuzzerTestOneInput(Files.readAllBytes(file));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void holdsForGuestsMadeByChance(long seed) throws IOException {
        for (int round = 0; round < 500; round++) {
            long one = seed * 1_000_000 + round;
            try {
                GuestFuzzer.fuzzerTestOneInput(guest(new Random(one)));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + one, e);
            }
        }
    }

    private static byte[] guest(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < MESSAGES; i++) {
            byte[] message = message(random);
            out.write(random.nextInt(8));
            out.write(random.nextInt(8) == 0 ? 1 : 0);
            out.write(message.length);
            out.write(message.length >> 8);
            out.writeBytes(message);
        }
        return out.toByteArray();
    }

    private static byte[] message(Random random) {
        Opcode[] opcodes = Opcode.values();
        ByteBuffer bytes = ByteBuffer.allocate(400).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0).putInt(opcodes[random.nextInt(opcodes.length)].number());
        bytes.putLong(random.nextInt(1000)).putLong(random.nextInt(6)).putInt(random.nextInt(3));
        bytes.putInt(0).putInt(1).putInt(0);
        int numbers = random.nextInt(7);
        for (int i = 0; i < numbers; i++) {
            bytes.putLong(random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(9));
        }
        int names = random.nextInt(3);
        for (int i = 0; i < names; i++) {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            bytes.put((name + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        byte[] message = new byte[bytes.position()];
        bytes.flip().get(message);
        return message;
    }
}
