// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.ExecResponse;
import io.bunkai.api.control.ExplainResponse;
import io.bunkai.api.control.GuestStats;
import io.bunkai.api.control.HostStats;
import io.bunkai.api.control.InspectResponse;
import io.bunkai.api.control.ListResponse;
import io.bunkai.api.control.LogEntry;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.api.control.RemoveResponse;
import io.bunkai.api.control.ResizeResponse;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.StartResponse;
import io.bunkai.api.control.StatsResponse;
import io.bunkai.api.control.StopResponse;
import io.bunkai.api.control.TraceResponse;
import io.bunkai.api.control.TraceStep;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Terminal;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/**
 * Runs every command once against a daemon that answers from memory, so that the JVM can record
 * which classes a command needs (the AOT cache). Boots nothing and needs nothing but a temporary
 * folder.
 */
final class Rehearsal {
    private static final String ID = "0123456789abcdef";
    private static final List<List<String>> COMMANDS =
            List.of(
                    List.of(
                            "run", "--rm", "-i", "-e", "A=b", "-m", "512m", "--cpus", "2", "--",
                            "x"),
                    List.of("run", "-t", "--", "sh"),
                    List.of("run", "-d", "--name", "n", "--", "sh", "-c", "exit 7"),
                    List.of("exec", "-i", ID, "cat"),
                    List.of("ps", "-a"),
                    List.of("ps", "--format", "json"),
                    List.of("stats", "--no-stream", "--interval", "0.1"),
                    List.of("logs", "--timestamps", "--tail", "1", ID),
                    List.of("logs", "-f", ID),
                    List.of("stop", ID),
                    List.of("kill", "-s", "TERM", ID),
                    List.of("wait", ID),
                    List.of("inspect", ID),
                    List.of("trace", ID),
                    List.of("explain", "--", "x"),
                    List.of("rm", "-f", ID),
                    List.of("rm", "missing"),
                    List.of("version"),
                    List.of("version", "--client"),
                    List.of("daemon", "status"),
                    List.of("run", "--help"),
                    List.of("nonsense"));

    private Rehearsal() {}

    static void run() {
        try {
            Path root = Files.createTempDirectory("bunkai-rehearsal");
            Path socket = root.resolve("run/control.sock");
            Files.createDirectories(root.resolve("run"));
            try (ServerSocketChannel control = listen(socket);
                    ServerSocketChannel io = listen(root.resolve("run/io.sock"))) {
                serve(control, daemon(root.resolve("run/io.sock")));
                serveStreams(io);
                for (List<String> command : COMMANDS) {
                    Main.run(surroundings(root), command.toArray(String[]::new));
                }
                terminal();
                // The real ones belong to a start, too, though no command here uses them.
                Surroundings.ofThisProcess().out().flush();
            } finally {
                Files.deleteIfExists(socket);
                Files.deleteIfExists(root.resolve("run/io.sock"));
                Files.deleteIfExists(root.resolve("run"));
                Files.deleteIfExists(root);
            }
        } catch (IOException e) {
            throw Fault.internal("the rehearsal failed").causedBy(e);
        }
    }

    private static Surroundings surroundings(Path root) {
        return new Surroundings(
                Map.of("LANG", "C.UTF-8"),
                root,
                new ByteArrayInputStream("input".getBytes(StandardCharsets.UTF_8)),
                new ByteArrayOutputStream(),
                new ByteArrayOutputStream(),
                new LinuxTerminal(),
                new JvmSignals(),
                Clock.systemUTC(),
                null,
                root);
    }

    private static void terminal() throws IOException {
        try (Terminal.Pair pair = Terminal.open()) {
            Fd slave = pair.slave();
            if (Terminal.isTerminal(slave)) {
                Terminal.resize(slave, new Terminal.Size(24, 80));
                Terminal.size(slave);
                Terminal.raw(slave).close();
            }
        }
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        return server;
    }

    private interface Connected {
        void handle(SocketChannel channel) throws IOException;
    }

