// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/** Decisions out of bytes, whoever made them: a seeded generator or a fuzzer. Zeros at the end. */
final class FuzzInput {
    private final byte[] data;
    private int at;

    FuzzInput(byte[] data) {
        this.data = data.clone();
    }

    boolean isEmpty() {
        return at >= data.length;
    }

    int next() {
        return isEmpty() ? 0 : data[at++] & 0xff;
    }

    int next(int bound) {
        return next() % bound;
    }

    long nextLong(int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | next();
        }
        return value;
    }

    byte[] nextBytes(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) next();
        }
        return bytes;
    }
}
