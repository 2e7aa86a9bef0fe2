// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.api.EventsMethods;
import io.bunkai.api.containerd.Envelope;
import io.bunkai.api.containerd.ForwardRequest;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Tells one namespace of one containerd what happens to its tasks, for all tasks of that namespace.
 *
 * <p>Events arrive in the order in which they were published. One that containerd did not take, as
 * it is away or hangs, is tried again, and those behind it wait; it is given up when it has been
 * tried once and is older than half a minute, or when containerd refuses the event itself. An event
 * may arrive twice, if the connection broke before containerd's answer was here. A containerd that
 * comes back later asks for the state of each task anyway.
 *
 * <p>Publishing never blocks and never fails. One virtual thread belongs to a publisher; it makes
 * the connection when there is something to send, and again when that broke. A publisher without an
 * address, as for CRI-O, has no thread, and events only go to the log.
 *
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/v2/README.md Runtime v2
 */
final class EventPublisher {
    private static final System.Logger LOG = System.getLogger(EventPublisher.class.getName());
    private static final String SCHEME = "unix://";

    private final String address;
    private final String namespace;
    private final Limits limits;
    private final InstantSource clock;
    private final EventQueue queue;
    private final @Nullable Path socket;
    private final @Nullable Thread sender;
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicBoolean overflowing = new AtomicBoolean();

    private @Nullable TtrpcClient client; // the sender's alone

    /**
     * How much is kept, and how long it is tried.
     *
     * @param queued events that wait at once
     * @param send what containerd may take to accept one event
     * @param patience an event is tried once, and again until it is this old
     * @param firstPause between two tries; each further one is twice as long
     * @param longestPause but no longer than this
     */
    record Limits(
            int queued,
            Duration send,
            Duration patience,
            Duration firstPause,
            Duration longestPause) {
        static final Limits DEFAULT =
                new Limits(
                        4096,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(5));
    }

    /**
     * Starts a publisher.
     *
     * @param address the unix socket where containerd takes events, a path with or without
     *     "unix://" before it; nobody needs to be there. Empty: nobody asks for events
     * @param namespace containerd's namespace
     * @throws Fault INVALID_ARGUMENT if the address is of another kind
     */
    EventPublisher(String address, String namespace) {
        this(address, namespace, Limits.DEFAULT, InstantSource.system());
    }

    EventPublisher(String address, String namespace, Limits limits, InstantSource clock) {
        this.address = address;
        this.namespace = namespace;
        this.limits = limits;
        this.clock = clock;
        this.queue = new EventQueue(limits.queued());
        this.socket = socket(address).orElse(null);
        this.sender =
                socket == null
                        ? null
                        : Thread.ofVirtual()
                                .name("events of " + namespace + " to " + address)
                                .start(this::run);
    }

    private static Optional<Path> socket(String address) {
        if (address.isEmpty()) {
            return Optional.empty();
        }
        String path = address.startsWith(SCHEME) ? address.substring(SCHEME.length()) : address;
        try {
            Path socket = Path.of(path);
            if (socket.isAbsolute()) {
                return Optional.of(socket);
            }
        } catch (InvalidPathException e) {
            // no path either
        }
        throw Fault.invalidArgument(
                "events cannot be sent to \"%s\", which is not the path of a unix socket", address);
    }

    /** Sends an event as soon as that is possible. Any thread may, and goes on at once. */
    void publish(TaskEvent event) {
        log(System.Logger.Level.DEBUG, "event", event, null);
        if (sender == null) {
            return;
        }
        Deadline patience = Deadline.after(limits.patience());
        EventQueue.Entry lost = queue.add(new EventQueue.Entry(event, clock.instant(), patience));
        if (lost != null) {
            dropped.incrementAndGet();
            boolean first = !overflowing.getAndSet(true);
            log(
                    first ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
                    "event dropped, as too many wait",
                    lost.event(),
                    null);
        }
    }

    /** {@return how many events containerd was not told of} */
    long dropped() {
        return dropped.get();
    }

