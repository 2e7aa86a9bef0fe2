// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import com.google.protobuf.MessageLite;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.ExecRequest;
import io.bunkai.api.control.ExecResponse;
import io.bunkai.api.control.ResizeResponse;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.StartResponse;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A daemon within the test: answers over real sockets what the test has told it to, and runs a
 * piece of Java as the container's process.
 */
final class FakeDaemon implements AutoCloseable {
    static final String ID = "0123456789abcdef0123456789abcdef";
    static final String EXEC_ID = "e1";

    /** What a container's process does. */
    interface Program {
        int run(InputStream stdin, OutputStream stdout, OutputStream stderr) throws IOException;
    }

    private final ServerSocketChannel control;
    private final ServerSocketChannel io;
    private final Path ioSocket;
    private final Map<String, BiFunction<MessageLite, Call, MessageLite>> answers =
            new HashMap<>(); // guarded by this
    private final List<MessageLite> requests = new ArrayList<>(); // guarded by this
    private final Map<String, CompletableFuture<SocketChannel>> streams =
            new HashMap<>(); // guarded by this
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private final CountDownLatch abandoned = new CountDownLatch(1);
    private AttachRequest attached = AttachRequest.getDefaultInstance(); // guarded by this
    private Program program = (_, _, _) -> 0; // guarded by this

