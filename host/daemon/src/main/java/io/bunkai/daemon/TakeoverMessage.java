// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One message between a daemon and the one that takes over from it: a word, a text, and perhaps a
 * descriptor. On the wire it is {@value #BYTES} bytes, word and text separated by a blank and
 * filled up with zeros, so that a descriptor is never taken for another message's.
 *
 * @param word what it is
 * @param text more about it
 * @param descriptor what comes with it; whoever has received the message owns it
 */
record TakeoverMessage(String word, String text, Optional<Fd> descriptor) {
    static final int BYTES = 512;

    // What a newer daemon and a former one say to each other, in this order.
    static final String TAKE_OVER = "take-over"; // newer: the version of these messages
    static final String OFFER = "offer"; // former: the version of its journal
    static final String REFUSE = "refuse"; // either, instead of anything else: why
    static final String ACCEPT = "accept"; // newer
    static final String LOCK =
            "lock"; // former: how the service manager is reached; the locked file
    static final String KEPT = "kept"; // former: a name; the open file
    static final String END = "end"; // former: how many were kept
    static final String TAKEN = "taken"; // newer: it serves

    static TakeoverMessage of(String word, String text) {
        return new TakeoverMessage(word, text, Optional.empty());
    }

    /**
     * Sends it; the descriptor stays open here.
     *
     * @throws ErrnoException EPIPE if the other side has gone
     */
    void send(Fd socket) throws ErrnoException {
        byte[] bytes = (word + " " + text).getBytes(StandardCharsets.UTF_8);
        byte[] filled = Arrays.copyOf(bytes, BYTES);
        UnixSockets.send(socket, filled, descriptor.map(List::of).orElse(List.of()));
    }

    /**
     * {@return the next message; blocks the calling thread until it is there}
     *
     * @throws EOFException if the other side has gone
     */
    static TakeoverMessage receive(Fd socket) throws IOException {
        byte[] bytes = new byte[BYTES];
        Fd descriptor = null;
        boolean whole = false;
        try {
            for (int n = 0; n < BYTES; ) {
                UnixSockets.Message part = UnixSockets.receive(socket, BYTES - n);
                for (Fd fd : part.descriptors()) {
                    if (descriptor != null) {
                        descriptor.close();
                    }
                    descriptor = fd;
                }
                byte[] data = part.data();
                if (data.length == 0) {
                    throw new EOFException("the other daemon has gone");
                }
                System.arraycopy(data, 0, bytes, n, data.length);
                n += data.length;
            }
            whole = true;
            return parse(bytes, Optional.ofNullable(descriptor));
        } finally {
            if (!whole && descriptor != null) {
                descriptor.close();
            }
        }
    }

    private static TakeoverMessage parse(byte[] bytes, Optional<Fd> descriptor) {
        String line = new String(bytes, StandardCharsets.UTF_8);
        int end = line.indexOf(0);
        String text = end < 0 ? line : line.substring(0, end);
        int blank = text.indexOf(' ');
        return blank < 0
                ? new TakeoverMessage(text, "", descriptor)
                : new TakeoverMessage(
                        text.substring(0, blank), text.substring(blank + 1), descriptor);
    }
}
