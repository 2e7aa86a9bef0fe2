// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A file server that was started and is warm before a container needs it, so that none waits for a
 * JVM. There is one at most, and none before the first container has shared something. Only our own
 * server can be one; it ends by itself when this is closed, or the daemon dies.
 */
final class SpareServers implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SpareServers.class.getName());
    private static final String OWN = "bunkai-virtiofsd";
    private static final int CHANNEL = 3;

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private @Nullable Spare ready;
    private @Nullable Fd warming; // of the one that is not ready yet
    private boolean closed;

    /** A process that waits for what to serve, in a mount namespace of its own. */
    record Spare(Path program, LinuxProcess process, Fd channel) implements AutoCloseable {
        /**
         * Tells it, once.
         *
         * @param arguments of the server
         * @param socket on which it is to listen
         * @param log where its complaints go
         * @param control on which its limits are changed
         * @throws ErrnoException EPIPE if it has ended
         */
        void order(List<String> arguments, Fd socket, Fd log, Fd control) throws ErrnoException {
            byte[] words = String.join("\0", arguments).getBytes(StandardCharsets.UTF_8);
            UnixSockets.send(channel, words, List.of(socket, log, control));
        }

        /** Lets go of it: without orders, it ends. */
        @Override
        public void close() {
            channel.close();
        }
    }

    /** {@return whether a program is our own server} */
    static boolean isOwn(Path program) {
        return program.endsWith(OWN);
    }

    /** {@return one of this program that is warm, the caller's to close; empty if there is none} */
    Optional<Spare> take(Path program) {
        lock.lock();
        try {
            Spare spare = ready;
            if (spare == null
                    || !spare.program().equals(program)
                    || !spare.process().identity().isAlive()) {
                return Optional.empty();
            }
            ready = null;
            return Optional.of(spare);
        } finally {
            lock.unlock();
        }
    }

    /** Makes one of this program in the background, if there is none and it can be one. */
    void refill(Path program) {
        lock.lock();
        try {
            if (closed || warming != null || !isOwn(program)) {
                return;
            }
            Spare known = ready;
            if (known != null) {
                if (known.program().equals(program) && known.process().identity().isAlive()) {
                    return;
                }
                known.close();
                known.process().close();
                ready = null;
            }
            Spare spare = start(program);
            warming = spare.channel();
            Thread.ofVirtual().name("spare server").start(() -> awaitWarmth(spare));
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.WARNING, "no spare file server was started", e);
        } finally {
            lock.unlock();
        }
    }

    private static Spare start(Path program) throws ErrnoException {
        try (Closer undo = new Closer()) {
            UnixSockets.Pair pair = UnixSockets.pair();
            Fd ours = undo.own(pair.one());
            try (Fd its = pair.other()) {
                LinuxProcess process =
                        Spawn.of(program.toString(), "--spare=" + CHANNEL)
                                .environment(FileServer.ENVIRONMENT)
                                .directory(Path.of("/"))
                                .newSession()
                                .descriptor(CHANNEL, its)
                                .start();
                CompletableFuture<ExitStatus> _ = process.onExit(); // reaps it, whenever it ends
                undo.release();
                return new Spare(program, process, ours);
            }
        }
    }

    private void awaitWarmth(Spare spare) {
        boolean warm = false;
        try {
            warm = spare.channel().read(new byte[1], 0, 1) == 1;
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "a spare file server has gone", e);
        }
        lock.lock();
        try {
            warming = null;
            if (warm && !closed) {
                ready = spare;
            } else {
                spare.close();
                spare.process().close();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (ready != null) {
                ready.close();
                ready.process().close();
                ready = null;
            }
            if (warming != null) {
                UnixSockets.shutDown(warming); // who waits for it closes it
            }
        } finally {
            lock.unlock();
        }
    }
}
