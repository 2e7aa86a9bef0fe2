// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import io.bunkai.linux.UnixSockets;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.CrashPoints;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The newer daemon's side of taking over from the one that runs, which goes on as if nothing had
 * been asked if this one refuses, fails or dies before it has confirmed.
 */
final class Takeover {
    /** The version of the messages. */
    static final String VERSION = "1";

    private static final Duration GOING = Duration.ofSeconds(10);

    private Takeover() {}

    /**
     * Everything that the former daemon had. Closing it closes what has not been taken and, if
     * nothing was confirmed, tells the former daemon to go on.
     */
    static final class Received implements AutoCloseable {
        private final Fd socket;
        private final Fd lock;
        private final String supervisor;
        private final Map<String, Fd> descriptors;

        private Received(Fd socket, Fd lock, String supervisor, Map<String, Fd> descriptors) {
            this.socket = socket;
            this.lock = lock;
            this.supervisor = supervisor;
            this.descriptors = descriptors;
        }

        /** {@return the file whose lock proves that a daemon lives, locked; the caller's} */
        Fd lock() {
            return lock;
        }

        /** {@return how the service manager is reached; empty if there is none} */
        String supervisor() {
            return supervisor;
        }

        /** {@return what was kept, the caller's; to be called once} */
        Map<String, Fd> takeDescriptors() {
            Map<String, Fd> all = new HashMap<>(descriptors);
            descriptors.clear();
            return all;
        }

        /**
         * Tells the former daemon that it can go, and waits a moment until it has gone. If it has
         * died meanwhile, nobody needs that.
         */
        void confirm() {
            try {
                TakeoverMessage.of(TakeoverMessage.TAKEN, "").send(socket);
                Poll.readable(socket, GOING.toMillis()); // the end of the connection
            } catch (IOException e) {
                System.getLogger(Takeover.class.getName())
                        .log(
                                System.Logger.Level.INFO,
                                "the former daemon has gone already reason={0}",
                                e.getMessage());
            }
            socket.close();
        }

        @Override
        public void close() {
            descriptors.values().forEach(Fd::close);
            socket.close();
        }
    }

    /**
     * {@return everything that the daemon at {@code path} has, which it has let go of by then}
     *
     * @throws Fault FAILED_PRECONDITION if it does not let this one take over, or its journal is of
     *     another version; UNAVAILABLE if it cannot be reached or dies meanwhile. It goes on then
     */
    static Received from(Path path, CrashPoints crashPoints) {
        try (Closer undo = new Closer()) {
            Fd socket = undo.own(UnixSockets.connect(path));
            TakeoverMessage.of(TakeoverMessage.TAKE_OVER, VERSION).send(socket);
            String journal = expect(socket, TakeoverMessage.OFFER).text();
            if (!journal.equals(Integer.toString(Containers.JOURNAL_VERSION))) {
                throw refused(socket, journal);
            }
            TakeoverMessage.of(TakeoverMessage.ACCEPT, "").send(socket);
            TakeoverMessage lock = expect(socket, TakeoverMessage.LOCK);
            Fd locked = undo.own(descriptor(lock));
            Map<String, Fd> descriptors = new HashMap<>();
            undo.onClose(() -> descriptors.values().forEach(Fd::close));
            TakeoverMessage next = TakeoverMessage.receive(socket);
            while (next.word().equals(TakeoverMessage.KEPT)) {
                descriptors.put(next.text(), descriptor(next));
                next = TakeoverMessage.receive(socket);
            }
            check(next, TakeoverMessage.END);
            crashPoints.reach(CrashPoint.TAKEOVER_RECEIVED);
            undo.release();
            return new Received(socket, locked, lock.text(), descriptors);
        } catch (IOException e) {
            throw Fault.unavailable("the daemon at %s cannot be taken over from", path)
                    .causedBy(e)
                    .withHint("if it is of a version that cannot hand over, restart it");
        }
    }

    private static Fault refused(Fd socket, String journal) throws IOException {
        Fault why =
                Fault.failedPrecondition(
                                "the running daemon's journal is of version %s, this daemon's is"
                                        + " %d",
                                journal, Containers.JOURNAL_VERSION)
                        .withHint("the running daemon goes on; take over with one that reads it");
        TakeoverMessage.of(TakeoverMessage.REFUSE, String.valueOf(why.getMessage())).send(socket);
        return why;
    }

    private static TakeoverMessage expect(Fd socket, String word) throws IOException {
        TakeoverMessage message = TakeoverMessage.receive(socket);
        check(message, word);
        return message;
    }

    private static void check(TakeoverMessage message, String word) throws IOException {
        if (message.word().equals(TakeoverMessage.REFUSE)) {
            throw Fault.failedPrecondition(
                    "the running daemon does not hand over: %s", message.text());
        }
        if (!message.word().equals(word)) {
            message.descriptor().ifPresent(Fd::close);
            throw new IOException("the running daemon said '%s'".formatted(message.word()));
        }
    }

    private static Fd descriptor(TakeoverMessage message) throws IOException {
        return message.descriptor()
                .orElseThrow(
                        () -> new IOException("'%s' came without it".formatted(message.text())));
    }
}
