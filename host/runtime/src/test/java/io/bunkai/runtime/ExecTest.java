// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.Empty;
import io.bunkai.api.AgentMethods;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class ExecTest {
    private final FakeNode node = new FakeNode();
    private final Containers containers = node.open();
    private Container container;
    private ScriptedAgent agent;
    private ScriptedProcess own;

    @BeforeEach
    void start() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        container =
                containers
                        .create(
                                new FakeNode.Wish()
                                        .environment("A=1", "B=2")
                                        .user("app:staff")
                                        .directory("/srv")
                                        .stdin()
                                        .request())
                        .container();
        container.start(FakeNode.soon());
        agent = node.hypervisor().machine(container.id()).agent();
        own = agent.awaitStart();
    }

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private ProcessExit exitOf(String exec) throws Exception {
        return container.exit(exec).get(60, TimeUnit.SECONDS);
    }

    private static FaultCode codeOf(ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }

    @Test
    void aFurtherProcessRunsWritesAndEnds() throws Exception {
        agent.execProgram(process -> {
            process.print(process.readStdin());
            process.complain("err");
            process.exit(3);
        });
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        String exec =
                container.exec(
                        new ExecRequest(List.of("cat"), List.of(), "", "", Optional.empty(), true));
        container.attach(
                exec,
                new ByteArrayInputStream("in".getBytes(StandardCharsets.UTF_8)),
                stdout,
                stderr);
        container.startExec(exec, FakeNode.soon());
        assertThat(exitOf(exec)).isEqualTo(new ProcessExit(3, false, ""));
        assertThat(stdout).hasToString("in");
        assertThat(stderr).hasToString("err");
        assertThat(container.isActive()).isTrue();
        assertThat(container.output().read(0, 1000, Duration.ZERO).entries()).isEmpty();
    }

    @Test
    void itHasWhatItsContainerHasButForWhatIsAskedFor() throws Exception {
        String exec =
                container.exec(
                        new ExecRequest(
                                List.of("ls", "-l"),
                                List.of("B=3", "A", "C=4"),
                                "/tmp",
                                "",
                                Optional.of(new Terminal.Size(10, 20)),
                                false));
        container.startExec(exec, FakeNode.soon());
        var process = agent.awaitStart().description();
        assertThat(process.getArgsList()).containsExactly("ls", "-l");
        assertThat(process.getEnvList())
                .contains("B=3", "C=4", "TERM=xterm")
                .doesNotContain("A=1", "B=2", "A");
        assertThat(process.getCwd()).isEqualTo("/tmp");
        assertThat(process.getTerminal()).isTrue();
        assertThat(process.getConsoleSize().getWidth()).isEqualTo(20);
    }

    @Test
    void itsUserIsTheContainersUnlessAnotherIsNamed() throws Exception {
        CompletableFuture<String> users = new CompletableFuture<>();
        agent.answer(
                AgentMethods.EXEC_PROCESS,
                (request, _) -> {
                    users.complete(
                            request.getStringUser().getUid() + request.getStringUser().getGid());
                    throw Fault.unimplemented("enough");
                });
        String exec = container.exec(FakeNode.exec("id"));
        codeOf(() -> container.startExec(exec, FakeNode.soon()));
        assertThat(users.get(60, TimeUnit.SECONDS)).isEqualTo("appstaff");
    }

    @Test
    void itsExitIsToldToThoseWhoAskLate() throws Exception {
        String exec = container.exec(FakeNode.exec("true"));
        container.startExec(exec, FakeNode.soon());
        assertThat(exitOf(exec).code()).isZero();
        assertThat(exitOf(exec).code()).isZero();
        assertThat(containers.exit(container.id(), exec)).isCompleted();
    }

    @Test
    void onlyTheLastFewThatHaveEndedAreRemembered() throws Exception {
        String first = null;
        for (int i = 0; i < 66; i++) {
            String exec = container.exec(FakeNode.exec("true"));
            container.startExec(exec, FakeNode.soon());
            exitOf(exec);
            first = first == null ? exec : first;
        }
        String forgotten = first;
        assertThat(codeOf(() -> container.exit(forgotten))).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aVeryQuickProcessIsNoFailure() throws Exception {
        agent.answer(
                AgentMethods.CLOSE_STDIN,
                (_, _) -> {
                    throw Fault.notFound("the process has ended");
                });
        String exec = container.exec(FakeNode.exec("true"));
        container.startExec(exec, FakeNode.soon());
        assertThat(exitOf(exec).code()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"NOT_FOUND, 127", "PERMISSION_DENIED, 126", "UNKNOWN, 125"})
    void aProgramThatCannotRunIsToldToTheCallerAndToWhoWaits(FaultCode code, int exit)
            throws Exception {
        agent.answer(
                AgentMethods.EXEC_PROCESS,
                (_, _) -> {
                    throw Fault.of(code, "crun exec: no");
                });
        String exec = container.exec(FakeNode.exec("nothing"));
        CompletableFuture<ProcessExit> waiting = container.exit(exec);
        assertThat(codeOf(() -> container.startExec(exec, FakeNode.soon()))).isEqualTo(code);
        assertThat(waiting.get(60, TimeUnit.SECONDS).code()).isEqualTo(exit);
    }

    @Test
    void aGuestThatDoesNotAnswerHoldsNoStartForEver() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        agent.answer(
                AgentMethods.EXEC_PROCESS,
                (_, _) -> {
                    never.await();
                    return Empty.getDefaultInstance();
                });
        String exec = container.exec(FakeNode.exec("true"));
        assertThat(codeOf(() -> container.startExec(exec, Deadline.after(Duration.ofMillis(200)))))
                .isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        assertThat(exitOf(exec).code()).isEqualTo(125);
        agent.awaitCalls(AgentMethods.SIGNAL_PROCESS, 1); // in case it runs all the same
        never.countDown();
    }

    @Test
    void itIsStartedOnce() throws Exception {
        String exec = container.exec(FakeNode.exec("true"));
        container.startExec(exec, FakeNode.soon());
        assertThat(codeOf(() -> container.startExec(exec, FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(codeOf(() -> container.attach(exec, null, new ByteArrayOutputStream(), null)))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void whatDoesNotExistIsNotFound() {
        assertThat(codeOf(() -> container.startExec("exec-1", FakeNode.soon())))
                .isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> container.signal("exec-1", Signals.SIGTERM)))
                .isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> container.exit("exec-1"))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> container.giveUp("exec-1"))).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aRequestThatMakesNoSenseIsRefused() {
        assertThat(codeOf(() -> container.exec(FakeNode.exec())))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(codeOf(() -> container.exec(FakeNode.exec("a\0b"))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void thereIsAnEndToHowManyThereAre() {
        for (int i = 0; i < 256; i++) {
            container.exec(FakeNode.exec("true"));
        }
        assertThat(codeOf(() -> container.exec(FakeNode.exec("true"))))
                .isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
    }

    @Test
    void itEndsWithItsContainerEvenIfItNeverStarted() throws Exception {
        agent.execProgram(ScriptedProcess::readStdin);
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        String running = container.exec(FakeNode.exec("sleep"));
        container.startExec(running, FakeNode.soon());
        String prepared = container.exec(FakeNode.exec("sleep"));
        container.attach(prepared, null, stdout, null);
        own.exit(0);
        assertThat(exitOf(running).code()).isEqualTo(137);
        assertThat(exitOf(prepared).code()).isEqualTo(137);
        assertThat(codeOf(() -> container.startExec(prepared, FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(codeOf(() -> container.exec(FakeNode.exec("true"))))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void signalsAndSizesReachIt() throws Exception {
        agent.execProgram(process -> process.exit(process.awaitSignal()));
        String exec = container.exec(FakeNode.exec("sleep"));
        container.startExec(exec, FakeNode.soon());
        container.resize(exec, new Terminal.Size(5, 6));
        assertThat(agent.awaitStart().terminalSize()).isEqualTo("5x6");
        container.signal(exec, Signals.SIGHUP);
        assertThat(exitOf(exec).code()).isEqualTo(Signals.SIGHUP);
    }

    @Test
    void oneThatNobodyWantsIsKilled() throws Exception {
        agent.execProgram(ScriptedProcess::readStdin);
        String exec =
                container.exec(
                        new ExecRequest(
                                List.of("sleep"), List.of(), "", "", Optional.empty(), true));
        container.startExec(exec, FakeNode.soon());
        container.giveUp(exec);
        assertThat(exitOf(exec).code()).isEqualTo(137);
    }

    @Test
    void oneThatNobodyWantsBeforeItsStartIsNeverStarted() throws Exception {
        String exec = container.exec(FakeNode.exec("true"));
        container.giveUp(exec);
        assertThat(exitOf(exec).code()).isEqualTo(137);
        assertThat(codeOf(() -> container.startExec(exec, FakeNode.soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(agent.calls()).doesNotContain("ExecProcess");
    }

    @Test
    void oneThatNobodyWantsWhileItStartsIsKilledAsSoonAsItExists() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        agent.execProgram(ScriptedProcess::awaitSignal);
        CompletableFuture<ScriptedProcess> made = new CompletableFuture<>();
        agent.answer(
                AgentMethods.EXEC_PROCESS,
                (request, _) -> {
                    asked.countDown();
                    goOn.await();
                    agent.exec(request);
                    made.complete(agent.awaitStart());
                    return Empty.getDefaultInstance();
                });
        String exec = container.exec(FakeNode.exec("sleep"));
        CompletableFuture<Void> start =
                CompletableFuture.runAsync(() -> container.startExec(exec, FakeNode.soon()));
        asked.await();
        container.giveUp(exec); // the guest does not know the process yet
        goOn.countDown();
        start.get(60, TimeUnit.SECONDS);
        assertThat(made.get(60, TimeUnit.SECONDS).end().get(60, TimeUnit.SECONDS)).isEqualTo(137);
        assertThat(exitOf(exec).code()).isEqualTo(137);
    }

    @Test
    void theJournalKnowsWhatRuns() throws Exception {
        agent.execProgram(ScriptedProcess::awaitSignal);
        String exec = container.exec(FakeNode.exec("sleep"));
        assertThat(container.record().execs()).isEmpty();
        container.startExec(exec, FakeNode.soon());
        assertThat(container.record().execs())
                .extracting(ExecRecord::id, ExecRecord::stage)
                .containsExactly(tuple(exec, ExecRecord.Stage.STARTED));
    }
}
