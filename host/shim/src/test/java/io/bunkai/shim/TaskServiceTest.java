// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.bunkai.api.TaskMethods;
import io.bunkai.api.TypeUrls;
import io.bunkai.api.containerd.CheckpointTaskRequest;
import io.bunkai.api.containerd.CloseIORequest;
import io.bunkai.api.containerd.ConnectRequest;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.CreateTaskResponse;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.DeleteResponse;
import io.bunkai.api.containerd.ExecProcessRequest;
import io.bunkai.api.containerd.KillRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.PauseRequest;
import io.bunkai.api.containerd.PidsRequest;
import io.bunkai.api.containerd.ResumeRequest;
import io.bunkai.api.containerd.RuntimeOptions;
import io.bunkai.api.containerd.ShutdownRequest;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.StateResponse;
import io.bunkai.api.containerd.StatsRequest;
import io.bunkai.api.containerd.Status;
import io.bunkai.api.containerd.UpdateTaskRequest;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.api.containerd.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.KeptFds;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FakeNode;
import io.bunkai.runtime.ScriptedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The task service over a runtime whose machines are scripted, called as containerd calls it. */
@Timeout(120)
class TaskServiceTest {
    private static final String ID = "web";

    private final FakeNode node = new FakeNode();
    private Path bundle;
    private TaskOwner owner;
    private Containers containers;
    private TaskServices services;
    private ContainerdPeer containerd;

    private static TaskReattachment streams() {
        return new TaskReattachment(KeptFds.inThisProcess());
    }

    @BeforeEach
    void connect() throws IOException {
        node.hypervisor().program(ScriptedProcess::readStdin);
        bundle = Files.createDirectories(node.folder().resolve("bundle"));
        Path events = node.folder().resolve("events.sock");
        owner = new TaskOwner("/run/containerd.sock", "default", events.toString());
        containers = node.open();
        services =
                new TaskServices(
                        containers, streams(), node.folder().resolve("no-cgroups"), FakeNode.LONG);
        containerd = new ContainerdPeer(TaskMethods.V2, events, () -> services.serverFor(owner));
        writeConfig("");
    }

    @AfterEach
    void disconnect() {
        containerd.close();
        services.close();
        containers.close();
        node.close();
    }

    private void writeConfig(String more) throws IOException {
        Files.writeString(
                bundle.resolve("config.json"),
                """
                {"ociVersion": "1.0.2", "linux": {},
                 "process": {"args": ["serve"], "cwd": "/", "env": ["PATH=/bin"]}%s}
                """
                        .formatted(more));
    }

    private CreateTaskRequest.Builder creation() throws IOException {
        Path layer = Files.createDirectories(node.folder().resolve("layer"));
        return CreateTaskRequest.newBuilder()
                .setId(ID)
                .setBundle(bundle.toString())
                .addRootfs(
                        Mount.newBuilder()
                                .setType("overlay")
                                .setSource("overlay")
                                .addOptions("lowerdir=" + layer));
    }

    private CreateTaskResponse create() throws IOException {
        return containerd.call(containerd.methods().create(), creation().build());
    }

    private void start() throws IOException {
        containerd.call(containerd.methods().start(), StartRequest.newBuilder().setId(ID).build());
    }

    private void kill(String execId, int signal) throws IOException {
        containerd.call(
                containerd.methods().kill(),
                KillRequest.newBuilder().setId(ID).setExecId(execId).setSignal(signal).build());
    }

    private WaitResponse await(String execId) throws IOException {
        return containerd.call(
                containerd.methods().waitFor(),
                WaitRequest.newBuilder().setId(ID).setExecId(execId).build());
    }

    private DeleteResponse delete(String execId) throws IOException {
        return containerd.call(
                containerd.methods().delete(),
                DeleteRequest.newBuilder().setId(ID).setExecId(execId).build());
    }

    private StateResponse state(String execId) throws IOException {
        return containerd.call(
                containerd.methods().state(),
                StateRequest.newBuilder().setId(ID).setExecId(execId).build());
    }

    private void exec(String execId) throws IOException {
        containerd.call(
                containerd.methods().exec(),
                ExecProcessRequest.newBuilder()
                        .setId(ID)
                        .setExecId(execId)
                        .setSpec(json(TypeUrls.OCI_PROCESS, "{\"args\": [\"ls\"], \"cwd\": \"/\"}"))
                        .build());
    }

    private static Any json(String typeUrl, String text) {
        return Any.newBuilder().setTypeUrl(typeUrl).setValue(ByteString.copyFromUtf8(text)).build();
    }

