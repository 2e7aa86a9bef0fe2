// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import com.google.protobuf.MessageLite;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.VersionRequest;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** A connection to the daemon, whose protocol has been found to be ours. Any thread may use it. */
final class Daemon implements AutoCloseable {
    /** For what the daemon answers out of its memory. */
    static final Duration PROMPTLY = Duration.ofSeconds(30);

    private final TtrpcClient client;
    private final VersionResponse version;

    private Daemon(TtrpcClient client, VersionResponse version) {
        this.client = client;
        this.version = version;
    }

    /**
     * Connects to a daemon that runs.
     *
     * @throws IOException if there is none, or none that answers
     * @throws Fault FAILED_PRECONDITION if it speaks another version of the protocol,
     *     DEADLINE_EXCEEDED if it does not answer
     */
    static Daemon connect(StateRoot root, Deadline deadline) throws IOException {
        TtrpcClient client = open(root.controlSocket());
        try {
            VersionResponse version =
                    client.call(
                            ControlMethods.VERSION, VersionRequest.getDefaultInstance(), deadline);
            if (version.getProtocol() != ProtocolVersion.CONTROL) {
                throw Fault.failedPrecondition(
                                "the running daemon (%s, process %d) speaks version %d of the"
                                        + " control protocol, and this command version %d",
                                version.getDaemon(),
                                version.getPid(),
                                version.getProtocol(),
                                ProtocolVersion.CONTROL)
                        .withHint(
                                "stop it (kill %d); the next command starts one that fits, and"
                                        + " containers go on running meanwhile",
                                version.getPid());
            }
            return new Daemon(client, version);
        } catch (IOException | RuntimeException e) {
            client.close();
            throw e;
        }
    }

    private static TtrpcClient open(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        return TtrpcClient.over(
                Channels.newInputStream(channel),
                Channels.newOutputStream(channel),
                "the daemon",
                channel,
                // A short-lived program gains nothing from virtual threads and would load their
                // scheduler and poller.
                Thread.ofPlatform().daemon().factory());
    }

    /** {@return what the daemon told of itself} */
    VersionResponse version() {
        return version;
    }

    /**
     * Calls a method that is answered out of the daemon's memory.
     *
     * @throws Fault what the daemon answered; UNAVAILABLE if the connection broke
     */
    <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request) {
        return call(method, request, PROMPTLY);
    }

    /** Calls a method that takes as long as it takes. */
    <Q extends MessageLite, R extends MessageLite> R await(Method<Q, R> method, Q request) {
        return call(method, request, Deadline.never());
    }

    <Q extends MessageLite, R extends MessageLite> R call(
            Method<Q, R> method, Q request, Duration limit) {
        return call(method, request, Deadline.after(limit));
    }

    private <Q extends MessageLite, R extends MessageLite> R call(
            Method<Q, R> method, Q request, Deadline deadline) {
        try {
            return client.call(method, request, deadline);
        } catch (IOException e) {
            throw Fault.unavailable("the daemon went away during %s", method.name())
                    .causedBy(e)
                    .withHint(
                            "the next command starts it again; 'bunkai ps -a' tells what became of"
                                    + " the containers");
        }
    }

    /**
     * Opens one stream of a process.
     *
     * @param socket the I/O socket that Attach named
     * @param token what Attach gave for the stream
     * @return the stream, owned by the caller
     */
    static SocketChannel openStream(String socket, String token) {
        try {
            SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            try {
                OutputStream out = Channels.newOutputStream(channel);
                out.write((token + "\n").getBytes(StandardCharsets.US_ASCII));
                return channel;
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw Fault.unavailable("a stream of the process cannot be opened at %s", socket)
                    .causedBy(e);
        }
    }

    /** Ends the connection, and with it whatever the daemon has tied to it. */
    @Override
    public void close() {
        client.close();
    }
}
