// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.api.GuestMethods;
import io.bunkai.api.guest.FeaturesRequest;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams by offset: whatever answer is lost, nothing of a process's output or input is. */
@Timeout(120)
class AcknowledgedStreamsTest {
    @TempDir Path base;
    private AgentFixture agent;
    private AgentFixture.Host host;

    @BeforeEach
    void startAgent() throws IOException {
        agent = AgentFixture.withFakeCrun(base);
        host = agent.connect().createSandbox();
    }

    @AfterEach
    void endAgent() {
        agent.close();
    }

    private void run(String... arguments) {
        host.create(agent.container("c1", arguments));
        host.start("c1");
    }

    private static String text(ReadOutputResponse answer) {
        return answer.getData().toStringUtf8();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void saysThatItHasThem() {
        assertThat(
                        host.call(GuestMethods.FEATURES, FeaturesRequest.getDefaultInstance())
                                .getFeaturesList())
                .containsExactly("acknowledged-streams");
    }

    // ---- output ----

    @Test
    void aReadWhoseAnswerWasLostIsAnsweredAgainOnTheNextSession() {
        run("/bin/echo", "hello");
        AgentFixture.Host first = agent.connect();
        assertThat(text(first.readAt("c1", 0))).isEqualTo("hello\n");
        first.close();
        AgentFixture.Host second = agent.connect();
        assertThat(text(second.readAt("c1", 0))).isEqualTo("hello\n");
        assertThat(text(second.readAt("c1", 0))).isEqualTo("hello\n");
    }

    @Test
    void theOffsetThatIsAskedForAcknowledgesEverythingBelowIt() {
        run("/bin/echo", "hello");
        host.readAt("c1", 0);
        assertThat(text(host.readAt("c1", 2))).isEqualTo("llo\n");
        assertFault(
                FaultCode.OUT_OF_RANGE, "output is kept from 2 to 6", () -> host.readAt("c1", 1));
        assertFault(FaultCode.OUT_OF_RANGE, "7 was asked for", () -> host.readAt("c1", 7));
        assertFault(
                FaultCode.OUT_OF_RANGE,
                "18446744073709551615 was asked for",
                () -> host.readAt("c1", -1));
        assertThat(text(host.readAt("c1", 2))).isEqualTo("llo\n"); // which changed nothing
    }

    @Test
    void whoKnowsNoOffsetBeginsAtTheOldestByteThatIsKept() {
        run("/bin/echo", "hello");
        assertThat(text(host.readOldest("c1"))).isEqualTo("hello\n");
        host.readAt("c1", 4);
        ReadOutputResponse oldest = agent.connect().readOldest("c1");
        assertThat(oldest.getOffset()).isEqualTo(4);
        assertThat(text(oldest)).isEqualTo("o\n");
    }

    @Test
    void theEndIsToldAsOftenAsItIsAskedForAndOnlyAfterAllData() {
        run("/bin/echo", "hello");
        assertThat(host.readAt("c1", 0).getEnd()).isFalse();
        for (AgentFixture.Host asker : new AgentFixture.Host[] {host, host, agent.connect()}) {
            ReadOutputResponse end = asker.readAt("c1", 6);
            assertThat(end.getEnd()).isTrue();
            assertThat(end.getOffset()).isEqualTo(6);
            assertThat(end.getData().isEmpty()).isTrue();
        }
        assertThat(host.readOldest("c1").getEnd()).isTrue();
        assertThat(host.readAt("c1", OutputKind.STDERR, 0).getEnd()).isTrue();
    }

    @Test
    void aReaderThatDoesNotAcknowledgeStopsTheProcess() throws Exception {
        run("/bin/sh", "-c", "head -c 1000000 /dev/zero; echo done >&2");
        FutureTask<String> done =
                inBackground(() -> text(agent.connect().readAt("c1", OutputKind.STDERR, 0)));
        ReadOutputResponse first = host.readAt("c1", 0);
        for (int i = 0; i < 50; i++) {
            ReadOutputResponse again = host.readAt("c1", 0);
            assertThat(again.getData().size()).isEqualTo(first.getData().size());
        }
        assertThat(done).isNotDone();
        long offset = 0;
        for (ReadOutputResponse piece = first; !piece.getEnd(); ) {
            offset += piece.getData().size();
            piece = host.readAt("c1", offset);
        }
        assertThat(offset).isEqualTo(1_000_000);
        assertThat(done.get()).isEqualTo("done\n");
    }

    @Test
    void aReadThatWaitedOnAnEndedSessionTakesNothing() throws Exception {
        run("/bin/sh", "-c", "read x; echo later; read x");
        AgentFixture.Host first = agent.connect();
        FutureTask<ReadOutputResponse> pending = inBackground(() -> first.readAt("c1", 0));
        FutureTask<ReadOutputResponse> other = inBackground(() -> first.readAt("c1", 0));
        first.call(GuestMethods.FEATURES, FeaturesRequest.getDefaultInstance());
        first.close();
        assertThatExceptionOfType(Exception.class).isThrownBy(pending::get);
        assertThatExceptionOfType(Exception.class).isThrownBy(other::get);
        host.writeAt("c1", 0, bytes("go\n"));
        assertThat(text(host.readAt("c1", 0))).isEqualTo("later\n");
    }

    @Test
    void twoSessionsThatWaitForTheSameOutputBothGetIt() throws Exception {
        run("/bin/sh", "-c", "read x; echo both; read x");
        AgentFixture.Host other = agent.connect();
        FutureTask<ReadOutputResponse> first = inBackground(() -> other.readAt("c1", 0));
        FutureTask<ReadOutputResponse> second = inBackground(() -> host.readAt("c1", 0));
        host.writeAt("c1", 0, bytes("go\n"));
        assertThat(text(first.get())).isEqualTo("both\n");
        assertThat(text(second.get())).isEqualTo("both\n");
    }

    @Test
    void readsWithoutOffsetsAcknowledgeWhatTheyTake() {
        run("/bin/sh", "-c", "echo one; read x; echo two");
        host.readAt("c1", 0);
        assertThat(host.readOut("c1", "c1")).asString().isEqualTo("one\n");
        assertFault(FaultCode.OUT_OF_RANGE, "", () -> host.readAt("c1", 0));
        host.write("c1", "c1", bytes("go\n"));
        assertThat(text(host.readAt("c1", 4))).isEqualTo("two\n");
    }

    @Test
    void anOutputThatNoProcessHasIsRefused() {
        run("/bin/cat");
        assertFault(
                FaultCode.INVALID_ARGUMENT,
                "there is no output 7",
                () ->
                        host.call(
                                GuestMethods.READ_OUTPUT,
                                io.bunkai.api.guest.ReadOutputRequest.newBuilder()
                                        .setContainerId("c1")
                                        .setStreamValue(7)
                                        .build()));
    }

    // ---- input ----

    @Test
    void inputThatWasTakenIsNotWrittenAgain() {
        run("/bin/cat");
        assertThat(host.writeAt("c1", 0, bytes("abc"))).isEqualTo(3);
        assertThat(host.writeAt("c1", 0, bytes("abc"))).isEqualTo(3);
        assertThat(agent.connect().writeAt("c1", 0, bytes("abcdef"))).isEqualTo(6);
        assertThat(host.writeAt("c1", 4, bytes("e"))).isEqualTo(6);
        assertFault(
                FaultCode.OUT_OF_RANGE,
                "input goes on at 6, and 7 was written to",
                () -> host.writeAt("c1", 7, bytes("x")));
        assertFault(FaultCode.OUT_OF_RANGE, "", () -> host.writeAt("c1", -1, bytes("x")));
        assertThat(host.writeAt("c1", 99, new byte[0])).isEqualTo(6); // only asks
        host.closeInput("c1");
        host.closeInput("c1");
        assertThat(host.writeAt("c1", 0, bytes("abc"))).isEqualTo(6); // it was taken
        assertFault(FaultCode.FAILED_PRECONDITION, "", () -> host.writeAt("c1", 6, bytes("x")));
        assertThat(host.drain("c1", "c1")).isEqualTo("abcdef");
    }

    @Test
    void megabytesPassUnchangedThroughBothHoweverManyAnswersAreLost() throws Exception {
        byte[] data = new byte[2_000_000];
        new Random(11).nextBytes(data);
        run("/bin/cat");
        AgentFixture.Host other = agent.connect();
        FutureTask<Void> writer =
                inBackground(() -> {
                    Random chance = new Random(12);
                    int at = 0;
                    while (at < data.length) {
                        byte[] part =
                                Arrays.copyOfRange(data, at, Math.min(data.length, at + 50_000));
                        int taken =
                                (int) (chance.nextBoolean() ? host : other).writeAt("c1", at, part);
                        at = chance.nextInt(3) == 0 ? at : taken; // at times the answer is lost
                    }
                    host.closeInput("c1");
                    return null;
                });
        ByteArrayOutputStream back = new ByteArrayOutputStream();
        Random chance = new Random(13);
        while (true) {
            AgentFixture.Host reader = chance.nextBoolean() ? host : other;
            ReadOutputResponse piece = reader.readAt("c1", back.size());
            assertThat(piece.getOffset()).isEqualTo(back.size());
            if (piece.getEnd()) {
                break;
            }
            switch (chance.nextInt(3)) {
                case 0 -> {} // the answer is lost
                case 1 -> back.writeBytes(piece.getData().toByteArray());
                default -> // some of it was delivered
                        back.writeBytes(
                                piece.getData()
                                        .substring(0, chance.nextInt(piece.getData().size()) + 1)
                                        .toByteArray());
            }
        }
        writer.get();
        assertThat(back.toByteArray()).isEqualTo(data);
    }

    private static void assertFault(FaultCode code, String message, Runnable call) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(call::run)
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }

    private static <T> FutureTask<T> inBackground(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofVirtual().start(task);
        return task;
    }
}
