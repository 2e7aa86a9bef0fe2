// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.LockFile;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.SmallDisk;
import io.bunkai.testkit.TestRoot;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher itself, run as containerd runs it. */
class LauncherScriptTest {
    private static final Path SCRIPT = Path.of("src/main/sh/containerd-shim-bunkai-v2");
    private static final String ADDRESS = "unix:///s'p \"q\"/run/tasks/0123456789abcdef.sock";
    private static final String JSON =
            "{\"version\":3,\"address\":\"unix:///s'p \\\"q\\\"/run/tasks/0123456789abcdef.sock\","
                    + "\"protocol\":\"ttrpc\"}";
    private static final byte[] RUNTIME_OPTIONS =
            "\n\u001bruntimeoptions.v1.Options\u0012\u0007\n\u0001x\u0012\u0002/y"
                    .getBytes(StandardCharsets.UTF_8);

    private final TestRoot test = TestRoot.create();

    /** A shell that is careless with a name of these kinds is found out. */
    private final Path tree = test.resolve("a 'b' \"c\" $(touch x) *");

    private final Path state = tree.resolve("state");
    private final Path bundle = tree.resolve("bundle; `touch y`");
    private final FakeLaunches launches = new FakeLaunches(ADDRESS);
    private final Closer daemon = new Closer();

    @BeforeEach
    void layOut() throws IOException {
        Files.createDirectories(tree.resolve("bin"));
        Files.createDirectories(bundle);
        Files.copy(SCRIPT, tree.resolve("bin/containerd-shim-bunkai-v2"));
    }

