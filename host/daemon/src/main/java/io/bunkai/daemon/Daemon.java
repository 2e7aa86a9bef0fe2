// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.LockFile;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.CrashPoints;
import io.bunkai.runtime.StateRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * One daemon: the lock that proves its life, what is kept beyond it, and the node that it serves.
 * It ends when it is told to, or when a newer daemon has taken over.
 */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Daemon.class.getName());

    /** Whoever looks whether there is a daemon has its lock for a moment. */
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(1);

    private final DaemonOptions options;
    private final StateRoot root;
    private final LockFile lock;
    private final Supervisor supervisor;
    private final CrashPoints crashPoints;
    private final CountDownLatch shutdown = new CountDownLatch(1);
    private @Nullable TakeoverServer takeovers; // guarded by this, as are the others
    private KeptFds kept;
    private @Nullable Node node;
    private boolean closed;

    private Daemon(
            DaemonOptions options,
            StateRoot root,
            LockFile lock,
            Supervisor supervisor,
            KeptFds kept,
            CrashPoints crashPoints) {
        this.options = options;
        this.root = root;
        this.lock = lock;
        this.supervisor = supervisor;
        this.kept = kept;
        this.crashPoints = crashPoints;
    }

    /**
     * Starts the daemon, or lets it take over from the one that runs; when this returns, it
     * answers.
     *
     * @throws Fault FAILED_PRECONDITION if another daemon has this state root, or does not let this
     *     one take over; and whatever is wrong with the configuration or the journal
     */
    static Daemon start(DaemonOptions options) {
        CrashPoints crashPoints = crashPoints();
        StateRoot root = StateRoot.open(options.stateRoot());
        return options.takeover() && isHeld(root)
                ? takeOver(options, root, crashPoints)
                : begin(options, root, crashPoints);
    }

    private static boolean isHeld(StateRoot root) {
        try {
            return LockFile.isHeld(root.lockFile());
        } catch (IOException e) {
            throw Fault.internal("the lock %s cannot be read", root.lockFile()).causedBy(e);
        }
    }

    private static Daemon begin(DaemonOptions options, StateRoot root, CrashPoints crashPoints) {
        try (Closer undo = new Closer()) {
            LockFile lock = undo.own(lock(root));
            Supervisor supervisor = undo.own(Supervisor.find(System.getenv()));
            KeptFds kept = undo.own(new KeptFds(supervisor.store(), supervisor.inherited()));
            Daemon daemon = new Daemon(options, root, lock, supervisor, kept, crashPoints);
            daemon.serve();
            undo.release();
            return daemon;
        }
    }

    private static Daemon takeOver(DaemonOptions options, StateRoot root, CrashPoints crashPoints) {
        try (Closer undo = new Closer()) {
            Takeover.Received received =
                    undo.own(Takeover.from(root.takeoverSocket(), crashPoints));
            LockFile lock = undo.own(LockFile.takenOver(received.lock()));
            writePid(root);
            Supervisor supervisor = undo.own(Supervisor.of(received.supervisor()));
            KeptFds kept = undo.own(new KeptFds(supervisor.store(), received.takeDescriptors()));
            Daemon daemon = new Daemon(options, root, lock, supervisor, kept, crashPoints);
            daemon.serve();
            crashPoints.reach(CrashPoint.TAKEOVER_TAKEN);
            received.confirm();
            undo.release();
            daemon.speak();
            return daemon;
        }
    }

    private synchronized void serve() {
        supervisor.mark(root);
        node = Node.open(options, root, kept, crashPoints, shutdown::countDown);
        takeovers = TakeoverServer.open(root.takeoverSocket(), new Handover());
        supervisor.ready();
        LOG.log(
                System.Logger.Level.INFO,
                "ready state_root={0} pid={1}",
                root.path(),
                ProcessHandle.current().pid());
    }

    /** The service manager listens to this daemon only now: what it did not hear is said again. */
    private synchronized void speak() {
        kept.keepElsewhereAgain();
        supervisor.ready();
    }

    /** What a newer daemon does to this one. */
    private final class Handover implements TakeoverServer.Former {
        @Override
        public CrashPoints crashPoints() {
            return crashPoints;
        }

        @Override
        public Fd lock() {
            return lock.descriptor();
        }

        @Override
        public String supervisor() {
            return supervisor.toHandOver();
        }

        @Override
        public Map<String, Fd> letGo() {
            synchronized (Daemon.this) {
                if (closed) {
                    throw Fault.unavailable("the daemon is ending");
                }
                if (node != null) {
                    node.close();
                    node = null;
                }
                return kept.copyOfAll();
            }
        }

        @Override
        public void goOn() {
            synchronized (Daemon.this) {
                try {
                    writePid(root);
                    KeptFds former = kept;
                    kept = new KeptFds(supervisor.store(), former.copyOfAll());
                    former.close();
                    node = Node.open(options, root, kept, crashPoints, shutdown::countDown);
                } catch (RuntimeException e) {
                    LOG.log(System.Logger.Level.ERROR, "this daemon cannot go on, and ends", e);
                    Runtime.getRuntime().halt(1); // as if it had been killed
                }
            }
        }

        @Override
        public void handedOver(int successor) {
            synchronized (Daemon.this) {
                closed = true;
                supervisor.follow(successor);
            }
            shutdown.countDown();
        }
    }

    /** The lock proves that a daemon lives: the kernel takes it away from a dead one. */
    private static LockFile lock(StateRoot root) {
        try {
            LockFile lock =
                    LockFile.acquire(root.lockFile(), Deadline.after(LOCK_PATIENCE))
                            .orElseThrow(() -> anotherDaemon(root));
            writePid(root);
            return lock;
        } catch (IOException e) {
            throw Fault.internal("the lock %s cannot be taken", root.lockFile()).causedBy(e);
        }
    }

    private static void writePid(StateRoot root) {
        try {
            Files.writeString(root.lockFile(), Long.toString(ProcessHandle.current().pid()));
        } catch (IOException e) {
            throw Fault.resourceExhausted("%s cannot be written", root.lockFile()).causedBy(e);
        }
    }

    private static Fault anotherDaemon(StateRoot root) {
        return Fault.failedPrecondition("another daemon has the state root %s", root.path())
                .withHint(
                        "use it, choose another root with --state-root, or take over with"
                                + " --takeover");
    }

    /** For tests of what a death leaves behind: {@code LABEL}, and {@code LABEL@SOCKET}. */
    private static CrashPoints crashPoints() {
        String fatal = System.getenv("BUNKAI_CRASH_AT");
        if (fatal != null) {
            return CrashPoints.dieAt(CrashPoint.ofLabel(fatal));
        }
        String held = System.getenv("BUNKAI_HOLD_AT");
        if (held != null) {
            String[] words = held.split("@", 2);
            return CrashPoints.holdAt(
                    CrashPoint.ofLabel(words[0]), Path.of(words[words.length - 1]));
        }
        return CrashPoints.NONE;
    }

    /** Returns when somebody has asked the daemon to end, or has taken over. */
    void awaitShutdown() throws InterruptedException {
        shutdown.await();
    }

    /**
     * Ends the daemon; containers run on. Does nothing to what a newer daemon has taken.
     * Idempotent, also against the shutdown hook.
     */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            supervisor.stopping();
            if (takeovers != null) {
                takeovers.close();
            }
            if (node != null) {
                node.close();
                node = null;
            }
        }
        kept.close();
        supervisor.close();
        lock.close();
    }
}