    private static void accept(ServerSocketChannel server, Connected connected) {
        Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        while (true) {
                            SocketChannel channel = server.accept();
                            Thread.ofPlatform().daemon().start(() -> handle(channel, connected));
                        }
                    } catch (IOException e) {
                        // closed: the rehearsal is over
                    }
                });
    }

    private static void handle(SocketChannel channel, Connected connected) {
        try (channel) {
            connected.handle(channel);
        } catch (IOException e) {
            // the command has gone
        }
    }

    private static void serve(ServerSocketChannel control, TtrpcServer daemon) {
        accept(
                control,
                channel ->
                        daemon.serve(
                                Channels.newInputStream(channel),
                                Channels.newOutputStream(channel),
                                Thread.ofPlatform().daemon().factory()));
    }

    private static void serveStreams(ServerSocketChannel io) {
        accept(
                io,
                channel -> {
                    InputStream in = Channels.newInputStream(channel);
                    int first = in.read();
                    while (in.read() != '\n') {
                        // the rest of the token
                    }
                    if (first == 'i') {
                        in.skip(Long.MAX_VALUE);
                    } else {
                        Channels.newOutputStream(channel)
                                .write("output\n".getBytes(StandardCharsets.UTF_8));
                    }
                });
    }

    private static TtrpcServer daemon(Path ioSocket) {
        TtrpcServer.Builder daemon = TtrpcServer.builder();
        answer(
                daemon,
                ControlMethods.VERSION,
                VersionResponse.newBuilder()
                        .setDaemon("0")
                        .setProtocol(ProtocolVersion.CONTROL)
                        .build());
        answer(daemon, ControlMethods.CREATE, CreateResponse.newBuilder().setId(ID).build());
        answer(daemon, ControlMethods.START, StartResponse.getDefaultInstance());
        answer(daemon, ControlMethods.EXEC, ExecResponse.newBuilder().setExecId("e").build());
        answer(
                daemon,
                ControlMethods.ATTACH,
                AttachResponse.newBuilder()
                        .setIoSocket(ioSocket.toString())
                        .setStdinToken("in")
                        .setStdoutToken("out")
                        .setStderrToken("err")
                        .build());
        answer(daemon, ControlMethods.WAIT, WaitResponse.getDefaultInstance());
        answer(daemon, ControlMethods.RESIZE, ResizeResponse.getDefaultInstance());
        answer(daemon, ControlMethods.SIGNAL, SignalResponse.getDefaultInstance());
        answer(daemon, ControlMethods.STOP, StopResponse.getDefaultInstance());
        answer(daemon, ControlMethods.INSPECT, InspectResponse.newBuilder().setJson("{}").build());
        answer(daemon, ControlMethods.EXPLAIN, ExplainResponse.newBuilder().setJson("{}").build());
        answer(
                daemon,
                ControlMethods.LIST,
                ListResponse.newBuilder()
                        .addContainers(
                                ContainerSummary.newBuilder()
                                        .setId(ID)
                                        .addCommand("sh")
                                        .setState("running"))
                        .build());
        answer(
                daemon,
                ControlMethods.STATS,
                StatsResponse.newBuilder()
                        .addContainers(
                                ContainerStats.newBuilder()
                                        .setId(ID)
                                        .setGuest(GuestStats.getDefaultInstance())
                                        .setHost(HostStats.getDefaultInstance()))
                        .build());
        answer(
                daemon,
                ControlMethods.LOGS,
                LogsResponse.newBuilder()
                        .setEnd(true)
                        .addEntries(LogEntry.newBuilder().setData(ByteString.copyFromUtf8("a\n")))
                        .build());
        answer(
                daemon,
                ControlMethods.TRACE,
                TraceResponse.newBuilder()
                        .addSteps(TraceStep.newBuilder().setName("boot").setEndMicros(1))
                        .build());
        daemon.method(
                ControlMethods.REMOVE,
                (request, _) -> {
                    if (request.getContainer().equals(ID)) {
                        return RemoveResponse.getDefaultInstance();
                    }
                    throw Fault.notFound("there is none").withHint("look for it");
                });
        return daemon.build();
    }

    private static <Q extends MessageLite, R extends MessageLite> void answer(
            TtrpcServer.Builder daemon, Method<Q, R> method, R response) {
        daemon.method(method, (_, _) -> response);
    }
}
