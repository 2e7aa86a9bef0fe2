// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Set;

/** A kernel that sends one request after the other and waits for each reply. */
final class Peer {
    private static final int ROOM = 256 * 1024;

    final FuseServer server;

    Peer(FileSystem files) {
        this(files, InitOptions.wanting(Set.of(InitFlag.MAX_PAGES)));
    }

    Peer(FileSystem files, InitOptions options) {
        server = new FuseServer(files, options);
    }

    void init() {
        assertThat(error(Messages.init(InitFlag.MAX_PAGES))).isZero();
    }

    /** {@return the reply, whose length its header must tell; empty if there is none} */
    byte[] send(byte[] request) {
        return send(request, ROOM);
    }

    /** {@return the reply into a buffer of that size} */
    byte[] send(byte[] request, int room) {
        byte[] buffer = new byte[room];
        int[] lengths = {-1, 0};
        FuseExchange exchange =
                new FuseExchange((_, length) -> {
                    lengths[0] = length;
                    lengths[1]++;
                });
        exchange.request().add(MemorySegment.ofArray(request), 0, request.length);
        exchange.reply().add(MemorySegment.ofArray(buffer), 0, room);
        server.serve(exchange);
        assertThat(lengths[1]).as("completions").isOne();
        byte[] reply = Arrays.copyOf(buffer, lengths[0]);
        if (reply.length > 0) {
            assertThat(MemorySegment.ofArray(reply).get(Wire.LE32, 0)).isEqualTo(reply.length);
        }
        return reply;
    }

    void sendWithoutReply(byte[] request) {
        assertThat(send(request)).isEmpty();
        assertThat(send(request, 0)).isEmpty();
    }

    /** {@return the error in the reply, as a positive number} */
    int error(byte[] request) {
        byte[] reply = send(request);
        assertThat(reply).hasSizeGreaterThanOrEqualTo(16);
        return -MemorySegment.ofArray(reply).get(Wire.LE32, 4);
    }
}
