// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** Requests as a kernel would write them. */
final class Messages {
    static final long UNIQUE = 9;
    static final RequestHeader HEADER = header(Opcode.LOOKUP);

    private Messages() {}

    /** {@return the header that {@link #request} writes} */
    static RequestHeader header(Opcode opcode) {
        return new RequestHeader(opcode.number(), UNIQUE, 1, 1000, 100, 42);
    }

    /** {@return a whole request: header, then these arguments} */
    static byte[] request(Opcode opcode, byte[] arguments) {
        return request(opcode.number(), 1, 0, arguments);
    }

    /**
     * {@return a whole request}
     *
     * @param extensions how many units of eight bytes at the end are extensions
     */
    static byte[] request(int opcode, long node, int extensions, byte[] arguments) {
        return ByteBuffer.allocate(40 + arguments.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(40 + arguments.length)
                .putInt(opcode)
                .putLong(UNIQUE)
                .putLong(node)
                .putInt(1000)
                .putInt(100)
                .putInt(42)
                .putShort((short) extensions)
                .putShort((short) 0)
                .put(arguments)
                .array();
    }

    /**
     * {@return these in a row: numbers of 32 (Integer) and 64 bits (Long), texts with NUL, bytes}
     */
    static byte[] bytes(Object... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (Object part : parts) {
            all.writeBytes(
                    switch (part) {
                        case Integer number ->
                                ByteBuffer.allocate(4)
                                        .order(ByteOrder.LITTLE_ENDIAN)
                                        .putInt(number)
                                        .array();
                        case Long number ->
                                ByteBuffer.allocate(8)
                                        .order(ByteOrder.LITTLE_ENDIAN)
                                        .putLong(number)
                                        .array();
                        case String text -> (text + "\0").getBytes(StandardCharsets.UTF_8);
                        case byte[] raw -> raw;
                        default -> throw new IllegalArgumentException("no bytes: " + part);
                    });
        }
        return all.toByteArray();
    }

    static byte[] init(InitFlag... flags) {
        long word = InitFlag.word(Set.of(flags)) | InitFlag.INIT_EXT.mask();
        return request(
                Opcode.INIT, bytes(7, 45, 1 << 20, (int) word, (int) (word >>> 32), new byte[44]));
    }

    static Ranges ranges(byte[] message) {
        return Ranges.of(MemorySegment.ofArray(message));
    }

    /** {@return an agreement with these features, and writes of at most 1 MiB} */
    static Agreement agreement(InitFlag... flags) {
        return new Agreement(45, InitFlag.word(Set.of(flags)), 1 << 20, 256, 0, 1, 0, 0, 0, 0);
    }

    static FuseRequest decode(byte[] message, InitFlag... flags) throws FuseProtocolException {
        return FuseRequest.decode(ranges(message), agreement(flags));
    }
}
