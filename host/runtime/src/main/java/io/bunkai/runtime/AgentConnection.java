// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.HostChannel;
import io.bunkai.api.guest.FeaturesRequest;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way to the agent of one machine: a session on the agent's port, made on first use and again
 * when it broke.
 *
 * <p>A call that only asks is repeated on the new session; one that does something is not, since
 * nobody knows whether it was done. A guest that breaks every session is met ever more slowly, and
 * in the end given up; one that violates the protocol, at once. Used by many virtual threads at
 * once; {@link #close} waits for none of them.
 */
final class AgentConnection implements GuestCalls, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AgentConnection.class.getName());

    /**
     * Asking again does no harm. A read of Kata's may lose the piece that was under way when the
     * session broke; those of {@code bunkai.agent.v1} name what they ask for and lose nothing.
     */
    private static final Set<String> REPEATABLE =
            Set.of(
                    HealthMethods.CHECK.path(),
                    HealthMethods.VERSION.path(),
                    AgentMethods.WAIT_PROCESS.path(),
                    AgentMethods.READ_STDOUT.path(),
                    AgentMethods.READ_STDERR.path(),
                    AgentMethods.STATS_CONTAINER.path(),
                    AgentMethods.GET_OOM_EVENT.path(),
                    AgentMethods.GET_GUEST_DETAILS.path(),
                    AgentMethods.TTY_WIN_RESIZE.path(),
                    GuestMethods.FEATURES.path(),
                    GuestMethods.READ_OUTPUT.path(),
                    GuestMethods.WRITE_INPUT.path(),
                    GuestMethods.CLOSE_INPUT.path());

    /** How long an agent may take to take up a session, on a machine that is short of time. */
    private static final Duration RECONNECT = Duration.ofSeconds(60);

    /** How many sessions in a row may break soon after they were made. */
    private static final int MOST_BROKEN = 10;

    private final String machine;
    private final Path socket;
    private final ReentrantLock connecting = new ReentrantLock(); // one session is made at a time
    private final NanoClock clock;
    private final Pace pace; // guarded by connecting
    private HostChannel.Wire wire; // guarded by connecting

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows; never held long
    private final Condition closing = lock.newCondition();
    private @Nullable TtrpcClient client;
    private @Nullable SocketChannel opening;
    private boolean closed;
    private @Nullable String violation; // why the agent was given up
    private int broken; // sessions in a row
    private long connectedAt;

    private final ReentrantLock asking = new ReentrantLock(); // the features are asked for once
    private volatile @Nullable Set<String> features; // never changes once it is known

    /**
     * Connects to nothing yet.
     *
     * @param wire whether anybody has spoken to this agent before
     */
    AgentConnection(String machine, Path socket, HostChannel.Wire wire, NanoClock clock) {
        this.machine = machine;
        this.wire = wire;
        this.socket = socket;
        this.clock = clock;
        this.pace = new Pace(clock);
    }

    /**
     * Waits until the agent answers.
     *
     * @throws Fault DEADLINE_EXCEEDED if it does not in time, UNAVAILABLE if its machine is not
     *     there, CANCELLED if the thread is interrupted (and still is)
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
            } catch (Fault e) {
                throw GuestText.cleaned(e);
            } catch (IOException e) {
                forget(session, e);
                refuseIfGivenUp();
                if (!REPEATABLE.contains(method.path()) || isClosed()) {
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

    /** Asked once; an agent that does not know the question adds nothing to Kata's protocol. */
    @Override
    public boolean offers(String feature) throws IOException {
        Set<String> known = features;
        if (known == null) {
            asking.lock();
            try {
                known = features == null ? askForFeatures() : features;
                features = known;
            } finally {
                asking.unlock();
            }
        }
        return known.contains(feature);
    }

    private Set<String> askForFeatures() throws IOException {
        try {
            return Set.copyOf(
                    call(
                                    GuestMethods.FEATURES,
                                    FeaturesRequest.getDefaultInstance(),
                                    Deadline.after(RECONNECT))
                            .getFeaturesList());
        } catch (Fault e) {
            return switch (e.code()) {
                // What servers of ttrpc say of a service that they do not have.
                case UNIMPLEMENTED, NOT_FOUND, INVALID_ARGUMENT -> Set.of();
                default -> throw e;
            };
        }
    }

    private TtrpcClient connected(Deadline deadline) throws IOException {
        TtrpcClient known = session();
        if (known != null) {
            return known;
        }
        try {
            if (!connecting.tryLock(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw Fault.deadlineExceeded("the agent of %s did not answer", machine);
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
        try {
            known = session();
            return known != null ? known : connect(deadline);
        } finally {
            connecting.unlock();
        }
    }

    private @Nullable TtrpcClient session() throws IOException {
        lock.lock();
        try {
            refuseIfClosed();
            TtrpcClient known = client;
            return known != null && known.isOpen() ? known : null;
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
            SocketChannel channel = undo.own(SocketChannel.open(StandardProtocolFamily.UNIX));
            begin(channel);
            channel.connect(UnixDomainSocketAddress.of(socket));
            HostChannel.Wire before = wire;
            wire = HostChannel.Wire.USED;
            HostChannel session =
                    undo.own(
                            HostChannel.open(
                                    Channels.newInputStream(channel),
                                    Channels.newOutputStream(channel),
                                    before,
                                    deadline));
            TtrpcClient fresh =
                    undo.own(
                            TtrpcClient.over(
                                    session.input(),
                                    session.output(),
                                    "agent of " + machine,
                                    channel));
            install(fresh);
            undo.release();
            return fresh;
        }
    }

    /** From here on {@link #close} closes the connection that is being made. */
    private void begin(SocketChannel channel) throws IOException {
        lock.lock();
        try {
            for (long nanos = pace.next().toNanos(); nanos > 0 && !closed; ) {
                nanos = closing.awaitNanos(nanos);
            }
            refuseIfClosed();
            opening = channel;
        } catch (InterruptedException e) {
            throw interrupted();
        } finally {
            lock.unlock();
        }
    }

    private void install(TtrpcClient fresh) throws IOException {
        lock.lock();
        try {
            opening = null;
            refuseIfClosed();
            client = fresh;
            connectedAt = clock.nanos();
        } finally {
            lock.unlock();
        }
    }

    private void refuseIfClosed() throws IOException {
        refuseIfGivenUp();
        if (closed) {
            throw new IOException("the machine has been let go");
        }
    }

    private void refuseIfGivenUp() throws ProtocolException {
        lock.lock();
        try {
            if (violation != null) {
                throw new ProtocolException("the agent broke the protocol: " + violation);
            }
        } finally {
            lock.unlock();
        }
    }

    private Fault interrupted() {
        Thread.currentThread().interrupt();
        return Fault.of(
                FaultCode.CANCELLED, "waiting for the agent of %s was interrupted", machine);
    }

    private void forget(TtrpcClient session, IOException why) {
        boolean tooMany = false;
        lock.lock();
        try {
            if (client == session) {
                client = null;
                broken = clock.nanos() - connectedAt < Pace.CALM.toNanos() ? broken + 1 : 1;
                tooMany = broken >= MOST_BROKEN;
            }
        } finally {
            lock.unlock();
        }
        session.close();
        if (tooMany) {
            giveUp(
                    "%d sessions with it broke soon after they were made, the last one because %s"
                            .formatted(MOST_BROKEN, GuestText.reason(why)));
        }
    }

    @Override
    public void giveUp(String why) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            violation = why;
        } finally {
            lock.unlock();
        }
        LOG.log(
                System.Logger.Level.WARNING,
                "the agent broke the protocol machine={0} reason={1}",
                machine,
                why);
        close();
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets go of the session; calls that wait fail, also those that wait for a session. The machine
     * and its agent go on.
     */
    @Override
    public void close() {
        TtrpcClient last;
        SocketChannel begun;
        lock.lock();
        try {
            closed = true;
            last = client;
            begun = opening;
            client = null;
            opening = null;
            closing.signalAll();
        } finally {
            lock.unlock();
        }
        if (last != null) {
            last.close();
        }
        if (begun != null) {
            try {
                begun.close();
            } catch (IOException e) {
                // nobody uses it any more
            }
        }
    }
}
