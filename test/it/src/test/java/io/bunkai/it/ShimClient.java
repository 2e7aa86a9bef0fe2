// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import com.google.protobuf.MessageLite;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What containerd is to a shim: it runs the launcher in a bundle, and then asks the socket that the
 * launcher names. A test can ask what containerd never would.
 */
final class ShimClient implements AutoCloseable {
    /** A refusal takes no machine, but perhaps a daemon that has to start first. */
    private static final Duration PROMPTLY = Duration.ofSeconds(30);

    private static final String SCHEME = "unix://";

    private final TtrpcClient client;

    private ShimClient(TtrpcClient client) {
        this.client = client;
    }

    /** How a launcher is called, but for the bundle and the id. */
    record Launcher(TestContainerd containerd, String namespace, Map<String, String> environment) {
        static Launcher of(TestContainerd containerd) {
            return new Launcher(
                    containerd,
                    "default",
                    Map.of("BUNKAI_ROOT", containerd.node().root().toString()));
        }

        /** {@return what {@code start} or {@code delete} has printed} */
        CommandResult run(Path bundle, String id, String verb) {
            CommandRun run =
                    CommandRun.of(
                            SourceTree.bunkai()
                                    .resolveSibling("containerd-shim-bunkai-v2")
                                    .toString(),
                            "-namespace",
                            namespace,
                            "-address",
                            containerd.socket().toString(),
                            "-publish-binary",
                            TestContainerd.program("containerd").toString(),
                            "-id",
                            id,
                            "-bundle",
                            bundle.toString(),
                            verb);
            new TreeMap<>(environment).forEach(run::environment);
            return run.environment("TTRPC_ADDRESS", containerd.socket() + ".ttrpc")
                    .environment("GRPC_ADDRESS", containerd.socket().toString())
                    .environment("NAMESPACE", namespace)
                    .directory(bundle)
                    .run(Deadline.after(PROMPTLY));
        }

        /** {@return a connection to the shim that serves this bundle} */
        ShimClient start(Path bundle, String id) {
            String address = run(bundle, id, "start").expectSuccess().out().strip();
            if (!address.startsWith(SCHEME)) {
                throw new AssertionError("containerd 1.6 expects an address, and not " + address);
            }
            return connect(Path.of(address.substring(SCHEME.length())));
        }
    }

    private static ShimClient connect(Path socket) {
        try {
            SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            return new ShimClient(
                    TtrpcClient.over(
                            Channels.newInputStream(channel),
                            Channels.newOutputStream(channel),
                            "the shim",
                            channel));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the answer to a question that may boot a machine or wait for a process} */
    <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request)
            throws IOException {
        return client.call(method, request, TestNode.patience());
    }

    /** {@return why a question is refused, which takes no time} */
    <Q extends MessageLite> Fault refusal(Method<Q, ?> method, Q request) throws IOException {
        List<MessageLite> answers;
        try {
            answers = List.of(client.call(method, request, Deadline.after(PROMPTLY)));
        } catch (Fault fault) {
            return fault;
        }
        throw new AssertionError(method.path() + " was not refused: " + answers);
    }

    @Override
    public void close() {
        client.close();
    }
}
