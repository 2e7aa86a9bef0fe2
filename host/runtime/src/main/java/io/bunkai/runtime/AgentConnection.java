// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.HostChannel;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way to the agent of one machine: a session on the agent's port, made on first use and again
 * when it broke.
 *
 * <p>A call that only asks is repeated on the new session; one that does something is not, since
 * nobody knows whether it was done. Used by many virtual threads at once.
 */
final class AgentConnection implements GuestCalls, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AgentConnection.class.getName());

    /**
     * Asking again does no harm. A read may lose the piece that was under way when the session
     * broke.
     */
    private static final Set<Method<?, ?>> REPEATABLE =
            Set.of(
                    HealthMethods.CHECK,
                    HealthMethods.VERSION,
                    AgentMethods.WAIT_PROCESS,
                    AgentMethods.READ_STDOUT,
                    AgentMethods.READ_STDERR,
                    AgentMethods.STATS_CONTAINER,
                    AgentMethods.GET_OOM_EVENT,
                    AgentMethods.GET_GUEST_DETAILS,
                    AgentMethods.TTY_WIN_RESIZE);

    private static final Duration RECONNECT = Duration.ofSeconds(10);

    private final String machine;
    private final Path socket;
    private final ReentrantLock lock =
            new ReentrantLock(); // held while connecting: one session at a time
    private @Nullable TtrpcClient client; // guarded by lock
    private boolean closed; // guarded by lock

    AgentConnection(String machine, Path socket) {
        this.machine = machine;
        this.socket = socket;
    }

    /**
     * Waits until the agent answers.
     *
     * @throws Fault DEADLINE_EXCEEDED if it does not in time, UNAVAILABLE if its machine is not
     *     there
     */
    void awaitReady(Deadline deadline) {
        try {
            connected(deadline);
        } catch (IOException e) {
            throw deadline.hasPassed()
                    ? Fault.deadlineExceeded("the agent of %s did not answer", machine).causedBy(e)
                    : Fault.unavailable("the agent of %s cannot be reached", machine).causedBy(e);
        }
    }

    @Override
    public <Q extends MessageLite, R extends MessageLite> R call(
            Method<Q, R> method, Q request, Deadline deadline) throws IOException {
        while (true) {
            TtrpcClient session = connected(deadline.atMost(RECONNECT));
            try {
                return session.call(method, request, deadline);
            } catch (IOException e) {
                forget(session);
                if (!REPEATABLE.contains(method) || isClosed()) {
                    throw e;
                }
                LOG.log(
                        System.Logger.Level.DEBUG,
                        "agent session broke machine={0} reason={1}",
                        machine,
                        e.getMessage());
            }
        }
    }

    private TtrpcClient connected(Deadline deadline) throws IOException {
        lock.lock();
        try {
            if (closed) {
                throw new IOException("the machine has been let go");
            }
            TtrpcClient known = client;
            if (known != null && known.isOpen()) {
                return known;
            }
            TtrpcClient fresh = connect(deadline);
            client = fresh;
            return fresh;
        } finally {
            lock.unlock();
        }
    }

    /**
     * QEMU listens as long as it lives; the bytes wait in the socket until the guest opens its
     * port.
     */
    private TtrpcClient connect(Deadline deadline) throws IOException {
        try (Closer undo = new Closer()) {
            SocketChannel socketChannel =
                    undo.own(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
            HostChannel session =
                    undo.own(
                            HostChannel.open(
                                    Channels.newInputStream(socketChannel),
                                    Channels.newOutputStream(socketChannel),
                                    deadline));
            TtrpcClient fresh =
                    TtrpcClient.over(
                            session.input(),
                            session.output(),
                            "agent of " + machine,
                            socketChannel);
            undo.release();
            return fresh;
        }
    }

    private void forget(TtrpcClient broken) {
        lock.lock();
        try {
            if (client == broken) {
                client = null;
            }
        } finally {
            lock.unlock();
        }
        broken.close();
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of the session; calls that wait fail. The machine and its agent go on. */
    @Override
    public void close() {
        TtrpcClient last;
        lock.lock();
        try {
            closed = true;
            last = client;
            client = null;
        } finally {
            lock.unlock();
        }
        if (last != null) {
            last.close();
        }
    }
}
