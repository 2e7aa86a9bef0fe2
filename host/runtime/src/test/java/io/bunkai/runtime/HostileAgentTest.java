// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.HugetlbStats;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An agent that does not mean well: its sandbox is stopped with the reason, and the sandbox beside
 * it goes on, however busy the bad one keeps the daemon.
 */
@Timeout(120)
class HostileAgentTest {
    private static final byte REQUEST = 1;
    private static final byte RESPONSE = 2;
    private static final byte DATA = 3;

    private final FakeNode node = new FakeNode();
    private Containers containers;
    private Container bystander;

    @BeforeEach
    void startBystander() {
        node.hypervisor().program(ScriptedProcess::readStdin);
        containers = node.open();
        bystander = start();
    }

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private Container create() {
        return containers.create(new FakeNode.Wish().stdin().request()).container();
    }

    private Container start() {
        Container container = create();
        container.start(FakeNode.soon());
        return container;
    }

    private void assertBystanderGoesOn() throws Exception {
        String exec = bystander.exec(FakeNode.exec("true"));
        bystander.startExec(exec, FakeNode.soon());
        assertThat(bystander.exit(exec).get(60, TimeUnit.SECONDS).code()).isZero();
    }

    /** The lie may be found out while the container is being started, or when it runs. */
    private void assertStopped(Container container, String reason) throws Exception {
        try {
            container.start(FakeNode.soon());
        } catch (Fault e) {
            assertThat(e).hasStackTraceContaining(reason);
        }
        ProcessExit exit = container.exit("").get(60, TimeUnit.SECONDS);
        assertThat(exit.error()).contains("the agent broke the protocol: " + reason);
        assertThat(exit.code()).isIn(125, 255);
        container.remove(true); // waits for the teardown
        assertThat(node.hypervisor().living()).isEqualTo(1);
        assertBystanderGoesOn();
    }

    // ---- what comes without having been asked for ----

    /** Says something, again and again until nobody listens any more. */
    private interface Flood {
        void say(ScriptedMachine.Words words) throws IOException;
    }

    /**
     * @param reason what the container's end says
     */
    private record Unasked(String name, String reason, Flood flood) {}

    private static byte[] frame(int length, int stream, byte type, int dataBytes) {
        return ByteBuffer.allocate(10 + dataBytes).putInt(length).putInt(stream).put(type).array();
    }

    private static byte[] channelFrame(String magic, long session, int length, int bytes) {
        return ByteBuffer.allocate(20 + bytes)
                .put(magic.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .putLong(session)
                .putInt(length)
                .array(); // the checksum of nothing is 0
    }

    private static byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        new Random(7).nextBytes(noise);
        return noise;
    }

    private static Stream<Unasked> floods() {
        String nobodyAsked = "sends without end what nobody has asked for";
        return Stream.of(
                new Unasked(
                        "noise on the port",
                        "not a frame",
                        words -> words.port().write(noise(60_000))),
                new Unasked(
                        "zeros on the port",
                        "not a frame",
                        words -> words.port().write(new byte[60_000])),
                new Unasked(
                        "a damaged frame",
                        "damaged",
                        words -> words.port().write(channelFrame("BkDa", 1, 100, 100))),
                new Unasked(
                        "a frame that is too long",
                        "not a frame",
                        words -> words.port().write(channelFrame("BkDa", 1, 70_000, 60_000))),
                new Unasked(
                        "a frame of negative length",
                        "not a frame",
                        words -> words.port().write(channelFrame("BkDa", 1, -1, 0))),
                new Unasked(
                        "frames of other sessions",
                        "mean nothing",
                        words -> words.port().write(repeated(channelFrame("BkDa", 1, 0, 0)))),
                new Unasked(
                        "ends of other sessions",
                        "mean nothing",
                        words -> words.port().write(repeated(channelFrame("BkEn", 1, 0, 0)))),
                new Unasked(
                        "noise in the session",
                        "not a ttrpc frame",
                        words -> words.session().write(noise(60_000))),
                new Unasked(
                        "a message of 2 GiB",
                        "not a ttrpc frame",
                        words -> words.session().write(frame(Integer.MAX_VALUE, 1, RESPONSE, 0))),
                new Unasked(
                        "a message of negative length",
                        "not a ttrpc frame",
                        words -> words.session().write(frame(-1, 1, RESPONSE, 0))),
                new Unasked(
                        "messages of 16 MiB",
                        nobodyAsked,
                        words -> {
                            words.session().write(frame((16 << 20) - 1, 77_777, RESPONSE, 0));
                            for (int left = (16 << 20) - 1; left > 0; left -= 60_000) {
                                words.session().write(new byte[Math.min(left, 60_000)]);
                            }
                        }),
                new Unasked(
                        "answers to nothing",
                        nobodyAsked,
                        words -> words.session().write(frame(0, 77_777, RESPONSE, 0))),
                new Unasked(
                        "answers to a server",
                        nobodyAsked,
                        words -> words.session().write(frame(0, 2, RESPONSE, 0))),
                new Unasked(
                        "streams",
                        nobodyAsked,
                        words -> words.session().write(frame(3, -1, DATA, 3))),
                new Unasked(
                        "requests",
                        nobodyAsked,
                        words -> words.session().write(frame(3, 1, REQUEST, 3))),
                new Unasked(
                        "messages of a type that is none",
                        nobodyAsked,
                        words -> words.session().write(frame(3, 1, (byte) 99, 3))));
    }

    private static byte[] repeated(byte[] frame) {
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        while (many.size() < 60_000) {
            many.writeBytes(frame);
        }
        return many.toByteArray();
    }

