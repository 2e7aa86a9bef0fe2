// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Empty;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.HostChannel;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.testkit.ManualClock;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class AgentConnectionTest {
    private final FakeNode node = new FakeNode();
    private final ScriptedAgent agent = new ScriptedAgent(process -> process.exit(0));
    private ScriptedMachine machine;
    private AgentConnection connection;

    @BeforeEach
    void start() throws IOException {
        VirtualMachineSpec spec =
                node.planner("")
                        .plan(FakeNode.request("true"), "0123456789abcdef", "web")
                        .plan()
                        .machine();
        machine = new ScriptedMachine(spec, agent);
        connection =
                new AgentConnection(
                        "m1", machine.agentPath(), HostChannel.Wire.FRESH, NanoClock.SYSTEM);
    }

    @AfterEach
    void end() throws Exception {
        connection.close();
        machine.kill();
        machine.exit().get();
        node.close();
    }

    private OOMEvent askForOom() throws IOException {
        return connection.call(
                AgentMethods.GET_OOM_EVENT,
                GetOOMEventRequest.getDefaultInstance(),
                FakeNode.soon());
    }

    private void closeStdin() throws IOException {
        connection.call(
                AgentMethods.CLOSE_STDIN, CloseStdinRequest.getDefaultInstance(), FakeNode.soon());
    }

    @Test
    void waitsForAGuestThatBoots() throws Exception {
        CompletableFuture<Void> ready =
                CompletableFuture.runAsync(() -> connection.awaitReady(FakeNode.soon()));
        machine.resume();
        ready.get(60, TimeUnit.SECONDS);
    }

    @Test
    void doesNotWaitForEver() {
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () ->
                                                connection.awaitReady(
                                                        Deadline.after(Duration.ofMillis(50))))
                                .code())
                .isEqualTo(FaultCode.DEADLINE_EXCEEDED);
    }

    @Test
    void aMachineThatIsNotThereIsUnavailable() {
        AgentConnection nowhere =
                new AgentConnection(
                        "m1",
                        node.folder().resolve("none.sock"),
                        HostChannel.Wire.FRESH,
                        NanoClock.SYSTEM);
        assertThat(
                        catchThrowableOfType(Fault.class, () -> nowhere.awaitReady(FakeNode.soon()))
                                .code())
                .isEqualTo(FaultCode.UNAVAILABLE);
    }

    @Test
    void aQuestionIsAskedAgainOnTheNextSession() throws Exception {
        machine.resume();
        AtomicInteger asked = new AtomicInteger();
        agent.answer(
                AgentMethods.GET_OOM_EVENT,
                (_, _) -> {
                    if (asked.incrementAndGet() < 4) {
                        machine.breakSession();
                    }
                    return OOMEvent.newBuilder().setContainerId("c").build();
                });
        assertThat(askForOom().getContainerId()).isEqualTo("c");
        assertThat(asked).hasValue(4);
        assertThat(machine.connections()).isEqualTo(4);
    }

    @Test
    void aDeedIsNotDoneTwice() {
        machine.resume();
        AtomicInteger done = new AtomicInteger();
        agent.answer(
                AgentMethods.CLOSE_STDIN,
                (_, _) -> {
                    done.incrementAndGet();
                    machine.breakSession();
                    return Empty.getDefaultInstance();
                });
        assertThatThrownBy(this::closeStdin).isInstanceOf(IOException.class);
        assertThat(done).hasValue(1);
    }

    @Test
    void whatAnAgentOffersIsAskedForOnce() throws Exception {
        agent.offerAcknowledgedStreams();
        machine.resume();
        assertThat(connection.offers(GuestMethods.ACKNOWLEDGED_STREAMS)).isTrue();
        assertThat(connection.offers("anything else")).isFalse();
        assertThat(agent.calls()).containsExactly("Features");
    }

    @Test
    void anAgentThatDoesNotKnowTheQuestionOffersNothing() throws Exception {
        machine.resume();
        assertThat(connection.offers(GuestMethods.ACKNOWLEDGED_STREAMS)).isFalse();
        assertThat(connection.offers(GuestMethods.ACKNOWLEDGED_STREAMS)).isFalse();
        assertThat(machine.connections()).isEqualTo(1);
    }

    @Test
    void inputThatNamesItsPlaceIsWrittenAgainOnTheNextSession() throws Exception {
        agent.offerAcknowledgedStreams();
        machine.resume();
        AtomicInteger written = new AtomicInteger();
        agent.answer(
                GuestMethods.WRITE_INPUT,
                (_, _) -> {
                    if (written.incrementAndGet() == 1) {
                        machine.breakSession();
                    }
                    return WriteInputResponse.newBuilder().setOffset(3).build();
                });
        assertThat(
                        connection
                                .call(
                                        GuestMethods.WRITE_INPUT,
                                        WriteInputRequest.getDefaultInstance(),
                                        FakeNode.soon())
                                .getOffset())
                .isEqualTo(3);
        assertThat(written).hasValue(2);
    }

    @Test
    void manyCallsShareOneSession() throws Exception {
        machine.resume();
        CompletableFuture<?>[] calls = new CompletableFuture<?>[20];
        for (int i = 0; i < calls.length; i++) {
            calls[i] =
                    CompletableFuture.runAsync(() -> {
                        try {
                            connection.call(
                                    AgentMethods.STATS_CONTAINER,
                                    StatsContainerRequest.getDefaultInstance(),
                                    FakeNode.soon());
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    });
        }
        CompletableFuture.allOf(calls).get(60, TimeUnit.SECONDS);
        assertThat(machine.connections()).isEqualTo(1);
    }

    @Test
    void closingEndsACallThatWaitsForAnAnswer() throws Exception {
        machine.resume();
        CountDownLatch asked = new CountDownLatch(1);
        agent.answer(
                AgentMethods.GET_OOM_EVENT,
                (_, call) -> {
                    asked.countDown();
                    CountDownLatch gone = new CountDownLatch(1);
                    call.onAbandoned(gone::countDown);
                    gone.await();
                    return OOMEvent.getDefaultInstance();
                });
        CompletableFuture<OOMEvent> call = later();
        asked.await();
        connection.close();
        assertLost(call);
        assertThatThrownBy(this::askForOom).isInstanceOf(IOException.class);
    }

    /** The machine never runs, so no session is ever answered. */
    @Test
    void closingEndsACallThatWaitsForASession() throws Exception {
        CompletableFuture<OOMEvent> first = later();
        CompletableFuture<OOMEvent> second = later(); // waits behind the first one
        while (machine.connections() == 0) {
            Thread.onSpinWait();
        }
        connection.close();
        assertLost(first);
        assertLost(second);
    }

    private CompletableFuture<OOMEvent> later() {
        CompletableFuture<OOMEvent> answer = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        answer.complete(askForOom());
                    } catch (Throwable e) {
                        answer.completeExceptionally(e);
                    }
                });
        return answer;
    }

    private static void assertLost(CompletableFuture<OOMEvent> call) {
        assertThatThrownBy(() -> call.get(60, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IOException.class);
    }

    @Test
    void anInterruptedCallerStopsWaiting() throws Exception {
        CompletableFuture<FaultCode> code = new CompletableFuture<>();
        Thread caller =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                connection.awaitReady(FakeNode.soon());
                            } catch (Fault e) {
                                code.complete(e.code());
                            }
                        });
        caller.interrupt();
        assertThat(code.get(60, TimeUnit.SECONDS)).isIn(FaultCode.CANCELLED, FaultCode.UNAVAILABLE);
    }

    @Test
    void whatTheAgentSaysIsMadePrintable() {
        machine.resume();
        agent.answer(
                AgentMethods.CLOSE_STDIN,
                (_, _) -> {
                    throw Fault.notFound("%s", "no\nprocess\u001b[2J" + "x".repeat(30_000))
                            .causedBy(new IOException("cause\r\nforged"))
                            .withHint("%s", "do\nthis");
                });
        Fault fault = catchThrowableOfType(Fault.class, this::closeStdin);
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(fault.getMessage()).startsWith("no").hasSizeLessThan(600);
        assertThat(fault.getMessage().chars().anyMatch(Character::isISOControl)).isFalse();
        assertThat(fault.hint().orElse("")).doesNotContain("\n");
    }

    @Test
    void whatKeepsBreakingIsTriedEverMoreSlowlyUntilItHolds() {
        ManualClock clock = new ManualClock(Long.MAX_VALUE - 3);
        Pace pace = new Pace(clock);
        assertThat(pace.next()).isZero();
        assertThat(pace.next()).isEqualTo(Duration.ofMillis(10));
        assertThat(pace.next()).isEqualTo(Duration.ofMillis(20));
        for (int i = 0; i < 20; i++) {
            pace.next();
        }
        assertThat(pace.next()).isEqualTo(Duration.ofSeconds(1));
        clock.advance(Duration.ofSeconds(9));
        assertThat(pace.next()).isEqualTo(Duration.ofSeconds(1));
        clock.advance(Duration.ofSeconds(10));
        assertThat(pace.next()).isZero();
    }
}
