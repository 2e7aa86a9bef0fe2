// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Empty;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class ContainerLifeTest {
    private final FakeNode node = new FakeNode();
    private final Containers containers = node.open();

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private Container create(FakeNode.Wish wish) {
        return containers.create(wish.request()).container();
    }

    private Container create() {
        return create(new FakeNode.Wish());
    }

    private static ProcessExit exitOf(Container container) throws Exception {
        return container.exit("").get(60, TimeUnit.SECONDS);
    }

    private static FaultCode codeOf(ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }

    private static String kept(Container container) throws InterruptedException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        container
                .output()
                .read(0, 1_000_000, Duration.ZERO)
                .entries()
                .forEach(entry -> all.writeBytes(entry.data()));
        return all.toString(StandardCharsets.UTF_8);
    }

    // ---- from beginning to end ----

    @Test
    void aContainerRunsWritesAndEnds() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print("out\n");
                    process.complain("err\n");
                    process.exit(7);
                });
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        Container container = create(new FakeNode.Wish().name("web").arguments("serve"));
        container.attach("", null, stdout, stderr);
        container.start(FakeNode.soon());
        assertThat(exitOf(container)).isEqualTo(new ProcessExit(7, false, ""));
        assertThat(stdout).hasToString("out\n");
        assertThat(stderr).hasToString("err\n");
        assertThat(kept(container)).contains("out\n", "err\n");
        assertThat(container.isActive()).isFalse();
        assertThat(container.ended()).contains(new ProcessExit(7, false, ""));
    }

    @Test
    void theAgentIsAskedInTheOrderOfTheProtocol() throws Exception {
        Container container = create();
        container.start(FakeNode.soon());
        exitOf(container);
        ScriptedAgent agent = node.hypervisor().machine(container.id()).agent();
        assertThat(agent.calls())
                .containsSubsequence(
                        "SetGuestDateTime",
                        "ReseedRandomDev",
                        "CreateSandbox",
                        "CreateContainer",
                        "CloseStdin",
                        "StartContainer");
        assertThat(agent.sandbox().getHostname()).isEqualTo(container.id().substring(0, 12));
        assertThat(agent.container().getContainerId()).isEqualTo(container.id());
        assertThat(agent.container().getExecId()).isEqualTo(container.id());
        assertThat(agent.container().getStoragesList()).hasSize(3);
    }

    @Test
    void theTimelineHasEveryStepOfAStart() throws Exception {
        Container container = create();
        container.start(FakeNode.soon());
        exitOf(container);
        assertThat(container.timeline().steps())
                .extracting(Timeline.Step::name)
                .contains(
                        "start",
                        "cgroups",
                        "machine.launch",
                        "agent.ready",
                        "sandbox.create",
                        "container.create",
                        "prepare",
                        "container.start");
    }

    @Test
    void theExitIsToldBeforeTheTeardown() throws Exception {
        CountDownLatch mayTearDown = new CountDownLatch(1);
        FakeNode other = new FakeNode();
        try (other;
                Containers held =
                        other.open(point -> {
                            if (point == CrashPoint.STOP_MACHINE_GONE) {
                                await(mayTearDown);
                            }
                        })) {
            Container container = held.create(FakeNode.request("true")).container();
            container.start(FakeNode.soon());
            exitOf(container);
            assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.ENDING);
            mayTearDown.countDown();
            container.remove(false);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void nothingIsLeftOfAMachineAfterItsEnd() throws Exception {
        Container container = create();
        container.start(FakeNode.soon());
        container.kill(); // also waits for a teardown that goes on
        assertThat(node.hypervisor().living()).isZero();
        try (var files = Files.list(node.stateRoot().sandboxes().resolve(container.id()))) {
            assertThat(files)
                    .extracting(file -> file.getFileName().toString())
                    .containsExactly("journal.json");
        }
    }

    @Test
    void removalLeavesNothing() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print("text");
                    process.exit(0);
                });
        Container container = create();
        container.start(FakeNode.soon());
        exitOf(container);
        container.remove(false);
        assertThat(containers.all()).isEmpty();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        assertThat(node.stateRoot().outputs()).isEmptyDirectory();
    }

    @Test
    void theProcessEndsBeforeItsStartIsAnswered() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.START_CONTAINER,
                                (request, _) -> {
                                    agent.startContainer(request.getContainerId());
                                    agent.awaitStart().end().get();
                                    return Empty.getDefaultInstance();
                                }));
        node.hypervisor().program(process -> process.exit(3));
        for (int i = 0; i < 5; i++) {
            Container container = create();
            container.start(FakeNode.soon());
            assertThat(exitOf(container).code()).isEqualTo(3);
        }
    }

    // ---- input ----

    @Test
    void standardInputReachesTheProcessAndEnds() throws Exception {
        CompletableFuture<String> got = new CompletableFuture<>();
        node.hypervisor()
                .program(process -> {
                    got.complete(new String(process.readStdin(), StandardCharsets.UTF_8));
                    process.exit(0);
                });
        Container container = create(new FakeNode.Wish().stdin());
        container.attach(
                "", new ByteArrayInputStream("typed".getBytes(StandardCharsets.UTF_8)), null, null);
        container.start(FakeNode.soon());
        assertThat(got.get(60, TimeUnit.SECONDS)).isEqualTo("typed");
        exitOf(container);
    }

    @Test
    void aWriterThatBreaksOffEndsTheInput() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.readStdin();
                    process.exit(0);
                });
        Container container = create(new FakeNode.Wish().stdin());
        PipedInputStream broken = new PipedInputStream(); // never connected: every read fails
        container.attach("", broken, null, null);
        container.start(FakeNode.soon());
        assertThat(exitOf(container).code()).isZero();
    }

    // ---- who may do what when ----

    @Test
    void aContainerIsStartedOnce() throws Exception {
        Container container = create();
        container.start(FakeNode.soon());
        assertThat(codeOf(() -> container.start(FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        exitOf(container);
        assertThat(codeOf(() -> container.start(FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void whoAttachesSecondIsRefusedAndTheFirstStays() throws Exception {
        ByteArrayOutputStream first = new ByteArrayOutputStream();
        node.hypervisor()
                .program(process -> {
                    process.print("for the first");
                    process.exit(0);
                });
        Container container = create();
        container.attach("", null, first, null);
        assertThat(codeOf(() -> container.attach("", null, new ByteArrayOutputStream(), null)))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        container.start(FakeNode.soon());
        exitOf(container);
        assertThat(first).hasToString("for the first");
        assertThat(codeOf(() -> container.attach("", null, null, new ByteArrayOutputStream())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void aRunningContainerIsNotRemovedUnlessForced() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        assertThat(codeOf(() -> container.remove(false))).isEqualTo(FaultCode.FAILED_PRECONDITION);
        container.remove(true);
        assertThat(exitOf(container).code()).isEqualTo(137);
        assertThat(containers.all()).isEmpty();
        assertThat(node.hypervisor().living()).isZero();
    }

    @Test
    void twoRemovalsAtOnceAreBothDone() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        for (int i = 0; i < 5; i++) {
            Container container = create();
            container.start(FakeNode.soon());
            List<CompletableFuture<Void>> removals =
                    List.of(removal(container), removal(container), removal(container));
            for (CompletableFuture<Void> removal : removals) {
                removal.get(60, TimeUnit.SECONDS);
            }
            assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        }
    }

    private static CompletableFuture<Void> removal(Container container) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        container.remove(true);
                        done.complete(null);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }

    @Test
    void aContainerThatWasRemovedBeforeItsStartCannotBeStartedAndHasEnded() throws Exception {
        Container container = create();
        CloseWatch stdout = new CloseWatch();
        container.attach("", null, stdout, null);
        CompletableFuture<ProcessExit> waiting = container.exit("");
        container.remove(false);
        assertThat(waiting.get(60, TimeUnit.SECONDS).code()).isEqualTo(125);
        assertThat(stdout.closed.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(codeOf(() -> container.start(FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
    }

    /** Tells when it is closed. */
    private static final class CloseWatch extends OutputStream {
        final CompletableFuture<Boolean> closed = new CompletableFuture<>();

        @Override
        public void write(int value) {}

        @Override
        public void close() {
            closed.complete(true);
        }
    }

    // ---- failing starts ----

    @ParameterizedTest
    @CsvSource({"NOT_FOUND, 127", "PERMISSION_DENIED, 126", "UNKNOWN, 125", "UNIMPLEMENTED, 125"})
    void aProgramThatCannotRunIsToldAsDockerTellsIt(FaultCode code, int exit) throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.CREATE_CONTAINER,
                                (_, _) -> {
                                    throw Fault.of(code, "crun create: executable file not found");
                                }));
        CloseWatch stdout = new CloseWatch();
        Container container = create();
        container.attach("", null, stdout, null);
        assertThat(codeOf(() -> container.start(FakeNode.soon()))).isEqualTo(code);
        assertThat(exitOf(container).code()).isEqualTo(exit);
        assertThat(exitOf(container).error()).contains("executable file not found");
        assertThat(stdout.closed.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(node.hypervisor().living()).isZero();
        container.remove(false);
    }

    @Test
    void streamsAreClosedWhenTheProcessFailsToStart() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.START_CONTAINER,
                                (_, _) -> {
                                    throw Fault.notFound("no such program");
                                }));
        CloseWatch stdout = new CloseWatch();
        CloseWatch stderr = new CloseWatch();
        Container container = create();
        container.attach("", null, stdout, stderr);
        assertThat(codeOf(() -> container.start(FakeNode.soon()))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(stdout.closed.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(stderr.closed.get(60, TimeUnit.SECONDS)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"NOT_FOUND", "PERMISSION_DENIED"})
    void aMissingFileOfTheHostIsNotTakenForAMissingProgram(FaultCode code) throws Exception {
        node.hypervisor()
                .beforeLaunch(_ -> {
                    throw Fault.of(code, "machine was not started: vmlinuz is missing")
                            .withHint("build it");
                });
        Container container = create();
        Fault fault = catchThrowableOfType(Fault.class, () -> container.start(FakeNode.soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault).hasMessageContaining("vmlinuz is missing");
        assertThat(fault.hint()).contains("build it");
        assertThat(exitOf(container).code()).isEqualTo(125);
    }

    @Test
    void aMachineThatEndsWhileItBootsIsNotWaitedFor() throws Exception {
        node.hypervisor()
                .beforeResume(machine -> {
                    try {
                        machine.muteAgent();
                        machine.powerOff();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
        Container container = create();
        Fault fault = catchThrowableOfType(Fault.class, () -> container.start(FakeNode.soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.UNAVAILABLE);
        assertThat(fault).hasMessageContaining("the guest switched itself off");
        assertThat(exitOf(container).code()).isEqualTo(125);
    }

    @Test
    void aSilentAgentIsGivenUpAtTheDeadlineAndTheConsoleIsQuoted() throws Exception {
        node.hypervisor().beforeResume(ScriptedMachine::muteAgent);
        Container container = create();
        Fault fault =
                catchThrowableOfType(
                        Fault.class, () -> container.start(Deadline.after(Duration.ofMillis(300))));
        assertThat(fault.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        assertThat(fault.hint().orElseThrow()).contains("console said last: nothing");
        assertThat(node.hypervisor().living()).isZero();
    }

    @Test
    void aGuestThatDoesNotAnswerTheClosingOfInputHoldsNoStartForEver() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.CLOSE_STDIN,
                                (_, _) -> {
                                    never.await();
                                    return Empty.getDefaultInstance();
                                }));
        Container container = create();
        assertThat(codeOf(() -> container.start(Deadline.after(Duration.ofMillis(500)))))
                .isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        never.countDown();
    }

    @Test
    void aFullFileSystemEndsTheStartWithAReasonAndNothingIsLeft() throws Exception {
        Container container = create();
        node.hypervisor().beforeLaunch(_ -> denyWriting(container.id()));
        Fault fault = catchThrowableOfType(Fault.class, () -> container.start(FakeNode.soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        assertThat(exitOf(container).code()).isEqualTo(125);
        assertThat(node.hypervisor().living()).isZero();
    }

    /**
     * Root may write anywhere; a directory in the place of the staged file stops it all the same.
     */
    private void denyWriting(String id) {
        try {
            var staged = node.stateRoot().sandboxes().resolve(id).resolve("journal.json.new");
            Files.createDirectory(staged);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- calling a start off ----

    @Test
    void killCallsOffAStartThatWaitsForTheAgent() throws Exception {
        node.hypervisor().beforeResume(ScriptedMachine::muteAgent);
        assertStartIsCalledOff();
    }

    @Test
    void killCallsOffAStartThatWaitsForCreate() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.CREATE_CONTAINER,
                                (_, call) -> {
                                    CountDownLatch gone = new CountDownLatch(1);
                                    call.onAbandoned(gone::countDown);
                                    gone.await();
                                    return Empty.getDefaultInstance();
                                }));
        assertStartIsCalledOff();
    }

    private void assertStartIsCalledOff() throws Exception {
        Container container = create();
        CompletableFuture<FaultCode> start = startLater(container);
        node.hypervisor().awaitLaunch();
        container.remove(true);
        assertThat(start.get(60, TimeUnit.SECONDS)).isEqualTo(FaultCode.CANCELLED);
        assertThat(exitOf(container).code()).isEqualTo(125);
        assertThat(exitOf(container).error()).contains("cancelled");
        assertThat(node.hypervisor().living()).isZero();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
    }

    private static CompletableFuture<FaultCode> startLater(Container container) {
        CompletableFuture<FaultCode> failure = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        container.start(FakeNode.soon());
                        failure.completeExceptionally(new AssertionError("it was started"));
                    } catch (Fault e) {
                        failure.complete(e.code());
                    } catch (Throwable e) {
                        failure.completeExceptionally(e);
                    }
                });
        return failure;
    }

    @ParameterizedTest
    @CsvSource({
        "START_JOURNALED",
        "START_CGROUPS_MADE",
        "START_SERVER_LAUNCHED",
        "START_SERVER_JOURNALED",
        "START_MACHINE_LAUNCHED",
        "START_MACHINE_JOURNALED",
        "START_AGENT_READY",
        "START_CONTAINER_CREATED",
        "START_PREPARED"
    })
    void aStartIsCalledOffAtEveryStep(CrashPoint where) throws Exception {
        CountDownLatch there = new CountDownLatch(1);
        FakeNode other = new FakeNode();
        other.hypervisor().program(ScriptedProcess::readStdin);
        try (other;
                Containers held =
                        other.open(point -> {
                            if (point == where) {
                                there.countDown();
                                waitForInterrupt();
                            }
                        })) {
            FakeNode.Wish wish =
                    new FakeNode.Wish()
                            .mounts(
                                    RuntimeSpec.Mount.of(
                                            "/etc/host", "bind", "/etc", List.of("rbind")));
            Container container = held.create(wish.request()).container();
            CompletableFuture<FaultCode> start = startLater(container);
            there.await();
            container.kill();
            assertThat(start.get(60, TimeUnit.SECONDS)).isEqualTo(FaultCode.CANCELLED);
            assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.ENDED);
            assertThat(other.hypervisor().living()).isZero();
        }
    }

    /** Until it comes; then it is as if it had come just now. */
    private static void waitForInterrupt() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void killCallsOffAStartThatWaitsForItsTurn() throws Exception {
        node.hypervisor().beforeResume(ScriptedMachine::muteAgent);
        Container container = null;
        CompletableFuture<FaultCode> start = null;
        for (int i = 0; i <= Math.max(2, Runtime.getRuntime().availableProcessors()); i++) {
            container = create();
            start = startLater(container);
            while (!container.isActive()) {
                Thread.sleep(1);
            }
        }
        container.kill(); // the last one; nobody before it will be ready
        assertThat(start.get(60, TimeUnit.SECONDS)).isEqualTo(FaultCode.CANCELLED);
        assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.ENDED);
    }

    @Test
    void aStopCallsOffAStart() throws Exception {
        node.hypervisor().beforeResume(ScriptedMachine::muteAgent);
        Container container = create();
        CompletableFuture<FaultCode> start = startLater(container);
        node.hypervisor().awaitLaunch();
        container.stop(0, Duration.ofDays(1));
        assertThat(start.get(60, TimeUnit.SECONDS)).isEqualTo(FaultCode.CANCELLED);
    }

    // ---- signals and the end ----

    @Test
    void stopAsksWithTheImagesSignal() throws Exception {
        node.image(FakeImages.withStopSignal(node.image(), "SIGUSR1"));
        node.hypervisor()
                .program(process -> {
                    int signal = process.awaitSignal();
                    process.exit(40 + signal);
                });
        Container container = create();
        container.start(FakeNode.soon());
        container.stop(0, Duration.ofDays(1));
        assertThat(exitOf(container).code()).isEqualTo(40 + Signals.number("USR1"));
    }

    @Test
    void stopKillsWhatDoesNotListen() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    process.readStdin();
                });
        Container container = create();
        container.start(FakeNode.soon());
        container.stop(0, Duration.ZERO);
        assertThat(exitOf(container).code()).isEqualTo(137);
    }

    @Test
    void stopOfWhatDoesNotRunDoesNothing() throws Exception {
        Container container = create();
        container.stop(0, Duration.ZERO);
        container.start(FakeNode.soon());
        exitOf(container);
        container.stop(0, Duration.ZERO);
    }

    @ParameterizedTest
    @CsvSource({"-1", "0", "65", "2147483647"})
    void aSignalThatIsNoneIsRefused(int signal) throws Exception {
        Container container = create();
        assertThat(codeOf(() -> container.signal("", signal)))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void signalsReachTheProcess() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    process.exit(process.awaitSignal());
                });
        Container container = create();
        assertThat(codeOf(() -> container.signal("", Signals.SIGTERM)))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        container.start(FakeNode.soon());
        container.signal("", Signals.SIGTERM);
        assertThat(exitOf(container).code()).isEqualTo(Signals.SIGTERM);
        assertThat(codeOf(() -> container.signal("", Signals.SIGTERM)))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void theTerminalIsAsLargeAsItIsSaid() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create(new FakeNode.Wish().terminal(24, 80));
        container.start(FakeNode.soon());
        ScriptedProcess process = node.hypervisor().machine(container.id()).agent().awaitStart();
        assertThat(process.description().getTerminal()).isTrue();
        assertThat(process.description().getConsoleSize().getHeight()).isEqualTo(24);
        container.resize("", new Terminal.Size(50, 132));
        assertThat(process.terminalSize()).isEqualTo("50x132");
        assertThat(codeOf(() -> container.resize("", new Terminal.Size(-1, 1))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        container.kill();
    }

    @Test
    void killEndsAtOnce() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        container.kill();
        assertThat(exitOf(container)).isEqualTo(new ProcessExit(137, false, ""));
        assertThat(node.hypervisor().living()).isZero();
        container.kill();
    }

    @Test
    void anInterruptedKillGoesOnAllTheSame() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        Thread killer =
                Thread.ofVirtual()
                        .unstarted(() -> {
                            try {
                                container.kill();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
        killer.start();
        killer.interrupt();
        killer.join();
        container.kill();
        assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.ENDED);
    }

    // ---- memory ----

    @Test
    void runningOutOfMemoryIsTold() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        ScriptedAgent agent = node.hypervisor().machine(container.id()).agent();
        agent.runOutOfMemory();
        agent.awaitStart().exit(137);
        assertThat(exitOf(container)).isEqualTo(new ProcessExit(137, true, ""));
    }

    @Test
    void aKilledProcessIsAskedAfterWhereTheEventComesTooLate() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        ScriptedAgent agent = node.hypervisor().machine(container.id()).agent();
        agent.countOomKill();
        agent.awaitStart().exit(137);
        assertThat(exitOf(container).oomKilled()).isTrue();
    }

    @Test
    void everyTimeMemoryRanOutIsTold() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        CountDownLatch told = new CountDownLatch(2);
        CountDownLatch asked = new CountDownLatch(1);
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.GET_OOM_EVENT,
                                (_, _) -> {
                                    asked.await();
                                    return OOMEvent.getDefaultInstance();
                                }));
        Container container = create();
        container.onOutOfMemory(told::countDown);
        asked.countDown();
        container.start(FakeNode.soon());
        assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
        node.hypervisor().machine(container.id()).agent().awaitStart().exit(0);
        assertThat(exitOf(container).oomKilled()).isTrue();
    }

    // ---- prepared and started apart ----

    @Test
    void aPreparedContainerWaitsForItsStart() throws Exception {
        Container container = create();
        container.prepare(FakeNode.soon());
        assertThat(container.stage()).isEqualTo(Container.Stage.PREPARED);
        assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.PREPARED);
        ScriptedAgent agent = node.hypervisor().machine(container.id()).agent();
        assertThat(agent.calls()).contains("CreateContainer").doesNotContain("StartContainer");
        container.start(FakeNode.soon());
        assertThat(exitOf(container).code()).isZero();
        assertThat(container.stage()).isEqualTo(Container.Stage.ENDED);
        assertThat(container.startedAtMillis()).isPositive();
    }

    @Test
    void aPreparedContainerCanBeKilled() throws Exception {
        Container container = create();
        container.prepare(FakeNode.soon());
        container.kill();
        assertThat(exitOf(container).code()).isEqualTo(137);
        assertThat(node.hypervisor().living()).isZero();
        assertThat(catchThrowableOfType(Fault.class, () -> container.start(FakeNode.soon())).code())
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void aContainerIsPreparedOnce() {
        Container container = create();
        container.prepare(FakeNode.soon());
        assertThat(
                        catchThrowableOfType(Fault.class, () -> container.prepare(FakeNode.soon()))
                                .code())
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void aPauseIsPartOfTheRecordAndKeepsFurtherProcessesOut() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        container.pause(FakeNode.soon());
        assertThat(container.stage()).isEqualTo(Container.Stage.PAUSED);
        assertThat(container.record().paused()).isTrue();
        assertThat(catchThrowableOfType(Fault.class, () -> container.exec(FakeNode.exec("x"))))
                .hasMessageContaining("is paused");
        assertThat(catchThrowableOfType(Fault.class, () -> container.pause(FakeNode.soon())))
                .hasMessageContaining("is paused");
        container.resume(FakeNode.soon());
        assertThat(container.stage()).isEqualTo(Container.Stage.RUNNING);
        assertThat(catchThrowableOfType(Fault.class, () -> container.resume(FakeNode.soon())))
                .hasMessageContaining("is not paused");
    }

    // ---- losses ----

    @Test
    void aMachineThatIsLostIsReported() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        node.hypervisor().machine(container.id()).kill();
        ProcessExit exit = exitOf(container);
        assertThat(exit.code()).isEqualTo(255);
        assertThat(exit.error())
                .isEqualTo(
                        "the machine was lost: the hypervisor's process was lost ("
                                + new ExitStatus(0, Signals.SIGKILL)
                                + ")");
        assertThat(ContainerView.of(container).state()).isEqualTo("lost");
    }

    @Test
    void whatAMachineSaidBeforeItWasLostIsDelivered() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print("last words");
                    process.readStdin();
                });
        PipedInputStream reader = new PipedInputStream();
        Container container = create();
        container.attach("", null, new PipedOutputStream(reader), null);
        container.start(FakeNode.soon());
        assertThat(reader.readNBytes(10)).asString().isEqualTo("last words");
        node.hypervisor().machine(container.id()).kill();
        assertThat(reader.read()).isEqualTo(-1);
        exitOf(container);
    }

    @Test
    void anAgentThatIsLostIsReportedAndItsMachineEnded() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.WAIT_PROCESS,
                                (_, _) -> {
                                    throw Fault.notFound("what\nprocess?");
                                }));
        Container container = create();
        container.start(FakeNode.soon());
        assertThat(exitOf(container))
                .isEqualTo(new ProcessExit(255, false, "the agent was lost: what process?"));
        container.kill();
        assertThat(node.hypervisor().living()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"-1", "256", "-2147483648", "2147483647"})
    void aStatusThatNoProcessEndsWithIsALostAgent(int status) throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.WAIT_PROCESS,
                                (_, _) ->
                                        WaitProcessResponse.newBuilder()
                                                .setStatus(status)
                                                .build()));
        Container container = create();
        container.start(FakeNode.soon());
        assertThat(exitOf(container).code()).isEqualTo(255);
        assertThat(exitOf(container).error()).contains("status " + status);
    }

    @Test
    void whatAGuestSaysIsCutToWhatAPersonReads() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.CREATE_CONTAINER,
                                (_, _) -> {
                                    throw Fault.of(
                                            FaultCode.UNKNOWN,
                                            "%s",
                                            "\u001b[31m" + "x".repeat(1_000_000));
                                }));
        Container container = create();
        Fault fault = catchThrowableOfType(Fault.class, () -> container.start(FakeNode.soon()));
        assertThat(fault.getMessage().length()).isLessThan(1000);
        assertThat(fault.getMessage()).doesNotContain("\u001b");
        assertThat(exitOf(container).error().length()).isLessThan(1000);
    }

    @Test
    void aBrokenSessionIsMadeAnewAndNobodyNotices() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        Container container = create();
        container.attach("", null, stdout, null);
        container.start(FakeNode.soon());
        ScriptedMachine machine = node.hypervisor().machine(container.id());
        ScriptedProcess process = machine.agent().awaitStart();
        for (int i = 1; i <= 3; i++) {
            machine.agent().awaitCalls(AgentMethods.READ_STDOUT, i);
            machine.breakSession();
            machine.awaitEndOfSessions(i);
        }
        machine.agent().awaitCalls(AgentMethods.READ_STDOUT, 4); // by the new session
        process.print("after the break");
        process.exit(5);
        assertThat(exitOf(container).code()).isEqualTo(5);
        assertThat(stdout).hasToString("after the break");
        assertThat(machine.connections()).isGreaterThan(1);
    }

    @Test
    void aGuestThatBreaksEverySessionDoesNotOutliveItsKill() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        ScriptedMachine machine = node.hypervisor().machine(container.id());
        machine.muteAgent(); // also breaks the session: the next one is never answered
        container.kill();
        assertThat(exitOf(container).code()).isEqualTo(137);
        assertThat(machine.isAlive()).isFalse();
    }

    // ---- the daemon's end ----

    @Test
    void aDaemonThatEndsLetsGoOfWhatRunsAndReportsNothing() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        CloseWatch stdout = new CloseWatch();
        Container container = create();
        container.attach("", null, stdout, null);
        container.start(FakeNode.soon());
        containers.close();
        assertThat(stdout.closed.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(container.ended()).isEmpty();
        assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.RUNNING);
        assertThat(node.hypervisor().living()).isEqualTo(1);
        container.giveUp(); // its client goes with the daemon
        assertThat(node.hypervisor().living()).isEqualTo(1);
    }

    @Test
    void aDaemonThatEndsCallsStartsOffAndBeginsNone() throws Exception {
        node.hypervisor().beforeResume(ScriptedMachine::muteAgent);
        Container waiting = create();
        Container starting = create();
        CompletableFuture<FaultCode> start = startLater(starting);
        node.hypervisor().awaitLaunch();
        containers.close();
        assertThat(start.get(60, TimeUnit.SECONDS)).isEqualTo(FaultCode.CANCELLED);
        assertThat(starting.record().phase()).isEqualTo(ContainerRecord.Phase.ENDED);
        assertThat(node.hypervisor().living()).isZero();
        assertThat(codeOf(() -> waiting.start(FakeNode.soon()))).isEqualTo(FaultCode.UNAVAILABLE);
        assertThat(codeOf(this::create)).isEqualTo(FaultCode.UNAVAILABLE);
        assertThat(waiting.record().phase()).isEqualTo(ContainerRecord.Phase.CREATED);
    }

    // ---- whose client has gone ----

    @Test
    void aContainerWhoseClientHasGoneIsKilledAndKept() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        container.giveUp();
        assertThat(exitOf(container).code()).isEqualTo(137);
        assertThat(containers.all()).containsExactly(container);
    }

    @Test
    void aContainerWhoseClientHasGoneBeforeItsStartIsRemoved() throws Exception {
        Container container = create();
        container.giveUp();
        assertThat(containers.all()).isEmpty();
    }

    // ---- clean-up ----

    @Test
    void aCleanUpThatFailedIsTriedAgainByTheRemoval() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        Container container = create();
        container.start(FakeNode.soon());
        var inTheWay =
                Files.createDirectories(
                        node.stateRoot()
                                .sandboxes()
                                .resolve(container.id())
                                .resolve("folder/within"));
        assertThat(codeOf(container::kill)).isEqualTo(FaultCode.INTERNAL);
        Files.delete(inTheWay);
        container.remove(false);
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
    }
}
