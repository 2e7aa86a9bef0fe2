// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import io.bunkai.api.TaskMethods;
import io.bunkai.api.TypeUrls;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.ExecProcessRequest;
import io.bunkai.api.containerd.KillRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.Status;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.api.containerd.WaitResponse;
import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.FakeNode;
import io.bunkai.runtime.ScriptedProcess;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Daemons follow one another under a containerd that has one connection all the time, whose calls
 * are answered, and whose FIFO is written to, whoever does it.
 */
@Timeout(120)
class SuccessionTest {
    private static final String ID = "web";
    private static final TaskMethods METHODS = TaskMethods.V2;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final int LINES = 200;

    private final FakeNode node = new FakeNode();
    private final TaskOwner owner = new TaskOwner("/run/containerd.sock", "default", "");
    private Path bundle;
    private Path fifo;
    private CommandRun.Running reader;
    private MortalShim daemon;
    private TtrpcClient containerd;

    @BeforeEach
    void prepare() throws Exception {
        node.hypervisor().program(SuccessionTest::endWhenAsked);
        node.hypervisor()
                .prepare(agent -> {
                    agent.offerAcknowledgedStreams();
                    agent.execProgram(SuccessionTest::endWhenAsked);
                });
        bundle = Files.createDirectories(node.folder().resolve("bundle"));
        Files.writeString(
                bundle.resolve("config.json"),
                """
                {"ociVersion": "1.0.2", "linux": {},
                 "process": {"args": ["serve"], "cwd": "/", "env": ["PATH=/bin"]}}
                """);
        fifo = node.folder().resolve("stdout");
        CommandRun.of("mkfifo", fifo.toString()).run(soon()).expectSuccess();
        reader = CommandRun.of("cat", fifo.toString()).start();
    }

    @AfterEach
    void end() {
        reader.close();
        if (containerd != null) {
            containerd.close();
        }
        if (daemon != null) {
            daemon.close();
        }
        node.close();
    }

    /** A line, and the status 7 as soon as it is asked to end; 9 if it is killed. */
    private static void endWhenAsked(ScriptedProcess process) throws Exception {
        process.ignoreTerm();
        process.print("up\n");
        process.awaitSignal();
        process.print("down\n");
        process.exit(7);
    }

    private static Deadline soon() {
        return Deadline.after(PATIENCE);
    }

    private void begin(@Nullable CrashPoint fatal) throws IOException {
        daemon = new MortalShim(node, fatal, Map.of());
        Path socket = Path.of(daemon.socketFor(owner).substring("unix://".length()));
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        containerd =
                TtrpcClient.over(
                        Channels.newInputStream(channel),
                        Channels.newOutputStream(channel),
                        "the shim",
                        channel);
    }

    private void succeed(Map<String, Fd> kept) throws IOException {
        daemon = new MortalShim(node, null, kept);
    }

