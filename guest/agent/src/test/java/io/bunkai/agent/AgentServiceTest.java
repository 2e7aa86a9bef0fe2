// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.GetMetricsRequest;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.HealthCheckResponse;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.Storage;
import io.bunkai.api.agent.TtyWinResizeRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole service, over ttrpc, with processes that are real and a crun that is not. */
class AgentServiceTest {
    @TempDir Path base;
    private AgentFixture agent;
    private AgentFixture.Host host;

    @BeforeEach
    void startAgent() throws IOException {
        agent = AgentFixture.withFakeCrun(base);
        host = agent.connect();
    }

    @AfterEach
    void endAgent() {
        agent.close();
    }

    @Test
    void servesAPodInTheOrderOfKatasRuntime() {
        assertThat(host.call(HealthMethods.CHECK, CheckRequest.getDefaultInstance()).getStatus())
                .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
        assertThat(
                        host.call(
                                        AgentMethods.GET_GUEST_DETAILS,
                                        GuestDetailsRequest.getDefaultInstance())
                                .getAgentDetails()
                                .getStorageHandlersList())
                .contains("blk", "overlayfs", "ephemeral");
        host.createSandbox();
        String at = agent.layout().containers().resolve("c1").toString();
        host.create(
                agent
                        .container(
                                "c1", "/bin/sh", "-c", "read x; echo got $x; echo bad >&2; exit 7")
                        .toBuilder()
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .setMountPoint(at + "/rw"))
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .setMountPoint(at + "/rootfs"))
                        .build());
        host.start("c1");
        assertThat(host.write("c1", "c1", "hello\n".getBytes(StandardCharsets.UTF_8))).isEqualTo(6);
        assertThat(host.readOut("c1", "c1")).asString().isEqualTo("got hello\n");
        assertThat(host.readErr("c1", "c1")).asString().isEqualTo("bad\n");
        assertThat(host.await("c1", "c1")).isEqualTo(7);
        assertThat(host.readOut("c1", "c1")).isEmpty();
        host.remove("c1");
        assertThat(((AgentFixture.NotedMounts) agent.mounter()).notes())
                .containsExactly(
                        "mount none " + at + "/rw tmpfs 0 ",
                        "mount none " + at + "/rootfs tmpfs 0 ",
                        "unmount " + at + "/rootfs",
                        "unmount " + at + "/rw");
        assertThat(Path.of(at)).doesNotExist();
        assertThat(base.resolve("w")).isEmptyDirectory();
    }

    @Test
    void tellsAnExitAsOftenAsItIsAskedAndOfKilledProcessesTheSignal() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        host.exec("c1", "e1", "/bin/sleep", "1000");
        host.signal("c1", "e1", Signals.SIGKILL);
        assertThat(host.await("c1", "e1")).isEqualTo(137);
        assertThat(host.await("c1", "e1")).isEqualTo(137);
        host.signal("c1", "", Signals.SIGKILL); // all of the container
        assertThat(host.await("c1", "")).isEqualTo(137);
        assertThat(host.await("c1", "c1")).isEqualTo(137);
    }

    @Test
    void wakesEveryWaiter() throws Exception {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/cat"));
        host.start("c1");
        FutureTask<Integer> first = inBackground(() -> agent.connect().await("c1", "c1"));
        FutureTask<Integer> second = inBackground(() -> host.await("c1", ""));
        host.closeStdin("c1", "c1");
        assertThat(first.get()).isZero();
        assertThat(second.get()).isZero();
    }

    @Test
    void aTermThatTheFirstProcessIgnoresByDefaultKillsIt() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        // Until the process has become sleep it is a shell; the same holds for it.
        host.signal("c1", "c1", Signals.SIGTERM);
        assertThat(host.await("c1", "c1")).isEqualTo(137);
    }

    @Test
    void aTermThatTheFirstProcessCatchesReachesIt() {
        host.createSandbox();
        host.create(
                agent.container(
                        "c1",
                        "/bin/sh",
                        "-c",
                        "end() { exit 3; }; trap end TERM; echo ready; read x"));
        host.start("c1");
        assertThat(host.readOut("c1", "c1")).asString().isEqualTo("ready\n");
        host.signal("c1", "c1", Signals.SIGTERM);
        assertThat(host.await("c1", "c1")).isEqualTo(3);
    }

    @Test
    void aFullPipeStopsNobodyElse() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sh", "-c", "while echo y; do :; done"));
        host.start("c1");
        host.create(agent.container("c2", "/bin/sh", "-c", "echo fine"));
        host.start("c2");
        assertThat(host.drain("c2", "c2")).isEqualTo("fine\n");
        assertThat(host.await("c2", "c2")).isZero();
    }

    @Test
    void aWriteThatFindsNoRoomBlocksNoOtherCall() throws Exception {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sleep", "1000")); // never reads
        host.start("c1");
        byte[] block = new byte[64 * 1024];
        assertThat(host.write("c1", "c1", block)).isEqualTo(block.length); // fills the pipe
        FutureTask<Integer> blocked = inBackground(() -> host.write("c1", "c1", block));
        assertThat(host.call(HealthMethods.CHECK, CheckRequest.getDefaultInstance()).getStatus())
                .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
        assertThat(blocked.isDone()).isFalse();
        host.signal("c1", "", Signals.SIGKILL);
        assertThat(host.await("c1", "c1")).isEqualTo(137);
        assertThatExceptionOfType(Exception.class)
                .isThrownBy(blocked::get)
                .havingCause()
                .isInstanceOfSatisfying(
                        Fault.class,
                        e -> assertThat(e.code()).isEqualTo(FaultCode.FAILED_PRECONDITION));
    }

    @Test
    void carriesMegabytesThroughACopyingProcess() throws Exception {
        byte[] data = new byte[3_000_000];
        new Random(7).nextBytes(data);
        host.createSandbox();
        host.create(agent.container("c1", "/bin/cat"));
        host.start("c1");
        FutureTask<Void> writer =
                inBackground(() -> {
                    int done = 0;
                    while (done < data.length) {
                        int end = Math.min(data.length, done + 100_000);
                        byte[] part = Arrays.copyOfRange(data, done, end);
                        done += host.write("c1", "c1", part);
                    }
                    host.closeStdin("c1", "c1");
                    return null;
                });
        ByteArrayOutputStream back = new ByteArrayOutputStream();
        byte[] part = host.readOut("c1", "c1");
        while (part.length > 0) {
            back.writeBytes(part);
            part = host.readOut("c1", "c1");
        }
        writer.get();
        assertThat(back.toByteArray()).isEqualTo(data);
        assertThat(host.await("c1", "c1")).isZero();
    }

    @Test
    void whatNobodyReadWaitsForTheNextHostProcess() throws Exception {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sh", "-c", "read x; echo later; read x"));
        host.start("c1");
        AgentFixture.Host first = agent.connect();
        FutureTask<byte[]> pending = inBackground(() -> first.readOut("c1", "c1"));
        host.call(HealthMethods.CHECK, CheckRequest.getDefaultInstance());
        first.close(); // its read is in the works or about to be, and must not take the output
        assertThatExceptionOfType(Exception.class).isThrownBy(pending::get);
        host.write("c1", "c1", "go\n".getBytes(StandardCharsets.UTF_8));
        assertThat(host.readOut("c1", "c1")).asString().isEqualTo("later\n");
    }

    @Test
    void anEventThatNobodyTookWaitsForTheNextHostProcess() throws Exception {
        Path events = base.resolve("cgroup/bunkai/c1/memory.events");
        Files.createDirectories(events.getParent());
        Files.writeString(events, "oom_kill 0\n");
        host.createSandbox();
        host.create(agent.container("c1", "/bin/cat"));
        AgentFixture.Host first = agent.connect();
        FutureTask<String> pending = inBackground(() -> nextOom(first));
        FutureTask<Integer> waiting = inBackground(() -> first.await("c1", ""));
        first.call(HealthMethods.CHECK, CheckRequest.getDefaultInstance());
        first.close();
        assertThatExceptionOfType(Exception.class).isThrownBy(pending::get);
        assertThatExceptionOfType(Exception.class).isThrownBy(waiting::get);
        Files.writeString(events, "oom_kill 1\n");
        assertThat(nextOom(host)).isEqualTo("c1");
    }

    private static String nextOom(AgentFixture.Host host) {
        return host.call(AgentMethods.GET_OOM_EVENT, GetOOMEventRequest.getDefaultInstance())
                .getContainerId();
    }

    @Test
    void tellsTheEndOfAStreamOnceToEachConnection() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/true"));
        host.start("c1");
        assertThat(host.readOut("c1", "c1")).isEmpty();
        assertFault(FaultCode.OUT_OF_RANGE, () -> host.readOut("c1", "c1"));
        assertThat(host.readErr("c1", "c1")).isEmpty();
        assertThat(agent.connect().readOut("c1", "c1")).isEmpty();
    }

    @Test
    void endsAStreamThatAnEndedProcessLeftToABackgroundOne() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        host.exec("c1", "e1", "/bin/sh", "-c", "echo begun; sleep 20 & exit 4");
        assertThat(host.await("c1", "e1")).isEqualTo(4);
        assertThat(host.drain("c1", "e1")).isEqualTo("begun\n");
    }

    @Test
    void saysWhatItDoesNotKnow() {
        assertFault(FaultCode.NOT_FOUND, () -> host.await("c1", ""));
        assertFault(FaultCode.NOT_FOUND, () -> host.remove("c1"));
        host.createSandbox();
        assertFault(FaultCode.ALREADY_EXISTS, host::createSandbox);
        host.create(agent.container("c1", "/bin/cat"));
        assertFault(FaultCode.ALREADY_EXISTS, () -> host.create(agent.container("c1", "/bin/cat")));
        assertFault(FaultCode.FAILED_PRECONDITION, () -> host.exec("c1", "e1", "/bin/true"));
        host.start("c1");
        assertFault(FaultCode.FAILED_PRECONDITION, () -> host.start("c1"));
        assertFault(FaultCode.ALREADY_EXISTS, () -> host.exec("c1", "c1", "/bin/true"));
        assertFault(FaultCode.NOT_FOUND, () -> host.await("c1", "e1"));
        assertFault(
                FaultCode.UNIMPLEMENTED,
                () -> host.call(AgentMethods.GET_METRICS, GetMetricsRequest.getDefaultInstance()));
        assertFault(
                FaultCode.FAILED_PRECONDITION,
                () ->
                        host.call(
                                AgentMethods.TTY_WIN_RESIZE,
                                TtyWinResizeRequest.newBuilder().setContainerId("c1").build()));
        host.closeStdin("c1", "c1");
        assertThat(host.await("c1", "c1")).isZero();
        assertFault(FaultCode.FAILED_PRECONDITION, () -> host.exec("c1", "e1", "/bin/true"));
        assertFault(FaultCode.NOT_FOUND, () -> host.signal("c1", "c1", Signals.SIGTERM));
    }

    @Test
    void tellsAMissingProgramFromOneThatMayNotBeRun() throws IOException {
        Path notExecutable = Files.createFile(base.resolve("data"));
        host.createSandbox();
        assertFault(
                FaultCode.NOT_FOUND, () -> host.create(agent.container("c1", "/no/such/program")));
        assertFault(
                FaultCode.PERMISSION_DENIED,
                () -> host.create(agent.container("c1", notExecutable.toString())));
        assertThat(agent.layout().containers().resolve("c1")).doesNotExist();
        host.create(agent.container("c1", "/bin/cat")); // the id is free again
        host.start("c1");
        assertFault(FaultCode.NOT_FOUND, () -> host.exec("c1", "e1", "/no/such/program"));
        host.exec("c1", "e1", "/bin/true"); // so is the exec id
    }

    @Test
    void refusesIdsThatAreNoNames() {
        host.createSandbox();
        for (String id : new String[] {"", "..", "a/b", "-c", "a b", "shared", "a".repeat(129)}) {
            assertFault(
                    FaultCode.INVALID_ARGUMENT, () -> host.create(agent.container(id, "/bin/cat")));
        }
    }

    @Test
    void anExecIdCanBeUsedAgainAfterTheEnd() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/cat"));
        host.start("c1");
        for (int status : new int[] {1, 2}) {
            host.exec("c1", "e1", "/bin/sh", "-c", "exit " + status);
            assertThat(host.await("c1", "e1")).isEqualTo(status);
        }
    }

    @Test
    void destroyingThePodEndsItsContainers() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        host.create(agent.container("c2", "/bin/sleep", "1000")); // never started
        agent.close();
        host = agent.connect();
        assertFault(FaultCode.NOT_FOUND, () -> host.await("c1", ""));
        host.createSandbox();
    }

    @Test
    void givesFiguresEvenWhereThereIsNoControlGroup() {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/cat"));
        assertThat(
                        host.call(
                                        AgentMethods.STATS_CONTAINER,
                                        StatsContainerRequest.newBuilder()
                                                .setContainerId("c1")
                                                .build())
                                .getCgroupStats()
                                .getMemoryStats()
                                .getUsage()
                                .getUsage())
                .isZero();
    }

    @Test
    void aReadThatIsTooShortGetsTheBeginning() throws IOException {
        host.createSandbox();
        host.create(agent.container("c1", "/bin/echo", "hello"));
        host.start("c1");
        String text =
                host.client()
                        .call(
                                AgentMethods.READ_STDOUT,
                                ReadStreamRequest.newBuilder()
                                        .setContainerId("c1")
                                        .setLen(2)
                                        .build(),
                                Deadline.after(Duration.ofSeconds(30)))
                        .getData()
                        .toStringUtf8();
        assertThat(text + host.drain("c1", "c1")).isEqualTo("hello\n");
    }

    private static void assertFault(FaultCode code, Runnable call) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(call::run)
                .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }

    private static <T> FutureTask<T> inBackground(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofVirtual().start(task);
        return task;
    }
}
