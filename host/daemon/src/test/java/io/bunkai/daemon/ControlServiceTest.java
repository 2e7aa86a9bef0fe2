// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.ExecRequest;
import io.bunkai.api.control.InspectRequest;
import io.bunkai.api.control.ListRequest;
import io.bunkai.api.control.ListTemplatesRequest;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.LogEntry;
import io.bunkai.api.control.LogsRequest;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.api.control.RemoveRequest;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.ResizeRequest;
import io.bunkai.api.control.ShutdownRequest;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.StartRequest;
import io.bunkai.api.control.StopRequest;
import io.bunkai.api.control.Template;
import io.bunkai.api.control.TraceRequest;
import io.bunkai.api.control.TraceStep;
import io.bunkai.api.control.VersionRequest;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.config.RuntimeConfiguration.TemplateScope;
import io.bunkai.linux.Signals;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FakeNode;
import io.bunkai.runtime.ScriptedMachine;
import io.bunkai.runtime.ScriptedProcess;
import io.bunkai.runtime.Templates;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every method as a client sees it: over the control socket, with the runtime behind it. */
@Timeout(120)
class ControlServiceTest {
    private final FakeNode node = new FakeNode();
    private final Templates templates = node.templates(TemplateScope.NAMESPACE);
    private final Containers containers = node.open(templates);
    private final CountDownLatch shutdown = new CountDownLatch(1);
    private StreamServer streams;
    private ControlServer server;
    private TtrpcClient client;

    @BeforeEach
    void serve() throws IOException {
        streams = StreamServer.open(node.stateRoot().streamSocket());
        ControlService service =
                new ControlService(
                        containers,
                        templates,
                        streams,
                        () -> VersionResponse.newBuilder().setDaemon("1.2.3").setPid(42),
                        FakeNode.LONG,
                        shutdown::countDown);
        server = ControlServer.open(node.stateRoot().controlSocket(), service.server());
        client = connect();
    }

    @AfterEach
    void end() {
        client.close();
        server.close();
        streams.close();
        containers.close();
        templates.close();
        node.close();
    }

    private TtrpcClient connect() throws IOException {
        SocketChannel channel =
                SocketChannel.open(UnixDomainSocketAddress.of(node.stateRoot().controlSocket()));
        return TtrpcClient.over(
                Channels.newInputStream(channel),
                Channels.newOutputStream(channel),
                "the daemon",
                channel);
    }

