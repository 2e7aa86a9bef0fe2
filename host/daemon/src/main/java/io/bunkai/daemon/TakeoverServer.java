// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Poll;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.linux.UnixSockets;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.CrashPoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The running daemon's side of being taken over from: who asks is looked at, then everything is let
 * go of and handed over. If the newer daemon fails, dies or takes too long, it is killed, and this
 * one goes on.
 *
 * <p>One thread serves one newer daemon after the other.
 */
final class TakeoverServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(TakeoverServer.class.getName());

    /** How long a newer daemon may take to say the next word of small talk. */
    private static final Duration ANSWER = Duration.ofSeconds(10);

    /** How long it may take to serve, once it has everything. */
    private static final Duration TAKING = Duration.ofSeconds(60);

    private static final Duration DYING = Duration.ofSeconds(10);
    private static final long STACK_BYTES = 256 * 1024;

    private final Path path;
    private final Former former;
    private final Doorman doorman;
    private volatile Fd socket;
    private volatile boolean closed;

    private TakeoverServer(Path path, Former former, Doorman doorman, Fd socket) {
        this.path = path;
        this.former = former;
        this.doorman = doorman;
        this.socket = socket;
    }

    /** Looks at who asks to take over. */
    @FunctionalInterface
    interface Doorman {
        /** {@return the process on the other side; empty if it may not take over} */
        Optional<ProcessIdentity> admit(Fd socket) throws IOException;
    }

    /** What is taken over from. Called by one thread. */
    interface Former {
        CrashPoints crashPoints();

        /** {@return the file whose lock proves that this daemon lives} */
        Fd lock();

        /** {@return how the service manager is reached; empty if there is none} */
        String supervisor();

        /** Lets go of everything. {@return copies of what is kept; the caller's} */
        Map<String, Fd> letGo();

        /** Nobody has taken over: goes on with everything, or ends the process if it cannot. */
        void goOn();

        /** Somebody has: this daemon has nothing any more, and ends. */
        void handedOver(int successor);
    }

    /**
     * {@return a server at {@code path}, in place of one that a former daemon left there}
     *
     * @throws Fault INTERNAL if the path cannot be bound
     */
    static TakeoverServer open(Path path, Former former) {
        return open(path, former, Newcomer::of);
    }

    static TakeoverServer open(Path path, Former former, Doorman doorman) {
        try {
            TakeoverServer server =
                    new TakeoverServer(path, former, doorman, UnixSockets.listenForOwner(path));
            Thread thread = new Thread(null, server::serve, "takeover", STACK_BYTES);
            thread.setDaemon(true);
            thread.start();
            return server;
        } catch (IOException e) {
            throw Fault.internal("the socket %s cannot be opened", path).causedBy(e);
        }
    }

    private void serve() {
        while (!closed) {
            try (Fd newer = UnixSockets.accept(socket)) {
                if (handOver(newer)) {
                    return;
                }
            } catch (IOException e) {
                if (!closed) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "nobody took over reason={0}",
                            e.getMessage());
                }
            }
        }
    }

    /** {@return whether everything is the newer daemon's} */
    private boolean handOver(Fd newer) throws IOException {
        Optional<ProcessIdentity> peer = doorman.admit(newer);
        if (peer.isEmpty()) {
            refuse(newer, "who asks is not this daemon's user, or no daemon");
            return false;
        }
        if (!hear(newer, TakeoverMessage.TAKE_OVER).text().equals(Takeover.VERSION)) {
            refuse(newer, "its messages are of version " + Takeover.VERSION);
            return false;
        }
        TakeoverMessage.of(TakeoverMessage.OFFER, Integer.toString(Containers.JOURNAL_VERSION))
                .send(newer);
        hear(newer, TakeoverMessage.ACCEPT);
        LOG.log(System.Logger.Level.INFO, "a newer daemon takes over pid={0}", peer.get().pid());
        former.crashPoints().reach(CrashPoint.TAKEOVER_ACCEPTED);
        if (isTaken(newer)) {
            former.handedOver(peer.get().pid());
            return true;
        }
        goOn(peer.get());
        return false;
    }

    private boolean isTaken(Fd newer) {
        try {
            Map<String, Fd> kept = former.letGo();
            former.crashPoints().reach(CrashPoint.TAKEOVER_LET_GO);
            try {
                send(newer, kept);
            } finally {
                kept.values().forEach(Fd::close);
            }
            return hear(newer, TakeoverMessage.TAKEN, TAKING).text().isEmpty();
        } catch (IOException | Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the newer daemon did not take over, this one goes on reason={0}",
                    e.getMessage());
            return false;
        }
    }

    private void send(Fd newer, Map<String, Fd> kept) throws IOException {
        new TakeoverMessage(TakeoverMessage.LOCK, former.supervisor(), Optional.of(former.lock()))
                .send(newer);
        for (Map.Entry<String, Fd> entry : kept.entrySet()) {
            new TakeoverMessage(TakeoverMessage.KEPT, entry.getKey(), Optional.of(entry.getValue()))
                    .send(newer);
        }
        TakeoverMessage.of(TakeoverMessage.END, Integer.toString(kept.size())).send(newer);
    }

    /** Two daemons at once would be worse than none: the newer one is dead before this goes on. */
    private void goOn(ProcessIdentity newer) throws IOException {
        try (LinuxProcess process = LinuxProcess.adopt(newer)) {
            process.signal(Signals.SIGKILL);
            process.await(Deadline.after(DYING));
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "it is dead reason={0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        former.goOn();
        socket.close();
        if (!closed) {
            socket = UnixSockets.listenForOwner(path);
        }
    }

    private static void refuse(Fd newer, String why) throws IOException {
        LOG.log(System.Logger.Level.WARNING, "a takeover was refused: {0}", why);
        TakeoverMessage.of(TakeoverMessage.REFUSE, why).send(newer);
    }

    private static TakeoverMessage hear(Fd newer, String word) throws IOException {
        return hear(newer, word, ANSWER);
    }

    private static TakeoverMessage hear(Fd newer, String word, Duration patience)
            throws IOException {
        if (!Poll.readable(newer, patience.toMillis())) {
            throw new IOException("it said nothing for %d s".formatted(patience.toSeconds()));
        }
        TakeoverMessage message = TakeoverMessage.receive(newer);
        message.descriptor().ifPresent(Fd::close);
        if (!message.word().equals(word)) {
            throw new IOException("it said '%s %s'".formatted(message.word(), message.text()));
        }
        return message;
    }

    /** Stops answering and removes the socket's file. Idempotent. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        UnixSockets.shutDown(socket);
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw Fault.internal("socket %s could not be closed", path).causedBy(e);
        }
    }
}
