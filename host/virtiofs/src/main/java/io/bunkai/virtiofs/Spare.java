// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A server that is warm before it is told what to serve. Whoever has started it reads a byte from
 * its socket when it is; then sends the arguments, with a NUL between them, and with them three
 * descriptors: the socket to listen on, where complaints go, and the socket on which limits are
 * changed; and then the end.
 */
final class Spare {
    private static final Duration WARMING = Duration.ofMillis(80);
    private static final int PIECE = 64 * 1024;
    private static final byte[] WARM = {'.'};

    private Spare() {}

    /**
     * {@return the arguments, once they have come} Ends the process if nobody needs it any more.
     *
     * @param number of the descriptor that is connected to whoever has started it; it becomes the
     *     socket to listen on
     * @throws Fault INVALID_ARGUMENT if there is no such descriptor, UNAVAILABLE if it broke
     */
    static List<String> awaitOrders(int number) {
        Rehearsal.run(WARMING);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        List<Fd> descriptors = new ArrayList<>();
        try {
            Fd socket = Fd.inherited(number);
            socket.writeFully(WARM);
            while (true) {
                UnixSockets.Message message = UnixSockets.receive(socket, PIECE);
                if (message.data().length == 0) {
                    break;
                }
                all.writeBytes(message.data());
                descriptors.addAll(message.descriptors());
            }
            if (all.size() == 0) {
                Runtime.getRuntime().halt(0);
            }
            List<String> words =
                    new ArrayList<>(List.of(all.toString(StandardCharsets.UTF_8).split("\0")));
            if (descriptors.size() == 3) {
                try (Fd listener = descriptors.getFirst();
                        Fd complaints = descriptors.get(1)) {
                    listener.copyTo(number);
                    complaints.copyTo(1);
                    complaints.copyTo(2);
                }
                words.add("--fd=" + number);
                words.add("--control-fd=" + descriptors.getLast().path().getFileName());
            }
            return words;
        } catch (ErrnoException e) {
            throw Fault.unavailable("a spare was told nothing").causedBy(e);
        }
    }
}
