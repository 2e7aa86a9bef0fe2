// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Terminal;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What ctr can do with a task. Each test that starts one ends it; the others share one. */
class ContainerdTaskTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    private static final String BOX = "box";
    private static final Terminal.Size SIZE = new Terminal.Size(33, 111);
    private static final int MIB = 1024 * 1024;

    private static Ctr ctr;

    @BeforeAll
    static void startOne() {
        ctr = containerd.in("default");
        ctr.startSleeper(BOX, "--allow-new-privs");
    }

    @AfterAll
    static void removeIt() {
        ctr.remove(BOX);
    }

    // ---- run ----

    @Test
    void bytesGoInAndComeOutExactlyAndTheExitCodeIsTheProcesses() {
        byte[] bytes = new byte[MIB];
        new Random(7).nextBytes(bytes);

        CommandResult result =
                ctr.command(
                                "run",
                                "--rm",
                                TestContainerd.LAYERS,
                                "exact",
                                "sh",
                                "-c",
                                "tee /copy; cat /copy >&2; exit 3")
                        .stdin(bytes)
                        .run(TestNode.patience());

        assertThat(result.exitCode()).isEqualTo(3);
        assertThat(result.stdout()).isEqualTo(bytes);
        assertThat(result.stderr()).isEqualTo(bytes);
        assertThat(ctr.states()).doesNotContainKey("exact");
        assertThat(ctr.out("containers", "ls")).doesNotContain("exact");
    }

    @Test
    void environmentFolderAndReadOnlyRootAreAsAskedFor() {
        String out =
                ctr.out(
                        "run",
                        "--rm",
                        "--read-only",
                        "--cwd",
                        "/etc",
                        "--env",
                        "ADDED=b c",
                        "--env",
                        "FROM_IMAGE=no",
                        TestContainerd.LAYERS,
                        "asked",
                        "sh",
                        "-c",
                        "pwd; echo $ADDED; echo $FROM_IMAGE; touch /x 2>&1; echo $?; id -u");

        assertThat(out.lines())
                .containsExactly("/etc", "b c", "no", "touch: /x: Read-only file system", "1", "0");
    }

    @Test
    void anImagesUserAndFolderAreThoseOfItsProcess() {
        String out =
                ctr.out(
                        "run",
                        "--rm",
                        TestContainerd.TWIN,
                        "twin",
                        "sh",
                        "-c",
                        "id -un; id -g; pwd; cat /etc/replaced; cat /proc/self/comm");

        assertThat(out.lines()).containsExactly("bob", "100", "/home/bob", "base", "cat");
    }

    @Test
    void foldersAndFilesOfTheHostAreMounted(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("in"), "of the host\n");
        String out =
                ctr.out(
                        "run",
                        "--rm",
                        "--mount",
                        "type=bind,src=" + folder + ",dst=/data,options=rbind:rw",
                        "--mount",
                        "type=bind,src=" + folder.resolve("in") + ",dst=/etc/in,options=bind:ro",
                        TestContainerd.LAYERS,
                        "mounts",
                        "sh",
                        "-c",
                        "cat /data/in /etc/in; echo of the guest >/data/out;"
                                + " echo no >/etc/in || echo refused");

        assertThat(out.lines()).containsExactly("of the host", "of the host", "refused");
        assertThat(folder.resolve("out")).hasContent("of the guest\n");
    }

    @Test
    void aProgramThatIsNotThereIsToldByItsName() {
        CommandResult result =
                ctr.ctr("run", "--rm", TestContainerd.LAYERS, "none", "no-such-program");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("no-such-program").contains("not found");
        assertThat(ctr.states()).doesNotContainKey("none");
        assertThat(ctr.out("containers", "ls")).doesNotContain("none");
    }

    @Test
    void anAttachedProcessHasATerminalOfTheCallersSize() throws Exception {
        try (Keyboard keyboard = Keyboard.open(SIZE)) {
            LinuxProcess run =
                    keyboard.run(
                            ctr.words(
                                    "run",
                                    "--rm",
                                    "-t",
                                    TestContainerd.LAYERS,
                                    "terminal",
                                    "sh",
                                    "-c",
                                    "tty; read -r line; echo got $line; until stty size"
                                            + " 2>/dev/null; do sleep 0.1; done; exit 4"),
                            Map.of());
            keyboard.awaitScreen("\n", TestNode.patience());
            keyboard.type("some words\r");

            assertThat(keyboard.await(run, TestNode.patience())).isEqualTo(4);
            assertThat(keyboard.screen().lines().filter(line -> !line.isEmpty()))
                    .endsWith("some words", "got some words", "33 111");
        }
    }

    // ---- one life ----

    @Test
    void aTaskLivesAndItsEventsComeInOrder() throws IOException {
        Path log = containerd.dir().resolve("log/life");
        ctr.out(
                "run",
                "-d",
                "--log-uri",
                "file://" + log,
                TestContainerd.LAYERS,
                "life",
                "sh",
                "-c",
                "trap 'echo ends; exit 5' TERM; echo lives; while :; do sleep 0.1; done");
        assertThat(ctr.state("life")).isEqualTo("RUNNING");
        Await.until("output", TestNode.patience(), () -> text(log).equals("lives\n"));

        assertThat(ctr.ctr("tasks", "delete", "life").expectExit(1).err())
                .contains("must be stopped")
                .contains("failed precondition");
        assertThat(ctr.ctr("containers", "delete", "life").exitCode()).isEqualTo(1);
        ctr.ctr("tasks", "exec", "--exec-id", "seven", "life", "sh", "-c", "exit 7").expectExit(7);

        ctr.ctr("tasks", "kill", "life").expectSuccess();
        ctr.awaitState("life", "STOPPED");
        assertThat(text(log)).isEqualTo("lives\nends\n");
        assertThat(ctr.ctr("tasks", "kill", "life").expectExit(1).err())
                .contains("already finished")
                .contains("not found");
        assertThat(ctr.ctr("tasks", "exec", "--exec-id", "late", "life", "true").exitCode())
                .isEqualTo(1);

        assertThat(ctr.ctr("tasks", "delete", "life").err()).contains("exit code 5");
        assertThat(ctr.state("life")).isEmpty();
        assertThat(ctr.ctr("tasks", "delete", "life").expectExit(1).err()).contains("not found");
        ctr.ctr("containers", "delete", "life").expectSuccess();
        CtrEvents.Event deleted = containerd.awaitEvent(ctr, "life", "/tasks/delete", "life");
        assertThat(deleted.number("exit_status")).isEqualTo(5);
        assertThat(containerd.events(ctr, "life"))
                .extracting(CtrEvents.Event::summary)
                .containsSubsequence(
                        "create life",
                        "start life",
                        "exec-added seven",
                        "exec-started seven",
                        "exit seven 7",
                        "exit life 5",
                        "delete life");
        assertThat(containerd.events(ctr, "life").getLast()).isEqualTo(deleted);
        int pid = containerd.awaitEvent(ctr, "life", "/tasks/create", "life").number("pid");
        assertThat(containerd.events(ctr, "life"))
                .filteredOn(event -> event.process().equals("life"))
                .extracting(event -> event.number("pid"))
                .containsOnly(pid);
    }

    private static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void aTaskThatNeedsMoreThanItsMemoryIsKilledAndThisIsTold() {
        CommandResult result =
                ctr.ctr(
                        "run",
                        "--rm",
                        "--memory-limit",
                        String.valueOf(64L * MIB),
                        TestContainerd.LAYERS,
                        "hungry",
                        "tail",
                        "-n",
                        "1",
                        "/dev/zero");

        assertThat(result.exitCode()).isEqualTo(137);
        containerd.awaitEvent(ctr, "hungry", "/tasks/exit", "hungry");
        // runc's shim of 2.1 may be gone before it has told of the deletion.
        assertThat(containerd.events(ctr, "hungry"))
                .filteredOn(event -> !event.topic().equals("/tasks/delete"))
                .extracting(CtrEvents.Event::summary)
                .containsExactly("create hungry", "start hungry", "oom hungry", "exit hungry 137");
    }

    @Test
    void aSignalForAllReachesEveryProcess() {
        ctr.startSleeper("all");
        ctr.out("tasks", "exec", "-d", "--exec-id", "one", "all", "sleep", "100000");

        ctr.ctr("tasks", "kill", "--all", "--signal", "KILL", "all").expectSuccess();

        CtrEvents.Event exec = containerd.awaitEvent(ctr, "all", "/tasks/exit", "one");
        CtrEvents.Event init = containerd.awaitEvent(ctr, "all", "/tasks/exit", "all");
        assertThat(exec.number("exit_status")).isEqualTo(137);
        assertThat(init.number("exit_status")).isEqualTo(137);
        ctr.awaitState("all", "STOPPED");
        assertThat(ctr.ctr("tasks", "delete", "all").err()).contains("exit code 137");
        ctr.ctr("containers", "delete", "all").expectSuccess();
    }

    // ---- exec ----

    @Test
    void anExecHasItsOwnUserFolderInputAndExitCode() {
        assertThat(ctr.out("tasks", "exec", "--user", "1000:0", BOX, "id"))
                .startsWith("uid=1000(alice) gid=0(root)");
        assertThat(
                        ctr.out(
                                        "tasks",
                                        "exec",
                                        "--user",
                                        "alice",
                                        "--cwd",
                                        "/etc",
                                        BOX,
                                        "sh",
                                        "-c",
                                        "id -u; id -g; pwd; echo $HOME")
                                .lines())
                .containsExactly("1000", "100", "/etc", "/home/alice");
        byte[] bytes = "no line's end\0and a byte of nought".getBytes(StandardCharsets.UTF_8);
        CommandResult result =
                ctr.command("tasks", "exec", BOX, "sh", "-c", "cat; echo other >&2; exit 9")
                        .stdin(bytes)
                        .run(TestNode.patience());
        assertThat(result.exitCode()).isEqualTo(9);
        assertThat(result.stdout()).isEqualTo(bytes);
        assertThat(result.err()).isEqualTo("other\n");
    }

    @Test
    void anExecThatASignalEndsHasTheSignalsExitCode() {
        ctr.ctr("tasks", "exec", BOX, "sh", "-c", "kill -9 $$").expectExit(137);
        try (CommandRun.Running exec =
                ctr.command("tasks", "exec", "--exec-id", "signalled", BOX, "sleep", "100000")
                        .start()) {
            containerd.awaitEvent(ctr, BOX, "/tasks/exec-started", "signalled");
            assertThat(ctr.out("tasks", "ps", BOX)).contains("signalled");
            ctr.ctr("tasks", "kill", "--exec-id", "signalled", "--signal", "TERM", BOX)
                    .expectSuccess();

            exec.await(TestNode.patience()).expectExit(143);
        }
        assertThat(ctr.state(BOX)).isEqualTo("RUNNING");
    }

    @Test
    void anExecWithoutItsProgramIsRefusedByItsName() {
        assertThat(ctr.ctr("tasks", "exec", BOX, "no-such-program").expectExit(1).err())
                .contains("no-such-program")
                .contains("not found");
        assertThat(ctr.inside(BOX, "echo", "still here")).isEqualTo("still here");
    }

    @Test
    void anExecFollowsTheCallersWindow() throws Exception {
        try (Keyboard keyboard = Keyboard.open(SIZE)) {
            LinuxProcess exec = keyboard.run(ctr.words("tasks", "exec", "-t", BOX, "sh"), Map.of());
            // ctr tells the size when the process has been started already.
            keyboard.type("until stty size | grep '33 111'; do sleep 0.1; done\r");
            keyboard.awaitScreen("\n33 111", TestNode.patience());

            keyboard.resize(exec, new Terminal.Size(50, 140));
            keyboard.type("until stty size | grep '50 140'; do sleep 0.1; done; exit 6\r");
            keyboard.awaitNewSize(exec, "\n50 140", TestNode.patience());

            assertThat(keyboard.await(exec, TestNode.patience())).isEqualTo(6);
        }
    }

    // ---- what is said of a task ----

    @Test
    void aPausedTaskDoesNothingUntilItIsResumed() {
        ctr.out(
                "tasks",
                "exec",
                "-d",
                "--exec-id",
                "counter",
                BOX,
                "sh",
                "-c",
                "while :; do date +%s%N >/now; usleep 20000; done");
        Await.until(
                "a counter",
                TestNode.patience(),
                () -> ctr.ctr("tasks", "exec", BOX, "cat", "/now").exitCode() == 0);

        ctr.ctr("tasks", "pause", BOX).expectSuccess();
        assertThat(ctr.state(BOX)).isEqualTo("PAUSED");
        assertThat(ctr.ctr("tasks", "exec", BOX, "true").expectExit(1).err()).contains("pause");
        long paused = cpu();
        assertThat(cpu()).isEqualTo(paused);

        ctr.ctr("tasks", "resume", BOX).expectSuccess();
        assertThat(ctr.state(BOX)).isEqualTo("RUNNING");
        String then = ctr.inside(BOX, "cat", "/now");
        Await.until(
                "the counter to go on",
                TestNode.patience(),
                () -> !ctr.inside(BOX, "cat", "/now").equals(then));
        ctr.out("tasks", "kill", "--exec-id", "counter", "--signal", "KILL", BOX);
        containerd.awaitEvent(ctr, BOX, "/tasks/exit", "counter");
        assertThat(containerd.events(ctr, BOX))
                .extracting(CtrEvents.Event::summary)
                .containsSubsequence("paused box", "resumed box", "exit counter 137");
    }

    /** The version of control groups decides the names; a guest's is not that of the host. */
    private static long cpu() {
        return metrics()
                .getOrDefault("cpuacct.usage", metrics().getOrDefault("cpu.usage_usec", 0L));
    }

    private static Map<String, Long> metrics() {
        Map<String, Long> metrics = new TreeMap<>();
        ctr.out("tasks", "metrics", BOX)
                .lines()
                .map(line -> line.split("\\s+"))
                .filter(fields -> fields.length == 2 && fields[1].matches("\\d+"))
                .forEach(fields -> metrics.put(fields[0], Long.valueOf(fields[1])));
        return metrics;
    }

    @Test
    void metricsTellOfProcessesProcessorsAndMemory() {
        Map<String, Long> metrics = metrics();

        assertThat(metrics.get("pids.current")).isBetween(1L, 100L);
        assertThat(cpu()).isPositive();
        assertThat(
                        metrics.getOrDefault(
                                "memory.usage_in_bytes", metrics.getOrDefault("memory.usage", 0L)))
                .isBetween(64L * 1024, 512L * MIB);
    }

    @Test
    void theListOfProcessesBeginsWithTheTasksOwn() {
        String first = ctr.out("tasks", "ps", BOX).lines().skip(1).findFirst().orElseThrow();

        assertThat(first.split("\\s+")[0]).matches("[1-9][0-9]*");
    }

    @Test
    @EnabledIf("io.bunkai.it.TestContainerd#isBunkai")
    void aCheckpointIsRefusedAndTheTaskGoesOn() {
        assertThat(ctr.ctr("tasks", "checkpoint", BOX).expectExit(1).err())
                .contains("checkpoint")
                .contains("not");
        assertThat(ctr.state(BOX)).isEqualTo("RUNNING");
    }

    @Test
    @EnabledIf("io.bunkai.it.TestContainerd#isBunkai")
    void theKernelIsTheGuests() throws IOException {
        assertThat(ctr.inside(BOX, "uname", "-r"))
                .isNotEqualTo(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
    }

    /** Whoever looks into the process's namespaces, as a network plugin does, finds a process. */
    @Test
    void theTasksProcessIsOneOfTheHost() {
        assertThat(Path.of("/proc", String.valueOf(ctr.pid(BOX)), "ns/net")).exists();
    }

    // ---- the image ----

    @Test
    void upperLayersDeleteHideAndReplace() {
        assertThat(ctr.inside(BOX, "ls", "/etc").lines())
                .contains("group", "passwd", "replaced")
                .doesNotContain("deleted");
        assertThat(ctr.inside(BOX, "cat", "/etc/replaced")).isEqualTo("second");
        assertThat(ctr.inside(BOX, "find", "/opt/hidden").lines())
                .containsExactlyInAnyOrder("/opt/hidden", "/opt/hidden/of-third");
    }

    @Test
    void linksNamesAndModesAreThoseOfTheImage() {
        assertThat(
                        ctr.inside(
                                        BOX,
                                        "stat",
                                        "-c",
                                        "%F %h %a",
                                        "/opt/links/one",
                                        "/opt/links/two",
                                        "/opt/links/symbolic",
                                        "/opt/links/fifo",
                                        "/usr/bin/busybox-setuid",
                                        "/tmp",
                                        "/opt/" + "0".repeat(200))
                                .lines())
                .containsExactly(
                        "regular file 2 644",
                        "regular file 2 644",
                        "symbolic link 1 777",
                        "fifo 1 644",
                        "regular file 1 4755",
                        "directory 2 1777",
                        "regular file 1 644");
        assertThat(ctr.inside(BOX, "readlink", "-f", "/opt/links/symbolic"))
                .isEqualTo("/opt/links/one");
        ctr.ctr("tasks", "exec", BOX, "test", "/opt/links/one", "-ef", "/opt/links/two")
                .expectSuccess();
    }

    /** A raw socket takes root, or the program's own bits. */
    @Test
    void theSetuidBitAndFileCapabilitiesWork() {
        String ping = "ping -c 1 -w 5 127.0.0.1";
        assertThat(asAlice(ping).expectExit(1).err()).contains("permission denied");
        asAlice("busybox-setuid " + ping).expectSuccess();

        assertThat(asAlice("grep CapEff /proc/self/status").out()).contains("0000000000000000");
        assertThat(asAlice("busybox-capable grep CapEff /proc/self/status").expectSuccess().out())
                .contains("0000000000000400");
    }

    private static CommandResult asAlice(String command) {
        return ctr.ctr("tasks", "exec", "--user", "alice", BOX, "sh", "-c", command);
    }
}