    FakeDaemon(Path stateRoot) {
        try {
            Path run = Files.createDirectories(stateRoot.resolve("run"));
            ioSocket = run.resolve("io.sock");
            control = listen(run.resolve("control.sock"));
            io = listen(ioSocket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        defaults();
        TtrpcServer server = server();
        accept(
                control,
                channel ->
                        server.serve(
                                Channels.newInputStream(channel),
                                Channels.newOutputStream(channel),
                                Thread.ofVirtual().factory()));
        accept(io, this::openStream);
    }

    private void defaults() {
        answer(
                ControlMethods.VERSION,
                _ ->
                        VersionResponse.newBuilder()
                                .setDaemon("0.1.0")
                                .setProtocol(ProtocolVersion.CONTROL)
                                .setPid(4711)
                                .setAccelerator("tcg")
                                .setAcceleratorReason("there is no /dev/kvm")
                                .setVmm("QEMU 7.2.22")
                                .setKernel("/g/vmlinuz")
                                .setImage("/g/rootfs.erofs")
                                .setStateRoot("/s")
                                .build());
        answer(
                ControlMethods.CREATE,
                _ -> CreateResponse.newBuilder().setId(ID).setName("happy_otter").build());
        answer(ControlMethods.EXEC, _ -> ExecResponse.newBuilder().setExecId(EXEC_ID).build());
        answer(ControlMethods.RESIZE, _ -> ResizeResponse.getDefaultInstance());
        answer(ControlMethods.SIGNAL, _ -> SignalResponse.getDefaultInstance());
        answer(ControlMethods.ATTACH, this::attach);
        answer(
                ControlMethods.START,
                _ -> {
                    start();
                    return StartResponse.getDefaultInstance();
                });
        answer(ControlMethods.WAIT, _ -> WaitResponse.newBuilder().setExitCode(exitCode()).build());
    }

    /** The exit status of the process, once it has ended. */
    int exitCode() {
        return exit.join();
    }

    /** Sets what the container's process does. */
    synchronized void process(Program what) {
        program = what;
    }

    /** Answers a method from now on. */
    <Q extends MessageLite, R extends MessageLite> void answer(
            Method<Q, R> method, Function<Q, R> answer) {
        answerCall(method, (request, _) -> answer.apply(request));
    }

    /** Answers a method from now on, knowing the call. */
    @SuppressWarnings("unchecked") // the method's own type of request comes with the method
    synchronized <Q extends MessageLite, R extends MessageLite> void answerCall(
            Method<Q, R> method, BiFunction<Q, Call, R> answer) {
        answers.put(method.name(), (request, call) -> answer.apply((Q) request, call));
    }

    /** {@return the requests of this kind, in the order in which they came} */
    synchronized <T> List<T> requests(Class<T> type) {
        return requests.stream().filter(type::isInstance).map(type::cast).toList();
    }

    CreateRequest created() {
        return requests(CreateRequest.class).getFirst();
    }

    ExecRequest execed() {
        return requests(ExecRequest.class).getFirst();
    }

    synchronized AttachRequest attached() {
        return attached;
    }

    /** Returns when a connection that had asked for a tied container has ended. */
    void awaitAbandoned() throws InterruptedException {
        abandoned.await();
    }

    /** Starts the process as the default START does. */
    void start() {
        Program what;
        AttachRequest wanted;
        synchronized (this) {
            what = program;
            wanted = attached;
        }
        Thread.ofVirtual()
                .start(() -> {
                    try (InputStream stdin = input(wanted.getStdin());
                            OutputStream stdout = output(wanted.getStdout(), "out");
                            OutputStream stderr = output(wanted.getStderr(), "err")) {
                        exit.complete(what.run(stdin, stdout, stderr));
                    } catch (IOException | RuntimeException e) {
                        exit.complete(255);
                    }
                });
    }

    private InputStream input(boolean wanted) {
        return wanted
                ? Channels.newInputStream(stream("in").join())
                : InputStream.nullInputStream();
    }

    private OutputStream output(boolean wanted, String token) {
        return wanted
                ? Channels.newOutputStream(stream(token).join())
                : OutputStream.nullOutputStream();
    }

    private synchronized AttachResponse attach(AttachRequest request) {
        attached = request;
        return AttachResponse.newBuilder()
                .setIoSocket(ioSocket.toString())
                .setStdinToken(request.getStdin() ? "in" : "")
                .setStdoutToken("out")
                .setStderrToken(request.getStderr() ? "err" : "")
                .build();
    }

    private synchronized CompletableFuture<SocketChannel> stream(String token) {
        return streams.computeIfAbsent(token, _ -> new CompletableFuture<>());
    }

    private void openStream(SocketChannel channel) throws IOException {
        InputStream in = Channels.newInputStream(channel);
        StringBuilder token = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            token.append((char) c);
        }
        CompletableFuture<SocketChannel> stream = stream(token.toString());
        stream.complete(channel);
        exit.join(); // the channel is closed after that
    }

    private TtrpcServer server() {
        TtrpcServer.Builder builder = TtrpcServer.builder();
        offer(builder, ControlMethods.VERSION);
        offer(builder, ControlMethods.CREATE);
        offer(builder, ControlMethods.START);
        offer(builder, ControlMethods.EXEC);
        offer(builder, ControlMethods.ATTACH);
        offer(builder, ControlMethods.WAIT);
        offer(builder, ControlMethods.RESIZE);
        offer(builder, ControlMethods.SIGNAL);
        offer(builder, ControlMethods.STOP);
        offer(builder, ControlMethods.REMOVE);
        offer(builder, ControlMethods.LIST);
        offer(builder, ControlMethods.INSPECT);
        offer(builder, ControlMethods.LOGS);
        offer(builder, ControlMethods.TRACE);
        offer(builder, ControlMethods.LIMITS);
        offer(builder, ControlMethods.STATS);
        offer(builder, ControlMethods.METRICS);
        offer(builder, ControlMethods.EXPLAIN);
        offer(builder, ControlMethods.LIST_TEMPLATES);
        offer(builder, ControlMethods.CREATE_TEMPLATE);
        offer(builder, ControlMethods.REMOVE_TEMPLATES);
        offer(builder, ControlMethods.SHUTDOWN);
        return builder.build();
    }

    @SuppressWarnings("unchecked") // a test that answers with another type fails on its own
    private <Q extends MessageLite, R extends MessageLite> void offer(
            TtrpcServer.Builder builder, Method<Q, R> method) {
        builder.method(method, (request, call) -> (R) handle(method.name(), request, call));
    }

    private MessageLite handle(String method, MessageLite request, Call call) {
        BiFunction<MessageLite, Call, MessageLite> answer;
        synchronized (this) {
            requests.add(request);
            answer = answers.get(method);
        }
        if (request instanceof CreateRequest create && create.getTied()) {
            call.connection().onClose(abandoned::countDown);
        }
        if (answer == null) {
            throw Fault.unimplemented("the test does not answer %s", method);
        }
        return answer.apply(request, call);
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        return server;
    }

    private interface Connected {
        void handle(SocketChannel channel) throws IOException;
    }

    private static void accept(ServerSocketChannel server, Connected connected) {
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        while (true) {
                            SocketChannel channel = server.accept();
                            Thread.ofVirtual().start(() -> handle(channel, connected));
                        }
                    } catch (IOException e) {
                        // closed: the test is over
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

    @Override
    public void close() {
        exit.complete(255);
        try {
            control.close();
            io.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