    private <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request)
            throws IOException {
        return client.call(method, request, FakeNode.soon());
    }

    private static FaultCode codeOf(ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }

    private static CreateRequest.Builder wish() {
        return CreateRequest.newBuilder().setName("web").addArgs("serve");
    }

    private CreateResponse create(CreateRequest.Builder wish) throws IOException {
        return call(ControlMethods.CREATE, wish.build());
    }

    private void start(String container, String exec) throws IOException {
        call(
                ControlMethods.START,
                StartRequest.newBuilder().setContainer(container).setExecId(exec).build());
    }

    private WaitResponse await(String container, String exec) throws IOException {
        return call(
                ControlMethods.WAIT,
                WaitRequest.newBuilder().setContainer(container).setExecId(exec).build());
    }

    private List<ContainerSummary> list(boolean all) throws IOException {
        return call(ControlMethods.LIST, ListRequest.newBuilder().setAll(all).build())
                .getContainersList();
    }

    private LogsResponse logs(long cursor, boolean follow) throws IOException {
        return call(
                ControlMethods.LOGS,
                LogsRequest.newBuilder()
                        .setContainer("web")
                        .setCursor(cursor)
                        .setFollow(follow)
                        .setMaxBytes(100_000)
                        .build());
    }

    private void signal(String container, String exec, int signal) throws IOException {
        call(
                ControlMethods.SIGNAL,
                SignalRequest.newBuilder()
                        .setContainer(container)
                        .setExecId(exec)
                        .setSignal(signal)
                        .build());
    }

    private void stop(int signal, int millis) throws IOException {
        call(
                ControlMethods.STOP,
                StopRequest.newBuilder()
                        .setContainer("web")
                        .setSignal(signal)
                        .setTimeoutMs(millis)
                        .build());
    }

    private void remove(String container, boolean force) throws IOException {
        call(
                ControlMethods.REMOVE,
                RemoveRequest.newBuilder().setContainer(container).setForce(force).build());
    }

    private ScriptedMachine machine() {
        return node.hypervisor().machine(containers.get("web").id());
    }

    /** Runs until it is told to end. */
    private ScriptedProcess running(CreateRequest.Builder wish) throws Exception {
        node.hypervisor().program(ScriptedProcess::awaitSignal);
        create(wish);
        start("web", "");
        return machine().agent().awaitStart();
    }

    @Test
    void onlyTheOwnerReachesTheSocket() throws IOException {
        Path socket = node.stateRoot().controlSocket();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
    }

    @Test
    void version() throws IOException {
        VersionResponse version = call(ControlMethods.VERSION, VersionRequest.getDefaultInstance());
        assertThat(version.getDaemon()).isEqualTo("1.2.3");
        assertThat(version.getPid()).isEqualTo(42);
        assertThat(version.getProtocol()).isEqualTo(ProtocolVersion.CONTROL);
    }

    @Test
    void createListAndInspect() throws IOException {
        CreateResponse created =
                create(
                        wish().addEnv("SECRET=s3cret")
                                .setMemoryBytes(64L << 20)
                                .setNanoCpus(1_000_000_000));
        assertThat(created.getName()).isEqualTo("web");
        assertThat(list(false)).isEmpty();
        ContainerSummary summary = list(true).getFirst();
        assertThat(summary.getId()).isEqualTo(created.getId());
        assertThat(summary.getName()).isEqualTo("web");
        assertThat(summary.getImage()).isEqualTo("embedded");
        assertThat(summary.getCommandList()).containsExactly("serve");
        assertThat(summary.getState()).isEqualTo("created");
        assertThat(summary.getMemoryBytes()).isEqualTo(224L << 20);
        String json =
                call(
                                ControlMethods.INSPECT,
                                InspectRequest.newBuilder().setContainer("web").build())
                        .getJson();
        assertThat(json).contains("\"SECRET=***\"").doesNotContain("s3cret");
    }

    @Test
    void explainTouchesNothing() throws IOException {
        String json =
                call(ControlMethods.EXPLAIN, wish().addEnv("SECRET=s3cret").build()).getJson();
        assertThat(json).contains("\"SECRET=***\"").doesNotContain("s3cret");
        assertThat(list(true)).isEmpty();
    }

    @Test
    void aWholeLifeWithStreams() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print(process.readStdin());
                    process.complain("err");
                    process.exit(5);
                });
        create(wish().setStdin(true));
        AttachResponse attached =
                call(
                        ControlMethods.ATTACH,
                        AttachRequest.newBuilder()
                                .setContainer("web")
                                .setStdin(true)
                                .setStdout(true)
                                .setStderr(true)
                                .build());
        assertThat(attached.getIoSocket()).isEqualTo(node.stateRoot().streamSocket().toString());
        start("web", "");
        try (SocketChannel stdin = stream(attached.getStdinToken(), "typed");
                SocketChannel stdout = stream(attached.getStdoutToken(), "");
                SocketChannel stderr = stream(attached.getStderrToken(), "")) {
            stdin.shutdownOutput();
            assertThat(Channels.newInputStream(stdout).readAllBytes())
                    .asString()
                    .isEqualTo("typed");
            assertThat(Channels.newInputStream(stderr).readAllBytes()).asString().isEqualTo("err");
        }
        WaitResponse exit = await("web", "");
        assertThat(exit.getExitCode()).isEqualTo(5);
        assertThat(exit.getOomKilled()).isFalse();
        assertThat(exit.getError()).isEmpty();
        assertThat(list(false)).isEmpty();
        assertThat(list(true).getFirst().getState()).isEqualTo("stopped");
        remove("web", false);
        assertThat(list(true)).isEmpty();
        assertThat(codeOf(() -> await("web", ""))).isEqualTo(FaultCode.NOT_FOUND);
    }

    private SocketChannel stream(String token, String text) throws IOException {
        SocketChannel stream =
                SocketChannel.open(UnixDomainSocketAddress.of(node.stateRoot().streamSocket()));
        stream.write(ByteBuffer.wrap((token + "\n" + text).getBytes(StandardCharsets.UTF_8)));
        return stream;
    }

    @Test
    void onlyTheStreamsThatAreAskedForAreMade() throws IOException {
        create(wish());
        AttachResponse attached =
                call(
                        ControlMethods.ATTACH,
                        AttachRequest.newBuilder().setContainer("web").setStdout(true).build());
        assertThat(attached.getStdinToken()).isEmpty();
        assertThat(attached.getStdoutToken()).isNotEmpty();
        assertThat(attached.getStderrToken()).isEmpty();
        assertThat(
                        codeOf(() ->
                                call(
                                        ControlMethods.ATTACH,
                                        AttachRequest.newBuilder()
                                                .setContainer("web")
                                                .setStdout(true)
                                                .build())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void execRunsAFurtherProcess() throws Exception {
        running(wish());
        machine()
                .agent()
                .execProgram(process -> {
                    process.print("out");
                    process.exit(4);
                });
        String exec = call(ControlMethods.EXEC, execRequest()).getExecId();
        AttachResponse attached =
                call(
                        ControlMethods.ATTACH,
                        AttachRequest.newBuilder()
                                .setContainer("web")
                                .setExecId(exec)
                                .setStdout(true)
                                .build());
        start("web", exec);
        try (SocketChannel stdout = stream(attached.getStdoutToken(), "")) {
            assertThat(Channels.newInputStream(stdout).readAllBytes()).asString().isEqualTo("out");
        }
        assertThat(await("web", exec).getExitCode()).isEqualTo(4);
        assertThat(await("web", exec).getExitCode()).isEqualTo(4);
    }

    private static ExecRequest execRequest() {
        return ExecRequest.newBuilder().setContainer("web").addArgs("ls").build();
    }

    @Test
    void aProgramThatDoesNotExistIsToldToTheCaller() throws IOException {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.CREATE_CONTAINER,
                                (_, _) -> {
                                    throw Fault.notFound("no such program");
                                }));
        create(wish());
        assertThat(codeOf(() -> start("web", ""))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(await("web", "").getExitCode()).isEqualTo(127);
    }

    @Test
    void signalsAndSizes() throws Exception {
        node.hypervisor().program(process -> process.exit(process.awaitSignal()));
        create(wish().setTty(true).setTtyRows(24).setTtyColumns(80));
        start("web", "");
        ScriptedProcess process = machine().agent().awaitStart();
        call(
                ControlMethods.RESIZE,
                ResizeRequest.newBuilder().setContainer("web").setRows(50).setColumns(99).build());
        assertThat(process.terminalSize()).isEqualTo("50x99");
        assertThat(codeOf(() -> signal("web", "", 0))).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> signal("web", "", -1))).isEqualTo(FaultCode.INVALID_ARGUMENT);
        signal("web", "", Signals.SIGHUP);
        assertThat(await("web", "").getExitCode()).isEqualTo(Signals.SIGHUP);
    }

    @Test
    void stopGivesTimeAndThenKills() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    process.readStdin();
                });
        create(wish().setStdin(true));
        start("web", "");
        stop(0, 0);
        assertThat(await("web", "").getExitCode()).isEqualTo(137);
        stop(0, 0);
    }

    /** 32 unsigned bits: the largest time is weeks, not none. */
    @Test
    void theLongestPatienceIsLong() throws Exception {
        running(wish());
        stop(Signals.SIGTERM, -1);
        assertThat(await("web", "").getExitCode()).isEqualTo(143);
    }

    @Test
    void removeRefusesWhatRunsUnlessForced() throws Exception {
        running(wish());
        assertThat(codeOf(() -> remove("web", false))).isEqualTo(FaultCode.FAILED_PRECONDITION);
        remove("web", true);
        assertThat(list(true)).isEmpty();
        assertThat(node.hypervisor().living()).isZero();
    }

    @Test
    void logsAreReadPieceByPieceAndFollowed() throws Exception {
        CountDownLatch more = new CountDownLatch(1);
        node.hypervisor()
                .program(process -> {
                    process.print("one");
                    more.await();
                    process.complain("two");
                    process.exit(0);
                });
        create(wish());
        start("web", "");
        LogsResponse first = logs(0, true);
        assertThat(first.getEntriesList())
                .extracting(entry -> entry.getData().toStringUtf8())
                .containsExactly("one");
        assertThat(first.getEnd()).isFalse();
        assertThat(first.getEntries(0).getStream()).isEqualTo(LogEntry.Stream.STDOUT);
        more.countDown();
        LogsResponse second = logs(first.getCursor(), true);
        assertThat(second.getEntriesList())
                .extracting(entry -> entry.getData().toStringUtf8())
                .containsExactly("two");
        assertThat(second.getEntries(0).getStream()).isEqualTo(LogEntry.Stream.STDERR);
        await("web", "");
        assertThat(logs(second.getCursor(), true).getEnd()).isTrue();
        assertThat(codeOf(() -> logs(1, false))).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void aClientThatLeavesWhileItFollowsSpoilsTheLogForNobody() throws Exception {
        ScriptedProcess process = running(wish());
        process.print("one");
        LogsResponse first = logs(0, true);
        for (int i = 0; i < 5; i++) {
            TtrpcClient other = connect();
            CompletableFuture<Void> left = new CompletableFuture<>();
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            other.call(
                                    ControlMethods.LOGS,
                                    LogsRequest.newBuilder()
                                            .setContainer("web")
                                            .setCursor(first.getCursor())
                                            .setFollow(true)
                                            .build(),
                                    FakeNode.soon());
                            left.complete(null);
                        } catch (IOException e) {
                            left.complete(null);
                        }
                    });
            other.call(
                    ControlMethods.VERSION, VersionRequest.getDefaultInstance(), FakeNode.soon());
            other.close();
            left.get(60, TimeUnit.SECONDS);
        }
        process.print("two");
        assertThat(logs(first.getCursor(), true).getEntries(0).getData().toStringUtf8())
                .isEqualTo("two");
    }

    @Test
    void traceTellsTheStartsSteps() throws Exception {
        running(wish());
        List<TraceStep> steps =
                call(ControlMethods.TRACE, TraceRequest.newBuilder().setContainer("web").build())
                        .getStepsList();
        assertThat(steps).extracting(TraceStep::getName).contains("start", "agent.ready");
        assertThat(steps).extracting(TraceStep::getSide).containsOnly("host");
    }

    @Test
    void aClientThatLeavesWhileItWaitsChangesNothing() throws Exception {
        ScriptedProcess process = running(wish());
        TtrpcClient other = connect();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        other.call(
                                ControlMethods.WAIT,
                                WaitRequest.newBuilder().setContainer("web").build(),
                                FakeNode.soon());
                    } catch (IOException e) {
                        failure.complete(e);
                    }
                });
        other.call(ControlMethods.VERSION, VersionRequest.getDefaultInstance(), FakeNode.soon());
        other.close();
        assertThat(failure.get(60, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
        process.exit(8);
        assertThat(await("web", "").getExitCode()).isEqualTo(8);
    }

    // ---- tied ----

    @Test
    void aTiedContainerEndsWithItsClientAndIsKept() throws Exception {
        node.hypervisor().program(ScriptedProcess::awaitSignal);
        try (TtrpcClient other = connect()) {
            other.call(ControlMethods.CREATE, wish().setTied(true).build(), FakeNode.soon());
            start("web", "");
        }
        assertThat(await("web", "").getExitCode()).isEqualTo(137);
        assertThat(list(true).getFirst().getState()).isEqualTo("stopped");
    }

    @Test
    void aTiedContainerThatIsNotKeptGoesWithItsClient() throws Exception {
        node.hypervisor().program(ScriptedProcess::awaitSignal);
        String id;
        TtrpcClient other = connect();
        id =
                other.call(
                                ControlMethods.CREATE,
                                wish().setTied(true).setRemove(true).build(),
                                FakeNode.soon())
                        .getId();
        start(id, "");
        Container container = containers.get(id);
        other.close();
        assertThat(await(id, "").getExitCode()).isEqualTo(137);
        container.kill(); // waits until it has gone
        assertThat(list(true)).isEmpty();
    }

    @Test
    void aTiedContainerWhoseClientLeftAfterItsEndIsKept() throws Exception {
        try (TtrpcClient other = connect()) {
            other.call(ControlMethods.CREATE, wish().setTied(true).build(), FakeNode.soon());
            start("web", "");
            assertThat(await("web", "").getExitCode()).isZero();
        }
        assertThat(list(true)).hasSize(1);
    }

    @Test
    void aTiedFurtherProcessEndsWithItsClientAlone() throws Exception {
        running(wish());
        machine().agent().execProgram(ScriptedProcess::awaitSignal);
        String exec;
        try (TtrpcClient other = connect()) {
            exec =
                    other.call(
                                    ControlMethods.EXEC,
                                    execRequest().toBuilder().setTied(true).build(),
                                    FakeNode.soon())
                            .getExecId();
            start("web", exec);
        }
        assertThat(await("web", exec).getExitCode()).isEqualTo(137);
        assertThat(list(false)).hasSize(1);
    }

    // ---- what is refused ----

    @Test
    void negativeLimitsAreRefused() {
        assertThat(codeOf(() -> create(wish().setMemoryBytes(-1))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> create(wish().setNanoCpus(-1))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void absurdNumbersAreRefused() {
        assertThat(codeOf(() -> create(wish().setMemoryBytes(Long.MAX_VALUE))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> create(wish().setNanoCpus(Long.MAX_VALUE))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> create(wish().setTty(true).setTtyRows(-1))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void everythingAboutNobodyIsNotFound() {
        assertThat(codeOf(() -> start("nobody", ""))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> await("nobody", ""))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> remove("nobody", true))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> signal("nobody", "", 9))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> logs(0, false))).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aMethodThatDoesNotExistIsUnimplemented() {
        Method<VersionRequest, VersionResponse> unknown =
                new Method<>(
                        ControlMethods.SERVICE,
                        "SelfDestruct",
                        VersionRequest::parser,
                        VersionResponse::parser);
        assertThat(codeOf(() -> call(unknown, VersionRequest.getDefaultInstance())))
                .isEqualTo(FaultCode.UNIMPLEMENTED);
    }

    @Test
    void anOversizedRequestIsRefusedAndTheConnectionLivesOn() throws IOException {
        assertThat(codeOf(() -> create(wish().addArgs("x".repeat(3_000_000)))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> create(wish().addArgs("x".repeat(5_000_000)))))
                .isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        assertThat(create(wish()).getName()).isEqualTo("web");
    }

    @Test
    void bytesThatAreNoMessageEndTheirOwnConnectionOnly() throws IOException {
        try (SocketChannel other =
                SocketChannel.open(UnixDomainSocketAddress.of(node.stateRoot().controlSocket()))) {
            other.write(ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8)));
            assertThat(readToEnd(other)).isZero();
        }
        assertThat(create(wish()).getName()).isEqualTo("web");
    }

    private static int readToEnd(SocketChannel channel) {
        try {
            return Channels.newInputStream(channel).readAllBytes().length;
        } catch (IOException e) {
            return 0; // what was sent and not read turns the end into an error
        }
    }

    @Test
    void oneContainerWithALongCommandDoesNotFillTheList() throws IOException {
        create(wish().addAllArgs(Collections.nCopies(9, "x".repeat(100_000))));
        ContainerSummary summary = list(true).getFirst();
        assertThat(summary.getSerializedSize()).isLessThan(1000);
        assertThat(summary.getCommand(0)).isEqualTo("serve");
        assertThat(summary.getCommand(1)).endsWith("x...");
    }

    // ---- the daemon's end ----

    @Test
    void shutdownIsAnsweredBeforeTheDaemonEndsAndLeavesWhatRuns() throws Exception {
        running(wish());
        call(ControlMethods.SHUTDOWN, ShutdownRequest.getDefaultInstance());
        client.close();
        shutdown.await();
        assertThat(node.hypervisor().living()).isEqualTo(1);
    }

    @Test
    void shutdownEndsWhatRunsIfItIsAskedTo() throws Exception {
        running(wish());
        call(ControlMethods.SHUTDOWN, ShutdownRequest.newBuilder().setStopContainers(true).build());
        assertThat(node.hypervisor().living()).isZero();
        shutdown.await(); // also if the client stays
    }

    @Test
    void templatesAreMadeListedAndRemoved() throws IOException {
        Files.writeString(node.image().disk(), "a root file system");
        assertThat(templateList().getScope()).isEqualTo("namespace");
        assertThat(templateList().getTemplatesList()).isEmpty();
        Template made = call(ControlMethods.CREATE_TEMPLATE, wish().build()).getTemplate();
        assertThat(call(ControlMethods.CREATE_TEMPLATE, wish().build()).getTemplate())
                .isEqualTo(made);
        assertThat(templateList().getTemplatesList()).containsExactly(made);
        assertThat(made.getStale()).isFalse();
        assertThat(made.getInputsList()).anyMatch(input -> input.startsWith("kernel /"));

        RemoveTemplatesRequest stale = RemoveTemplatesRequest.newBuilder().setStale(true).build();
        assertThat(call(ControlMethods.REMOVE_TEMPLATES, stale).getKeysList()).isEmpty();
        Files.setLastModifiedTime(node.kernel(), FileTime.from(Instant.EPOCH));
        assertThat(templateList().getTemplatesList()).allMatch(Template::getStale);
        assertThat(call(ControlMethods.REMOVE_TEMPLATES, stale).getKeysList())
                .containsExactly(made.getKey());
        assertThat(
                        codeOf(() ->
                                call(
                                        ControlMethods.REMOVE_TEMPLATES,
                                        RemoveTemplatesRequest.newBuilder()
                                                .setKey(made.getKey())
                                                .build())))
                .isEqualTo(FaultCode.NOT_FOUND);
    }

    private ListTemplatesResponse templateList() throws IOException {
        return call(ControlMethods.LIST_TEMPLATES, ListTemplatesRequest.getDefaultInstance());
    }

    @Test
    void nobodyIsAcceptedAfterTheEnd() {
        server.close();
        assertThat(node.stateRoot().controlSocket()).doesNotExist();
        assertThatThrownBy(this::connect).isInstanceOf(IOException.class);
    }

    @Test
    void takesThePlaceOfASocketThatAFormerDaemonLeft() throws IOException {
        server.close();
        Files.createFile(node.stateRoot().controlSocket());
        server =
                ControlServer.open(
                        node.stateRoot().controlSocket(),
                        new ControlService(
                                        containers,
                                        templates,
                                        streams,
                                        VersionResponse::newBuilder,
                                        FakeNode.LONG,
                                        shutdown::countDown)
                                .server());
        try (TtrpcClient other = connect()) {
            assertThat(
                            other.call(
                                            ControlMethods.VERSION,
                                            VersionRequest.getDefaultInstance(),
                                            FakeNode.soon())
                                    .getProtocol())
                    .isEqualTo(ProtocolVersion.CONTROL);
        }
    }
}