    /**
     * Takes no more events, and waits until those that wait have been sent or given up.
     *
     * @param atMost how long; what is left then is dropped
     */
    void close(Duration atMost) {
        Thread thread = sender;
        if (thread == null) {
            return;
        }
        int lost = queue.end(Deadline.after(atMost));
        dropped.addAndGet(lost);
        if (lost > 0) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "events dropped at the end count={0} namespace={1} address={2}",
                    lost,
                    namespace,
                    address);
        }
        thread.interrupt();
        joinUninterruptibly(thread);
    }

    /** Nothing that the thread waits in outlasts an interrupt. */
    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // What follows runs on the sender's thread.

    private void run() {
        try {
            for (EventQueue.Entry next; (next = queue.take()) != null; ) {
                deliver(next);
            }
        } catch (InterruptedException e) {
            // the publisher was closed and does not wait any longer
        } finally {
            disconnect();
        }
    }

    private void deliver(EventQueue.Entry entry) throws InterruptedException {
        Duration pause = limits.firstPause();
        while (true) {
            Exception failure;
            try {
                send(entry);
                overflowing.set(false);
                return;
            } catch (Fault e) {
                failure = e;
                if (isRefusal(e)) {
                    drop(entry, e);
                    return;
                }
            } catch (IOException e) {
                failure = e;
            }
            Duration left = entry.patience().remaining();
            if (left.isZero()) {
                drop(entry, failure);
                return;
            }
            if (!queue.pause(pause.compareTo(left) < 0 ? pause : left)) {
                return; // whoever closed the publisher has counted it
            }
            Duration twice = pause.multipliedBy(2);
            pause = twice.compareTo(limits.longestPause()) < 0 ? twice : limits.longestPause();
        }
    }

    /** Whether the same event would fail again. */
    private static boolean isRefusal(Fault fault) {
        return switch (fault.code()) {
            case INVALID_ARGUMENT, UNIMPLEMENTED, PERMISSION_DENIED -> true;
            default -> false;
        };
    }

    private void drop(EventQueue.Entry entry, Exception failure) {
        dropped.incrementAndGet();
        log(
                System.Logger.Level.WARNING,
                "event dropped, as containerd did not take it",
                entry.event(),
                failure);
    }

    private void send(EventQueue.Entry entry) throws IOException {
        Envelope envelope =
                Envelope.newBuilder()
                        .setTimestamp(TaskEvent.timestamp(entry.at()))
                        .setNamespace(namespace)
                        .setTopic(entry.event().topic())
                        .setEvent(entry.event().message())
                        .build();
        ForwardRequest request = ForwardRequest.newBuilder().setEnvelope(envelope).build();
        TtrpcClient connected = connected();
        try {
            connected.call(EventsMethods.FORWARD, request, Deadline.after(limits.send()));
        } catch (IOException e) {
            disconnect();
            throw e;
        } catch (Fault e) {
            switch (e.code()) {
                case DEADLINE_EXCEEDED, DATA_LOSS, CANCELLED -> disconnect(); // it may be stuck
                default -> {}
            }
            throw e;
        }
    }

    private TtrpcClient connected() throws IOException {
        TtrpcClient known = client;
        if (known != null && known.isOpen()) {
            return known;
        }
        disconnect();
        try (Closer undo = new Closer()) {
            SocketChannel channel = undo.own(SocketChannel.open(StandardProtocolFamily.UNIX));
            // On a virtual thread this does not wait: a listener that is too busy is a failure.
            channel.connect(UnixDomainSocketAddress.of(socket));
            TtrpcClient fresh =
                    TtrpcClient.over(
                            Channels.newInputStream(channel),
                            Channels.newOutputStream(channel),
                            "containerd's events service at " + address,
                            channel);
            client = fresh;
            undo.release();
            return fresh;
        }
    }

    private void disconnect() {
        TtrpcClient known = client;
        client = null;
        if (known != null) {
            known.close();
        }
    }

    private void log(
            System.Logger.Level level, String what, TaskEvent event, @Nullable Exception failure) {
        if (LOG.isLoggable(level)) {
            String reason = failure == null ? "" : " reason=" + failure.getMessage();
            LOG.log(
                    level,
                    "{0} topic={1} container={2} namespace={3} address={4}{5}",
                    what,
                    event.topic(),
                    event.container(),
                    namespace,
                    address,
                    reason);
        }
    }
}