    @AfterEach
    void delete() {
        daemon.close();
        test.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofMinutes(2));
    }

    /** What a daemon is to its launchers: the lock and the desk. */
    private void startDaemon() throws IOException {
        Files.createDirectories(state.resolve("run"));
        daemon.own(LockFile.acquire(state.resolve("run/bunkaid.lock"), soon()).orElseThrow());
        daemon.own(LauncherDesk.open(state.resolve("run/shim"), launches)).serve();
    }

    /** A program in the place of bunkaid. */
    private void program(String body) throws IOException {
        Path program = Files.writeString(tree.resolve("bin/bunkaid"), "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }

    private CommandRun launcher(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(tree.resolve("bin/containerd-shim-bunkai-v2").toString());
        command.addAll(List.of(arguments));
        return CommandRun.of(command)
                .directory(bundle)
                .environment("TTRPC_ADDRESS", "/run/c.sock.ttrpc");
    }

    private CommandRun start(String id) {
        return launcher(
                "-namespace",
                "k8s.io",
                "-address",
                "/run/c.sock",
                "-publish-binary",
                "/usr/bin/containerd",
                "-id",
                id,
                "start");
    }

    private CommandRun delete(String id) {
        return launcher(
                "-namespace",
                "k8s.io",
                "-address",
                "/run/c.sock",
                "-publish-binary",
                "/usr/bin/containerd",
                "-id",
                id,
                "-bundle",
                bundle.toString(),
                "-debug",
                "delete");
    }

    private static TaskOwner owner() {
        return new TaskOwner("/run/c.sock", "k8s.io", "/run/c.sock.ttrpc");
    }

    private static void assertThreeLines(CommandResult result) {
        assertThat(result.err().lines().map(line -> line.substring(0, 7)))
                .containsExactly("error: ", "cause: ", "hint:  ");
        assertThat(result.out()).isEmpty();
    }

    private void assertNothingLeft() throws IOException {
        Await.until("the removal of the question", soon(), () -> questions().isEmpty());
        try (var files = Files.walk(test.path())) {
            assertThat(files.map(file -> file.getFileName().toString())).doesNotContain("x", "y");
        }
    }

    private List<Path> questions() {
        try (var files = Files.list(state.resolve("run/shim"))) {
            return files.toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    // --- what containerd gets

    @ParameterizedTest
    @ValueSource(strings = {"", "2"})
    void startPrintsAnAddressForContainerdUpTo22(String most) throws Exception {
        startDaemon();
        CommandRun run = start("c1").stdin(RUNTIME_OPTIONS);
        if (!most.isEmpty()) {
            run.environment("MAX_SHIM_VERSION", most);
        }
        CommandResult result = run.run(soon()).expectSuccess();
        assertThat(result.out()).isEqualTo(ADDRESS);
        assertThat(result.err()).isEmpty();
        assertThat(bundle.resolve("address")).hasContent(ADDRESS);
        assertThat(bundle.resolve("bootstrap.json")).doesNotExist();
        assertThat(launches.starts()).containsExactly(owner());
        assertNothingLeft();
    }

    @Test
    void startPrintsALineOfJsonForWhoeverTakesTheThirdVersion() throws Exception {
        startDaemon();
        CommandResult result =
                start("c1").environment("MAX_SHIM_VERSION", "3").run(soon()).expectSuccess();
        assertThat(result.out()).isEqualTo(JSON + "\n");
        assertThat(bundle.resolve("bootstrap.json")).hasContent(JSON);
        assertThat(bundle.resolve("address")).hasContent(ADDRESS);
    }

    @ParameterizedTest
    @CsvSource({
        "c1, k8s.io",
        "0123456789, default",
        "0123456789, ten-chars-",
        "a*c, moby",
        "x[y, ?"
    })
    void startPrintsABootstrapResultForContainerdSince23(String id, String namespace)
            throws Exception {
        startDaemon();
        ByteArrayOutputStream parameters = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(parameters);
        out.writeString(1, id);
        out.writeString(2, namespace);
        out.writeEnum(3, -4);
        out.writeString(4, "2.3.0");
        out.writeString(5, "/run/c.sock.ttrpc");
        out.writeByteArray(8, RUNTIME_OPTIONS);
        out.writeByteArray(8, new byte[100_000]);
        out.flush();
        CommandResult result =
                launcher("-namespace", namespace, "-address", "/run/c.sock", "-id", id, "start")
                        .environment("MAX_SHIM_VERSION", "2")
                        .stdin(parameters.toByteArray())
                        .run(soon())
                        .expectSuccess();
        assertThat(result.stdout()).isEqualTo(LaunchAnswer.bootstrapResult(ADDRESS));
        assertThat(bundle.resolve("bootstrap.json")).hasContent(JSON);
    }

    @Test
    void deletePrintsWhatTheDaemonAnswers() throws Exception {
        startDaemon();
        CommandResult result = delete("c1").run(soon()).expectSuccess();
        assertThat(result.stdout()).isEqualTo(LaunchAnswer.deleteResponse(FakeLaunches.DELETED));
        assertThat(result.err()).isEmpty();
        assertThat(launches.deletions())
                .containsExactly(new FakeLaunches.Deletion(owner(), "c1", bundle));
        assertNothingLeft();
    }

    @Test
    void theBundleOfADeleteIsTheWorkingDirectoryUnlessItIsNamed() throws Exception {
        startDaemon();
        launcher("--namespace=k8s.io", "--id=c1", "-debug=true", "-address=", "delete")
                .run(soon())
                .expectSuccess();
        assertThat(launches.deletions())
                .containsExactly(
                        new FakeLaunches.Deletion(
                                new TaskOwner("", "k8s.io", "/run/c.sock.ttrpc"), "c1", bundle));
    }

    @Test
    void infoPrintsNameAndVersion() throws Exception {
        CommandResult result = launcher("-info").stdin(RUNTIME_OPTIONS).run(soon()).expectSuccess();
        CodedInputStream in = CodedInputStream.newInstance(result.stdout());
        assertThat(in.readTag()).isEqualTo(1 << 3 | 2);
        assertThat(in.readString()).isEqualTo("io.containerd.bunkai.v2");
        assertThat(in.readTag()).isEqualTo(2 << 3 | 2);
        CodedInputStream version = CodedInputStream.newInstance(in.readByteArray());
        assertThat(version.readTag()).isEqualTo(1 << 3 | 2);
        String text = version.readString();
        assertThat(version.isAtEnd()).isTrue();
        assertThat(in.isAtEnd()).isTrue();
        assertThat(launcher("-v").run(soon()).expectSuccess().out())
                .isEqualTo("containerd-shim-bunkai-v2:\n  Version:  " + text + "\n");
        assertThat(launcher("--version").run(soon()).expectSuccess().out()).contains(text);
        assertThat(state).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "start",
                "-namespace n start",
                "-id i delete",
                "-namespace n -id i",
                "-namespace n -id i run",
                "-namespace n -id i -socket s start",
                "-namespace n -id",
                "-frobnicate",
                "-x=y -namespace n -id i start",
                "-namespace n -id i /bin/sh",
            })
    void saysWhatItDoesNotUnderstand(String arguments) throws Exception {
        startDaemon();
        String[] words = arguments.isEmpty() ? new String[0] : arguments.split(" ");
        assertThreeLines(launcher(words).run(soon()).expectExit(2));
        assertThat(launches.starts()).isEmpty();
        assertThat(launches.deletions()).isEmpty();
    }

    @Test
    void refusesNewlines() throws Exception {
        startDaemon();
        for (String id : List.of("a\nb", "\n", "c\nend")) {
            assertThreeLines(start(id).run(soon()).expectExit(2));
        }
        assertThat(launches.starts()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "$(touch x)",
                "`touch x`",
                "a; touch x",
                "-n",
                "%s%n\\n",
                "' \" * ?",
                "\\0101"
            })
    void takesAnIdLiterally(String id) throws Exception {
        startDaemon();
        start(id).run(soon()).expectSuccess();
        delete(id).run(soon()).expectSuccess();
        assertThat(launches.deletions()).extracting(FakeLaunches.Deletion::id).containsExactly(id);
        assertNothingLeft();
    }

    @Test
    void findsItsPlacesThroughLinks() throws Exception {
        startDaemon();
        Path bin = Files.createDirectory(test.resolve("local"));
        Path one = bin.resolve("one");
        Path two = bin.resolve("containerd-shim-bunkai-v2");
        Files.createSymbolicLink(one, tree.resolve("bin/containerd-shim-bunkai-v2"));
        Files.createSymbolicLink(two, Path.of("one"));
        CommandRun.of(two.toString(), "-namespace", "n", "-id", "i", "start")
                .directory(bundle)
                .run(soon())
                .expectSuccess();
        assertThat(launches.starts()).hasSize(1);
    }

    @Test
    void saysWhatTheDaemonSays() throws Exception {
        startDaemon();
        launches.failWith(Fault.unavailable("the disk is full").withHint("make room"));
        for (CommandRun run : List.of(start("c1"), delete("c1"))) {
            CommandResult result = run.run(soon()).expectExit(1);
            assertThreeLines(result);
            assertThat(result.err()).contains("cause: the disk is full\nhint:  make room\n");
        }
        assertThat(bundle.resolve("address")).doesNotExist();
        assertNothingLeft();
    }

    // --- where no daemon answers

    @Test
    void aFullDiskIsNamedAndNothingIsLeft() throws Exception {
        try (SmallDisk disk = SmallDisk.on(state.resolve("run/shim"), 64)) {
            startDaemon();
            disk.fill();
            CommandResult result = start("c1").run(soon()).expectExit(1);
            assertThreeLines(result);
            assertThat(result.err()).contains("see that the disk is not full");
            disk.drain();
            assertNothingLeft();
            daemon.close();
        }
    }

    @Test
    void startFailsIfThereIsNoDaemonAndNoneCanBeStarted() throws Exception {
        CommandResult result = start("c1").run(soon()).expectExit(1);
        assertThreeLines(result);
        assertThat(result.err())
                .startsWith("error: c1 was not started: there is no daemon\n")
                .contains("no program " + tree.resolve("bin/bunkaid"));
        assertThat(questions()).isEmpty();
        assertThat(bundle.resolve("address")).doesNotExist();
    }

    @Test
    void startSaysWhatADaemonSaidThatEndedAtOnce() throws Exception {
        program("echo 'error: bunkaid did not start: no kernel' >&2; exit 2\n");
        Path log = state.resolve("log/bunkaid.log");
        Files.createDirectories(log.getParent());
        Files.writeString(log, "of yesterday\n");
        CommandResult result = start("c1").run(soon()).expectExit(1);
        assertThreeLines(result);
        assertThat(result.err())
                .contains("it ended while it was starting: error: bunkaid did not start: no kernel")
                .contains("hint:  look into " + log)
                .doesNotContain("yesterday");
        assertThat(questions()).isEmpty();
    }

    @Test
    void deleteAnswersWithoutADaemonAndTheNextDaemonLearnsOfIt() throws Exception {
        Instant before = Instant.now().minusSeconds(1);
        CommandResult result = delete("c1").run(soon()).expectSuccess();
        assertThat(result.err()).isEmpty();
        DeletedTask told = parse(result.stdout());
        assertThat(told.pid()).isZero();
        assertThat(told.exitStatus()).isEqualTo(137);
        assertThat(told.exitedAt()).isBetween(before, Instant.now());
        assertThat(questions()).hasSize(1);

        startDaemon();
        assertThat(launches.deletions())
                .containsExactly(new FakeLaunches.Deletion(owner(), "c1", bundle));
        assertThat(questions()).isEmpty();
    }

    /** There is no program to start, either: what keeps the launcher from it is the file. */
    @Test
    void deleteLeavesItsQuestionToAServiceThatWasStopped() throws Exception {
        Files.createDirectories(state.resolve("run"));
        Files.writeString(state.resolve("run/managed"), "started by the service manager\n");
        CommandResult result = delete("c1").run(soon()).expectSuccess();
        assertThat(parse(result.stdout()).exitStatus()).isEqualTo(137);
        assertThat(questions()).hasSize(1);

        startDaemon();
        assertThat(launches.deletions())
                .containsExactly(new FakeLaunches.Deletion(owner(), "c1", bundle));
        assertThat(questions()).isEmpty();
    }

    @Test
    void deleteDoesNotWaitForADaemonThatSaysNothing() throws Exception {
        Files.createDirectories(state.resolve("run"));
        daemon.own(LockFile.tryAcquire(state.resolve("run/bunkaid.lock")).orElseThrow());
        Instant before = Instant.now();
        CommandResult result = delete("c1").run(soon()).expectSuccess();
        assertThat(parse(result.stdout()).exitStatus()).isEqualTo(137);
        assertThat(questions()).hasSize(1);
        assertThat(Duration.between(before, Instant.now())).isLessThan(Duration.ofSeconds(5));
    }

    private static DeletedTask parse(byte[] response) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(response);
        int pid = 0;
        int status = 0;
        long seconds = 0;
        while (!in.isAtEnd()) {
            switch (in.readTag() >> 3) {
                case 1 -> pid = in.readUInt32();
                case 2 -> status = in.readUInt32();
                case 3 -> {
                    CodedInputStream timestamp = CodedInputStream.newInstance(in.readByteArray());
                    assertThat(timestamp.readTag()).isEqualTo(1 << 3);
                    seconds = timestamp.readInt64();
                    assertThat(timestamp.isAtEnd()).isTrue();
                }
                default -> throw new AssertionError("an unknown field");
            }
        }
        return new DeletedTask(pid, status, Instant.ofEpochSecond(seconds));
    }

    @Test
    void isGoneWithItsQuestionWhenItIsTerminated() throws Exception {
        Files.createDirectories(state.resolve("run"));
        daemon.own(LockFile.tryAcquire(state.resolve("run/bunkaid.lock")).orElseThrow());
        try (CommandRun.Running run = start("c1").start();
                LinuxProcess process =
                        LinuxProcess.adopt(ProcessIdentity.of((int) run.pid()).orElseThrow())) {
            Await.until("the question", soon(), () -> questions().size() == 2);
            process.signal(Signals.SIGTERM);
            CommandResult result = run.await(soon());
            assertThat(result.exitCode()).isEqualTo(143);
            assertThat(result.out()).isEmpty();
        }
        assertThat(questions()).isEmpty();
    }

    // --- starting one

    /** Tells its number, arguments and variables, and stays. */
    private Path programThatStays() throws Exception {
        Path told = test.resolve("told");
        CommandRun.of("mkfifo", told.toString()).run(soon()).expectSuccess();
        program(
                """
                echo $$ >>'%s'
                [ "$(cut -d ' ' -f 6 /proc/$$/stat)" = $$ ] && session=own || session=shared
                held=$(readlink /proc/$$/fd/* | grep -c 'run/')
                echo "$$ $session $(pwd) $held [$SECRET$BUNKAI_X$TTRPC_ADDRESS] $*" >'%s'
                exec sleep 1000
                """
                        .formatted(test.resolve("started"), told));
        return told;
    }

    @Test
    void manyStartOneDaemonThatHoldsNothingOfTheirs() throws Exception {
        Path told = programThatStays();
        List<CommandRun.Running> runs = new ArrayList<>();
        try (Closer all = new Closer()) {
            for (int i = 0; i < 20; i++) {
                CommandRun run =
                        start("c" + i).environment("SECRET", "no").environment("BUNKAI_X", "yes");
                runs.add(all.own(run.start()));
            }
            String line;
            try (BufferedReader reader = Files.newBufferedReader(told)) {
                line = reader.readLine();
            }
            int pid = Integer.parseInt(line.substring(0, line.indexOf(' ')));
            try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(pid).orElseThrow())) {
                startDaemon();
                for (CommandRun.Running run : runs) {
                    // Its output ends although the daemon lives.
                    assertThat(run.await(soon()).expectSuccess().out()).isEqualTo(ADDRESS);
                }
                assertThat(test.resolve("started")).hasContent(pid + "\n");
                assertThat(line.substring(line.indexOf(' ') + 1))
                        .isEqualTo("own / 0 [yes] --state-root " + state);
                process.signal(Signals.SIGKILL);
                process.await();
            }
        }
        assertThat(launches.starts()).hasSize(20);
        assertNothingLeft();
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(state.resolve("log/bunkaid.log"))))
                .isEqualTo("rw-------");
    }

    @Test
    void asksTheNextDaemonIfOneDiesBeforeItHasAnswered() throws Exception {
        Path told = programThatStays();
        Path lock = state.resolve("run/bunkaid.lock");
        Files.createDirectories(lock.getParent());
        try (CommandRun.Running run = startedWhileOneDies(lock)) {
            String line;
            try (BufferedReader reader = Files.newBufferedReader(told)) {
                line = reader.readLine();
            }
            int pid = Integer.parseInt(line.substring(0, line.indexOf(' ')));
            try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(pid).orElseThrow())) {
                startDaemon();
                assertThat(run.await(soon()).expectSuccess().out()).isEqualTo(ADDRESS);
                process.signal(Signals.SIGKILL);
                process.await();
            }
        }
    }

    /** {@return a launcher that has asked a daemon which has ended since} */
    private CommandRun.Running startedWhileOneDies(Path lock) {
        try (CommandRun.Running holder =
                CommandRun.of("flock", lock.toString(), "sh", "-c", "echo held; exec cat")
                        .start()) {
            holder.awaitOutput("held", soon());
            CommandRun.Running run = start("c1").start();
            Await.until("the question", soon(), () -> questions().size() == 2);
            return run;
        }
    }

    @Test
    void deleteStartsADaemonToo() throws Exception {
        Path told = programThatStays();
        try (CommandRun.Running run = delete("c1").start()) {
            String line;
            try (BufferedReader reader = Files.newBufferedReader(told)) {
                line = reader.readLine();
            }
            int pid = Integer.parseInt(line.substring(0, line.indexOf(' ')));
            try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(pid).orElseThrow())) {
                startDaemon();
                assertThat(run.await(soon()).expectSuccess().stdout())
                        .isEqualTo(LaunchAnswer.deleteResponse(FakeLaunches.DELETED));
                process.signal(Signals.SIGKILL);
                process.await();
            }
        }
    }
}