    private <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request)
            throws IOException {
        return containerd.call(method, request, soon());
    }

    /** Calls, as containerd does, on a thread that waits. */
    private <Q extends MessageLite, R extends MessageLite> CompletableFuture<R> calling(
            Method<Q, R> method, Q request) {
        CompletableFuture<R> answer = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        answer.complete(call(method, request));
                    } catch (Exception e) {
                        answer.completeExceptionally(e);
                    }
                });
        return answer;
    }

    private static <R> R get(CompletableFuture<R> answer) throws Exception {
        return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    // ---- what containerd asks for ----

    private CreateTaskRequest creation() throws IOException {
        Path layer = Files.createDirectories(node.folder().resolve("layer"));
        return CreateTaskRequest.newBuilder()
                .setId(ID)
                .setBundle(bundle.toString())
                .setStdout(fifo.toString())
                .addRootfs(
                        Mount.newBuilder()
                                .setType("overlay")
                                .setSource("overlay")
                                .addOptions("lowerdir=" + layer))
                .build();
    }

    private static StartRequest starting(String execId) {
        return StartRequest.newBuilder().setId(ID).setExecId(execId).build();
    }

    private static ExecProcessRequest exec(String execId) {
        return ExecProcessRequest.newBuilder()
                .setId(ID)
                .setExecId(execId)
                .setSpec(
                        Any.newBuilder()
                                .setTypeUrl(TypeUrls.OCI_PROCESS)
                                .setValue(
                                        ByteString.copyFromUtf8(
                                                "{\"args\": [\"ls\"], \"cwd\": \"/\"}")))
                .build();
    }

    private static KillRequest killing(String execId) {
        return KillRequest.newBuilder().setId(ID).setExecId(execId).setSignal(15).build();
    }

    private static WaitRequest waiting(String execId) {
        return WaitRequest.newBuilder().setId(ID).setExecId(execId).build();
    }

    private static DeleteRequest deleting(String execId) {
        return DeleteRequest.newBuilder().setId(ID).setExecId(execId).build();
    }

    private Status status(String execId) throws IOException {
        return call(METHODS.state(), StateRequest.newBuilder().setId(ID).setExecId(execId).build())
                .getStatus();
    }

    private void assertRunsAndEndsWith7() throws Exception {
        assertThat(status("")).isEqualTo(Status.RUNNING);
        CompletableFuture<WaitResponse> end = calling(METHODS.waitFor(), waiting(""));
        call(METHODS.exec(), exec("late"));
        call(METHODS.start(), starting("late"));
        call(METHODS.kill(), killing("late"));
        assertThat(get(calling(METHODS.waitFor(), waiting("late"))).getExitStatus()).isEqualTo(7);
        assertThat(call(METHODS.delete(), deleting("late")).getExitStatus()).isEqualTo(7);
        call(METHODS.kill(), killing(""));
        assertThat(get(end).getExitStatus()).isEqualTo(7);
        assertDeletedWith7();
    }

    private void assertDeletedWith7() throws Exception {
        assertThat(call(METHODS.delete(), deleting("")).getExitStatus()).isEqualTo(7);
        reader.awaitOutput("up\ndown\n", soon()); // its end is not told: the dead have it open
    }

    // ---- deaths ----

    @ParameterizedTest
    @EnumSource(
            value = CrashPoint.class,
            names = {
                "CREATE_JOURNALED",
                "START_JOURNALED",
                "START_CGROUPS_MADE",
                "START_MACHINE_LAUNCHED",
                "START_MACHINE_JOURNALED",
                "START_AGENT_READY",
                "START_CONTAINER_CREATED",
                "START_PREPARED"
            })
    void aCreationGoesOnWhereverItsDaemonDies(CrashPoint fatal) throws Exception {
        begin(fatal);
        var creation = calling(METHODS.create(), creation());
        succeed(daemon.awaitDeath());
        assertThat(get(creation).getPid()).isPositive();
        assertThat(status("")).isEqualTo(Status.CREATED);
        call(METHODS.start(), starting(""));
        assertRunsAndEndsWith7();
    }

    @ParameterizedTest
    @EnumSource(
            value = CrashPoint.class,
            names = {"START_PROCESS_STARTED", "START_FINISHED"})
    void aStartGoesOnWhereverItsDaemonDies(CrashPoint fatal) throws Exception {
        begin(fatal);
        call(METHODS.create(), creation());
        var start = calling(METHODS.start(), starting(""));
        succeed(daemon.awaitDeath());
        assertThat(get(start).getPid()).isPositive();
        assertRunsAndEndsWith7();
    }

    @ParameterizedTest
    @EnumSource(
            value = CrashPoint.class,
            names = {"EXEC_JOURNALED", "EXEC_STARTED"})
    void aFurtherProcessIsStartedOnceWhereverTheDaemonDies(CrashPoint fatal) throws Exception {
        begin(fatal);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        call(METHODS.exec(), exec("shell"));
        assertThat(status("shell")).isEqualTo(Status.CREATED);
        var start = calling(METHODS.start(), starting("shell"));
        succeed(daemon.awaitDeath());
        assertThat(get(start).getPid()).isPositive();
        assertThat(status("shell")).isEqualTo(Status.RUNNING);
        call(METHODS.kill(), killing("shell"));
        assertThat(get(calling(METHODS.waitFor(), waiting("shell"))).getExitStatus()).isEqualTo(7);
        call(METHODS.delete(), deleting("shell"));
        assertRunsAndEndsWith7();
    }

    @Test
    void theEndOfAFurtherProcessArrivesThoughTheDaemonDiesOfIt() throws Exception {
        begin(CrashPoint.EXEC_ENDED);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        call(METHODS.exec(), exec("shell"));
        call(METHODS.start(), starting("shell"));
        var end = calling(METHODS.waitFor(), waiting("shell"));
        call(METHODS.kill(), killing("shell"));
        succeed(daemon.awaitDeath());
        assertThat(get(end).getExitStatus()).isEqualTo(7);
        assertThat(status("shell")).isEqualTo(Status.STOPPED);
        assertThat(call(METHODS.delete(), deleting("shell")).getExitStatus()).isEqualTo(7);
        assertRunsAndEndsWith7();
    }

    @ParameterizedTest
    @EnumSource(
            value = CrashPoint.class,
            names = {
                "KILL_REQUESTED",
                "KILL_DELIVERED",
                "STOP_PROCESS_ENDED",
                "STOP_JOURNALED",
                "STOP_MACHINE_GONE",
                "STOP_FINISHED"
            })
    void anEndArrivesWhereverTheDaemonDies(CrashPoint fatal) throws Exception {
        begin(fatal);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        var end = calling(METHODS.waitFor(), waiting(""));
        var kill = calling(METHODS.kill(), killing(""));
        succeed(daemon.awaitDeath());
        assertThat(get(end).getExitStatus()).isEqualTo(7);
        assertDone(kill);
        assertThat(status("")).isEqualTo(Status.STOPPED);
        assertDeletedWith7();
    }

    @ParameterizedTest
    @EnumSource(
            value = CrashPoint.class,
            names = {"REMOVE_JOURNALED", "REMOVE_OUTPUT_GONE"})
    void aDeletionIsAnsweredWhereverItsDaemonDies(CrashPoint fatal) throws Exception {
        begin(fatal);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        call(METHODS.kill(), killing(""));
        call(METHODS.waitFor(), waiting(""));
        var deletion = calling(METHODS.delete(), deleting(""));
        succeed(daemon.awaitDeath());
        assertThat(get(deletion).getExitStatus()).isEqualTo(7);
        reader.awaitOutput("up\ndown\n", soon());
        CreateTaskRequest again = creation().toBuilder().setStdout("").build();
        call(METHODS.create(), again); // the id is free
    }

    /** Whoever kills a process may be told that it has finished, if it is that quick. */
    private static void assertDone(CompletableFuture<Empty> kill) throws Exception {
        try {
            get(kill);
        } catch (ExecutionException e) {
            assertThat(e).hasMessageContaining("process already finished");
        }
    }

    // ---- in good order ----

    @Test
    void daemonsThatLetGoLoseAndRepeatNothing() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    for (int i = 1; i <= LINES; i++) {
                        process.print(i + "\n");
                        Thread.sleep(1); // so that daemons come and go between
                    }
                    process.awaitSignal();
                    process.exit(7);
                });
        begin(null);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        var end = calling(METHODS.waitFor(), waiting(""));
        for (int i = 0; i < 10; i++) {
            succeed(daemon.letGo());
            assertThat(status("")).isEqualTo(Status.RUNNING);
        }
        reader.awaitOutput("\n" + LINES + "\n", soon());
        call(METHODS.kill(), killing(""));
        assertThat(get(end).getExitStatus()).isEqualTo(7);
        call(METHODS.delete(), deleting(""));
        StringBuilder lines = new StringBuilder();
        for (int i = 1; i <= LINES; i++) {
            lines.append(i).append('\n');
        }
        assertThat(reader.await(soon()).expectSuccess().out()).isEqualTo(lines.toString());
    }

    @Test
    void aCallUnderWayIsAnsweredBeforeTheDaemonLetsGo() throws Exception {
        begin(null);
        var creation = calling(METHODS.create(), creation());
        node.hypervisor().awaitLaunch();
        succeed(daemon.letGo());
        assertThat(get(creation).getPid()).isPositive();
        assertThat(status("")).isEqualTo(Status.CREATED);
        call(METHODS.start(), starting(""));
        assertRunsAndEndsWith7();
    }

    @Test
    void nothingIsKeptOfATaskThatIsGone() throws Exception {
        begin(null);
        call(METHODS.create(), creation());
        call(METHODS.start(), starting(""));
        assertRunsAndEndsWith7();
        containerd.close();
        Path calls = node.folder().resolve("calls");
        Await.until("no calls", soon(), () -> isEmpty(calls));
        Map<String, Fd> kept = daemon.letGo();
        assertThat(kept.keySet()).allMatch(name -> name.startsWith("listen."));
        kept.values().forEach(Fd::close);
    }

    private static boolean isEmpty(Path folder) {
        try (var files = Files.list(folder)) {
            return files.findAny().isEmpty();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