    private static Fault refusal(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call);
    }

    // ---- life ----

    @Test
    void aTasksLifeIsToldInContainerdsOrder() throws Exception {
        int pid = create().getPid();
        assertThat(pid).isPositive();
        assertThat(state("").getStatus()).isEqualTo(Status.CREATED);
        start();
        assertThat(state("").getStatus()).isEqualTo(Status.RUNNING);
        exec("shell");
        assertThat(state("shell").getStatus()).isEqualTo(Status.CREATED);
        containerd.call(
                containerd.methods().start(),
                StartRequest.newBuilder().setId(ID).setExecId("shell").build());
        assertThat(await("shell").getExitStatus()).isZero();
        delete("shell");
        kill("", 9);
        assertThat(await("").getExitStatus()).isEqualTo(137);
        assertThat(state("").getStatus()).isEqualTo(Status.STOPPED);
        DeleteResponse deleted = delete("");
        assertThat(deleted.getPid()).isEqualTo(pid);
        assertThat(deleted.getExitStatus()).isEqualTo(137);
        assertThat(deleted.getExitedAt().getSeconds()).isPositive();
        assertThat(containerd.awaitTopics(7))
                .containsExactly(
                        "create", "start", "exec-added", "exec-started", "exit", "exit", "delete");
        assertThat(node.hypervisor().living()).isZero();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
    }

    @Test
    void aProcessThatEndsAtOnceIsToldAfterItsStart() throws Exception {
        node.hypervisor().program(process -> process.exit(3));
        for (int i = 0; i < 5; i++) {
            create();
            start();
            assertThat(await("").getExitStatus()).isEqualTo(3);
            delete("");
        }
        assertThat(containerd.awaitTopics(20))
                .containsExactlyElementsOf(
                        java.util.Collections.nCopies(
                                        5, java.util.List.of("create", "start", "exit", "delete"))
                                .stream()
                                .flatMap(java.util.List::stream)
                                .toList());
    }

    @Test
    void aTaskThatWasNeverStartedCanBeKilledAndDeleted() throws Exception {
        create();
        delete("");
        assertThat(containerd.awaitTopics(3)).containsExactly("create", "exit", "delete");
        assertThat(node.hypervisor().living()).isZero();
    }

    @Test
    void aRunningTaskIsNotDeleted() throws Exception {
        create();
        start();
        Fault fault = refusal(() -> delete(""));
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault.getMessage()).contains("kill it first").doesNotContain("\n");
    }

    @Test
    void aFurtherProcessThatCannotStartIsNoEvent() throws Exception {
        create();
        start();
        node.hypervisor()
                .machine(containers.all().getFirst().id())
                .agent()
                .answer(
                        io.bunkai.api.AgentMethods.EXEC_PROCESS,
                        (_, _) -> {
                            throw Fault.notFound("executable file not found");
                        });
        exec("shell");
        Fault fault =
                refusal(() ->
                        containerd.call(
                                containerd.methods().start(),
                                StartRequest.newBuilder().setId(ID).setExecId("shell").build()));
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        delete("shell");
        kill("", 9);
        await("");
        delete("");
        assertThat(containerd.awaitTopics(5))
                .containsExactly("create", "start", "exec-added", "exit", "delete");
    }

    @Test
    void theExitIsAnsweredToEveryoneWhoWaits() throws Exception {
        create();
        start();
        CompletableFuture<Integer> first = waiting();
        CompletableFuture<Integer> second = waiting();
        kill("", 15);
        assertThat(first.get(60, TimeUnit.SECONDS)).isEqualTo(143);
        assertThat(second.get(60, TimeUnit.SECONDS)).isEqualTo(143);
        assertThat(await("").getExitStatus()).isEqualTo(143);
    }

    private CompletableFuture<Integer> waiting() {
        CompletableFuture<Integer> status = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        status.complete(await("").getExitStatus());
                    } catch (IOException | Fault e) {
                        status.completeExceptionally(e);
                    }
                });
        return status;
    }

    @Test
    void aProcessThatHasEndedCannotBeSignalled() throws Exception {
        create();
        start();
        kill("", 9);
        await("");
        Fault fault = refusal(() -> kill("", 9));
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(fault).hasMessageContaining("process already finished: web");
    }

    @Test
    void pausesAndResumesAreToldAndShown() throws Exception {
        create();
        start();
        containerd.call(containerd.methods().pause(), PauseRequest.newBuilder().setId(ID).build());
        assertThat(state("").getStatus()).isEqualTo(Status.PAUSED);
        containerd.call(
                containerd.methods().resume(), ResumeRequest.newBuilder().setId(ID).build());
        assertThat(state("").getStatus()).isEqualTo(Status.RUNNING);
        assertThat(containerd.awaitTopics(4)).endsWith("paused", "resumed");
    }

    @Test
    void memoryThatRanOutIsToldBeforeTheExit() throws Exception {
        create();
        start();
        var agent = node.hypervisor().machine(containers.all().getFirst().id()).agent();
        agent.runOutOfMemory();
        assertThat(containerd.awaitTopics(3)).endsWith("oom");
        agent.awaitStart().exit(137);
        assertThat(containerd.awaitTopics(4)).endsWith("oom", "exit");
    }

    // ---- streams ----

    @Test
    void inputEndsWithCloseIoAndOutputGoesToItsFile() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print(process.readStdin());
                    process.exit(0);
                });
        Path output = node.folder().resolve("logs/out");
        Path input = node.folder().resolve("stdin");
        assertThat(new ProcessBuilder("mkfifo", input.toString()).start().waitFor()).isZero();
        containerd.call(
                containerd.methods().create(),
                creation().setStdin(input.toString()).setStdout("file://" + output).build());
        start();
        try (var writer = Files.newOutputStream(input)) {
            writer.write("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            writer.flush();
            containerd.call(
                    containerd.methods().closeIo(),
                    CloseIORequest.newBuilder().setId(ID).setStdin(true).build());
            await("");
        }
        assertThat(output).hasContent("hello");
        assertThat(state("").getStdin()).isEqualTo(input.toString());
    }

    // ---- what there is to know ----

    @Test
    void theNumbersAreTheHolders() throws Exception {
        int pid = create().getPid();
        assertThat(
                        containerd
                                .call(
                                        containerd.methods().pids(),
                                        PidsRequest.newBuilder().setId(ID).build())
                                .getProcessesList())
                .extracting(process -> process.getPid())
                .containsExactly(pid);
        var connected =
                containerd.call(
                        containerd.methods().connect(),
                        ConnectRequest.newBuilder().setId(ID).build());
        assertThat(connected.getTaskPid()).isEqualTo(pid);
        assertThat(connected.getShimPid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(state("").getBundle()).isEqualTo(bundle.toString());
    }

    @Test
    void statisticsComeInTheFormOfTheHostsControlGroups() throws Exception {
        create();
        start();
        Any stats =
                containerd
                        .call(
                                containerd.methods().stats(),
                                StatsRequest.newBuilder().setId(ID).build())
                        .getStats();
        assertThat(stats.getTypeUrl()).isEqualTo(TypeUrls.CGROUPS_V1_METRICS);
    }

    @Test
    void limitsAreChangedFromTheirJson() throws Exception {
        create();
        start();
        containerd.call(
                containerd.methods().update(),
                UpdateTaskRequest.newBuilder()
                        .setId(ID)
                        .setResources(
                                json(
                                        TypeUrls.OCI_LINUX_RESOURCES,
                                        "{\"memory\": {\"limit\": 33554432}}"))
                        .build());
        assertThat(
                        node.hypervisor()
                                .machine(containers.all().getFirst().id())
                                .agent()
                                .update()
                                .getResources()
                                .getMemory()
                                .getLimit())
                .isEqualTo(32L << 20);
    }

    @Test
    void aShutdownEndsNothing() throws Exception {
        create();
        start();
        containerd.call(
                containerd.methods().shutdown(),
                ShutdownRequest.newBuilder().setId(ID).setNow(true).build());
        assertThat(state("").getStatus()).isEqualTo(Status.RUNNING);
    }

    @Test
    void aCheckpointSaysWhatIsMissing() throws Exception {
        create();
        Fault fault =
                refusal(() ->
                        containerd.call(
                                containerd.methods().checkpoint(),
                                CheckpointTaskRequest.newBuilder().setId(ID).build()));
        assertThat(fault.code()).isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(fault).hasMessageContaining("nothing restores them yet");
    }

    @Test
    void aLaterDaemonAnswersForTheTasksOfTheFormer() throws Exception {
        int pid = create().getPid();
        start();
        services.close();
        containers.close();
        try (Containers found = node.open();
                TaskServices later =
                        new TaskServices(
                                found, streams(), node.folder().resolve("none"), FakeNode.LONG);
                ContainerdPeer other =
                        new ContainerdPeer(
                                TaskMethods.V3,
                                Files.createDirectories(node.folder().resolve("later"))
                                        .resolve("events.sock"),
                                () ->
                                        later.serverFor(
                                                new TaskOwner(
                                                        owner.address(),
                                                        "default",
                                                        node.folder()
                                                                .resolve("later/events.sock")
                                                                .toString())))) {
            StateResponse state =
                    other.call(
                            other.methods().state(), StateRequest.newBuilder().setId(ID).build());
            assertThat(state.getStatus()).isEqualTo(Status.RUNNING);
            assertThat(state.getPid()).isEqualTo(pid);
            assertThat(state.getBundle()).isEqualTo(bundle.toString());
            other.call(
                    other.methods().kill(),
                    KillRequest.newBuilder().setId(ID).setSignal(9).build());
            assertThat(
                            other.call(
                                            other.methods().waitFor(),
                                            WaitRequest.newBuilder().setId(ID).build())
                                    .getExitStatus())
                    .isEqualTo(137);
            assertThat(other.awaitTopics(1)).containsExactly("exit");
            other.call(other.methods().delete(), DeleteRequest.newBuilder().setId(ID).build());
        }
    }

    @Test
    void aTaskWhoseConnectionIsLostIsDeletedWithWhatItWas() throws Exception {
        int pid = create().getPid();
        start();
        DeletedTask deleted = services.delete(owner, ID, bundle);
        assertThat(deleted.pid()).isEqualTo(pid);
        assertThat(deleted.exitStatus()).isEqualTo(137);
        assertThat(node.hypervisor().living()).isZero();
        assertThat(services.delete(owner, ID, bundle).exitStatus()).isEqualTo(137);
        assertThat(refusal(() -> state("")).code()).isEqualTo(FaultCode.NOT_FOUND);
    }

    // ---- bad input ----

    @ParameterizedTest
    @ValueSource(strings = {"", "a/b", "../x", "-a", "a b", "a\nb"})
    void anIdThatContainerdWouldNotAllowIsRefused(String id) throws IOException {
        CreateTaskRequest request = creation().setId(id).build();
        assertRefused(request, FaultCode.INVALID_ARGUMENT, "cannot be the id");
    }

    @Test
    void aSecondTaskWithTheSameIdIsRefusedAndTheFirstLives() throws Exception {
        create();
        start();
        Fault fault = refusal(this::create);
        assertThat(fault.code()).isEqualTo(FaultCode.ALREADY_EXISTS);
        assertThat(state("").getStatus()).isEqualTo(Status.RUNNING);
    }

    @Test
    void aBundleWithoutConfigJsonIsToldByItsName() throws IOException {
        Files.delete(bundle.resolve("config.json"));
        assertRefused(creation().build(), FaultCode.NOT_FOUND, bundle + " has no config.json");
        Files.writeString(bundle.resolve("config.json"), "{");
        assertRefused(creation().build(), FaultCode.INVALID_ARGUMENT, "config.json is not valid");
    }

    @Test
    void optionsOfAnotherRuntimeAreRefused() throws IOException {
        assertRefused(
                creation().setOptions(Any.newBuilder().setTypeUrl("some.Options")).build(),
                FaultCode.INVALID_ARGUMENT,
                "some.Options");
        Any missing =
                TypeUrls.pack(
                        TypeUrls.RUNTIME_OPTIONS,
                        RuntimeOptions.Options.newBuilder().setConfigPath("/no/such.toml").build());
        assertThat(
                        refusal(() ->
                                        containerd.call(
                                                containerd.methods().create(),
                                                creation().setOptions(missing).build()))
                                .getMessage())
                .contains("/no/such.toml");
    }

    @Test
    void aTerminalThatOnlyOneSideWantsIsRefused() throws IOException {
        assertRefused(
                creation().setTerminal(true).build(),
                FaultCode.INVALID_ARGUMENT,
                "process.terminal");
    }

    @Test
    void aStreamThatDoesNotExistIsToldAndNothingIsLeft() throws IOException {
        assertRefused(
                creation().setStdout("/no/such/fifo").build(),
                FaultCode.NOT_FOUND,
                "/no/such/fifo");
    }

    @Test
    void aMachineThatDoesNotComeUpLeavesNothing() throws Exception {
        node.hypervisor()
                .beforeLaunch(_ -> {
                    throw Fault.unavailable("no machine today");
                });
        assertRefused(creation().build(), FaultCode.UNAVAILABLE, "no machine today");
    }

    private void assertRefused(CreateTaskRequest request, FaultCode code, String text) {
        Fault fault = refusal(() -> containerd.call(containerd.methods().create(), request));
        assertThat(fault.code()).isEqualTo(code);
        assertThat(fault).hasMessageContaining(text);
        assertThat(fault.getMessage()).doesNotContain("\n");
        assertThat(containers.all()).isEmpty();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        assertThat(node.hypervisor().living()).isZero();
    }

    @Test
    void whatIsNotThereIsNotFound() {
        assertThat(refusal(() -> state("")).code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(
                        refusal(() ->
                                        containerd.call(
                                                containerd.methods().connect(),
                                                ConnectRequest.newBuilder().setId(ID).build()))
                                .code())
                .isEqualTo(FaultCode.NOT_FOUND);
    }
}