    /** All at once: more than the scheduler of virtual threads has carriers. */
    @Test
    void whoSaysWhatNobodyAskedForIsStoppedAndNobodyElseNotices() throws Exception {
        Map<Unasked, Container> hostile = new LinkedHashMap<>();
        floods().forEach(unasked -> hostile.put(unasked, start()));
        hostile.forEach((unasked, container) -> {
            ScriptedMachine machine = node.hypervisor().machine(container.id());
            machine.onSession(words ->
                    Thread.ofPlatform()
                            .daemon()
                            .name(unasked.name())
                            .start(() -> flood(machine, unasked.flood(), words)));
            machine.breakSession();
        });
        assertBystanderGoesOn();
        for (Map.Entry<Unasked, Container> one : hostile.entrySet()) {
            ProcessExit exit = one.getValue().exit("").get(60, TimeUnit.SECONDS);
            assertThat(exit.error())
                    .as(one.getKey().name())
                    .startsWith("the agent was lost")
                    // A flood may go on in the place of the next session's greeting.
                    .containsAnyOf(one.getKey().reason(), "sends something else without end");
            assertThat(exit.code()).isEqualTo(255);
            one.getValue().remove(true);
        }
        assertThat(node.hypervisor().living()).isEqualTo(1);
        assertBystanderGoesOn();
    }

    private static void flood(ScriptedMachine machine, Flood flood, ScriptedMachine.Words words) {
        try {
            while (machine.isAlive()) {
                flood.say(words);
            }
        } catch (IOException e) {
            // the session is over
        }
    }

    // ---- what is no answer ----

    @Test
    void outputThatIsLargerThanAMessageStopsTheSandbox() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.READ_STDOUT,
                                (_, _) ->
                                        ReadStreamResponse.newBuilder()
                                                .setData(ByteString.copyFrom(new byte[3 << 20]))
                                                .build()));
        assertStopped(create(), "it did not hand out output");
    }

    @Test
    void outputThatWasNotAskedForStopsTheSandbox() throws Exception {
        node.hypervisor()
                .prepare(agent -> {
                    agent.offerAcknowledgedStreams();
                    agent.answer(
                            GuestMethods.READ_OUTPUT,
                            (request, _) ->
                                    ReadOutputResponse.newBuilder()
                                            .setOffset(request.getOffset() + 1)
                                            .setData(ByteString.copyFromUtf8("x"))
                                            .build());
                });
        assertStopped(create(), "it sent other output than it was asked for");
    }

    @Test
    void neitherOutputNorItsEndStopsTheSandbox() throws Exception {
        node.hypervisor()
                .prepare(agent -> {
                    agent.offerAcknowledgedStreams();
                    agent.answer(
                            GuestMethods.READ_OUTPUT,
                            (_, _) -> ReadOutputResponse.getDefaultInstance());
                });
        assertStopped(create(), "it sent neither output nor its end");
    }

    @Test
    void inputThatWasNeverGivenStopsTheSandbox() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.WRITE_STDIN,
                                (request, _) ->
                                        io.bunkai.api.agent.WriteStreamResponse.newBuilder()
                                                .setLen(request.getData().size() + 1)
                                                .build()));
        Container container = create();
        container.attach(
                "",
                new ByteArrayInputStream(new byte[] {1}),
                OutputStream.nullOutputStream(),
                null);
        assertStopped(container, "it took 2 of 1 bytes of input");
    }

    /** Whoever asks for it is told; the container does not depend on it. */
    @Test
    void statisticsThatAreTooLargeAreNobodysEnd() throws Exception {
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(AgentMethods.STATS_CONTAINER, (_, _) -> gigantic(100_000)));
        Container container = start();
        Fault fault = catchThrowableOfType(Fault.class, () -> container.stats(FakeNode.soon()));
        assertThat(fault.getMessage()).contains("bytes", "are allowed");
        container.signal("", Signals.SIGTERM);
        assertThat(container.exit("").get(60, TimeUnit.SECONDS).code()).isNotEqualTo(255);
    }

    private static StatsContainerResponse gigantic(int parts) {
        CgroupStats.Builder stats = CgroupStats.newBuilder();
        for (int i = 0; i < parts; i++) {
            stats.putHugetlbStats("h" + i, HugetlbStats.getDefaultInstance());
        }
        return StatsContainerResponse.newBuilder().setCgroupStats(stats).build();
    }

    // ---- who does not do what it says ----

    /** Nobody could get rid of it but by force. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aGuestThatDoesNotEndWhatWasKilledEndsWithIt(boolean answers) throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        node.hypervisor()
                .prepare(agent ->
                        agent.answer(
                                AgentMethods.SIGNAL_PROCESS,
                                (_, call) -> {
                                    if (!answers) {
                                        call.onAbandoned(never::countDown);
                                        never.await();
                                    }
                                    return Empty.getDefaultInstance();
                                }));
        Container container = start();
        try {
            container.signal("", Signals.SIGKILL);
            assertThat(answers).isTrue();
        } catch (Fault e) {
            assertThat(e.code()).isEqualTo(FaultCode.UNAVAILABLE); // with its machine
        }
        ProcessExit exit = container.exit("").get(60, TimeUnit.SECONDS);
        assertThat(exit.code()).isEqualTo(137);
        assertThat(exit.error()).isEqualTo("the guest did not end a process that was killed");
        container.remove(false);
        assertThat(node.hypervisor().living()).isEqualTo(1);
        assertBystanderGoesOn();
    }
}
