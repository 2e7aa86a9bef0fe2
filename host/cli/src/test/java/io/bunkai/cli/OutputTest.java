// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.ExplainResponse;
import io.bunkai.api.control.Figure;
import io.bunkai.api.control.InspectResponse;
import io.bunkai.api.control.LimitsRequest;
import io.bunkai.api.control.LimitsResponse;
import io.bunkai.api.control.ListRequest;
import io.bunkai.api.control.ListResponse;
import io.bunkai.api.control.LogEntry;
import io.bunkai.api.control.LogsRequest;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.api.control.RemoveRequest;
import io.bunkai.api.control.RemoveResponse;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.StopRequest;
import io.bunkai.api.control.StopResponse;
import io.bunkai.api.control.TraceResponse;
import io.bunkai.api.control.TraceStep;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What commands print, to the letter. */
class OutputTest {
    private final Shell shell = new Shell();

    @BeforeEach
    void startDaemon() {
        shell.daemon();
    }

    @AfterEach
    void close() {
        shell.close();
    }

    private void listed() {
        long now = Shell.NOW.toEpochMilli();
        shell.daemon()
                .answer(
                        ControlMethods.LIST,
                        _ ->
                                ListResponse.newBuilder()
                                        .addContainers(
                                                ContainerSummary.newBuilder()
                                                        .setId("0123456789abcdef")
                                                        .setName("happy_otter")
                                                        .setImage("busybox")
                                                        .addAllCommand(
                                                                List.of("sh", "-c", "sleep 1\nls"))
                                                        .setState("running")
                                                        .setCreatedAtMs(now - 200_000)
                                                        .setStartedAtMs(now - 180_000)
                                                        .setVmmPid(99)
                                                        .setVcpus(2)
                                                        .setMemoryBytes(512L << 20))
                                        .addContainers(
                                                ContainerSummary.newBuilder()
                                                        .setId("fedcba9876543210")
                                                        .setName("web")
                                                        .setImage(
                                                                "/srv/images/a/very/long/path/of/an/image:v1")
                                                        .addAllCommand(
                                                                List.of(
                                                                        "/bin/program",
                                                                        "--with",
                                                                        "many-options"))
                                                        .setState("stopped")
                                                        .setCreatedAtMs(now - 7_300_000)
                                                        .setStartedAtMs(now - 7_299_000)
                                                        .setFinishedAtMs(now - 1_000)
                                                        .setExitCode(137)
                                                        .setOomKilled(true)
                                                        .setVcpus(1)
                                                        .setMemoryBytes(256L << 20))
                                        .build());
    }

    @Test
    void listsContainersInColumns() {
        listed();
        assertThat(shell.run("ps", "-a")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        CONTAINER ID   NAME          IMAGE                              COMMAND                    CREATED         STATUS                                     CPUS   MEMORY
                        0123456789ab   happy_otter   busybox                            sh -c 'sleep 1 ls'         3 minutes ago   up 3 minutes                               2      512 MiB
                        fedcba987654   web           ...very/long/path/of/an/image:v1   /bin/program --with m...   2 hours ago     exited (137) 1 second ago, out of memory   1      256 MiB
                        """);
        assertThat(shell.daemon().requests(ListRequest.class).getFirst().getAll()).isTrue();
    }

    @Test
    void listsIdsAlone() {
        listed();
        assertThat(shell.run("ps", "-q")).isZero();
        assertThat(shell.run("ps", "-aq", "--no-trunc")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        0123456789ab
                        fedcba987654
                        0123456789abcdef
                        fedcba9876543210
                        """);
    }

    @Test
    void listsContainersForPrograms() {
        listed();
        assertThat(shell.run("ps", "--format", "json")).isZero();
        assertThat(shell.out())
                .startsWith(
                        """
                        [
                          {
                            "id": "0123456789abcdef",
                            "name": "happy_otter",
                            "image": "busybox",
                            "command": [
                              "sh",
                              "-c",
                              "sleep 1\\nls"
                            ],
                            "state": "running",
                            "createdAt": "2026-11-01T11:56:40Z",
                            "startedAt": "2026-11-01T11:57:00Z",
                            "finishedAt": null,
                            "exitCode": 0,
                            "oomKilled": false,
                            "vmmPid": 99,
                            "vcpus": 2,
                            "memoryBytes": 536870912
                          },
                        """);
    }

    @Test
    void refusesAFormatThatItDoesNotKnow() {
        assertThat(shell.run("ps", "--format", "xml")).isEqualTo(125);
        assertThat(shell.err()).contains("'xml' is neither 'table' nor 'json'");
    }

    private static LogEntry entry(LogEntry.Stream stream, long timeMs, String text) {
        return LogEntry.newBuilder()
                .setStream(stream)
                .setTimeMs(timeMs)
                .setData(ByteString.copyFromUtf8(text))
                .build();
    }

    /** Two lines of output, the second in two pieces with a line of errors in between. */
    private void logged() {
        List<LogEntry> entries =
                List.of(
                        entry(LogEntry.Stream.STDOUT, 0, "one\ntw"),
                        entry(LogEntry.Stream.STDERR, 1500, "oops\n"),
                        entry(LogEntry.Stream.STDOUT, 2000, "o\n"));
        shell.daemon()
                .answer(
                        ControlMethods.LOGS,
                        request -> {
                            int next = (int) request.getCursor();
                            LogsResponse.Builder response = LogsResponse.newBuilder();
                            if (next < entries.size()) {
                                response.addEntries(entries.get(next));
                                next++;
                            } else if (request.getFollow() && next == entries.size()) {
                                response.addEntries(entry(LogEntry.Stream.STDOUT, 3000, "late\n"));
                                next++;
                            } else if (next > entries.size()) {
                                response.setEnd(true);
                            }
                            return response.setCursor(next).build();
                        });
    }

    @Test
    void printsKeptOutputWhereItFirstWent() {
        logged();
        assertThat(shell.run("logs", "web")).isZero();
        assertThat(shell.out()).isEqualTo("one\ntwo\n");
        assertThat(shell.err()).isEqualTo("oops\n");
    }

    @Test
    void followsUntilTheProcessHasEnded() {
        logged();
        assertThat(shell.run("logs", "-f", "web")).isZero();
        assertThat(shell.out()).isEqualTo("one\ntwo\nlate\n");
        assertThat(shell.daemon().requests(LogsRequest.class).getLast().getFollow()).isTrue();
    }

    @Test
    void putsTheTimeBeforeEachLineOnceHoweverManyPiecesItCameIn() {
        logged();
        assertThat(shell.run("logs", "--timestamps", "web")).isZero();
        assertThat(shell.out())
                .isEqualTo("1970-01-01T00:00:00.000Z one\n1970-01-01T00:00:00.000Z two\n");
        assertThat(shell.err()).isEqualTo("1970-01-01T00:00:01.500Z oops\n");
    }

    @Test
    void beginsWithTheLastLines() {
        logged();
        assertThat(shell.run("logs", "--tail", "2", "web")).isZero();
        assertThat(shell.out()).isEqualTo("two\n");
        assertThat(shell.err()).isEqualTo("oops\n");
    }

    @Test
    void beginsWithNothingAndFollows() {
        logged();
        assertThat(shell.run("logs", "-f", "-n", "0", "web")).isZero();
        assertThat(shell.out()).isEqualTo("late\n");
    }

    @Test
    void refusesATailThatIsNoNumber() {
        assertThat(shell.run("logs", "--tail", "-1", "web")).isEqualTo(1);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: '-1' is no number of lines
                        hint:  write a number, or all
                        """);
    }

    @Test
    void goesOnWithTheNextContainerAfterAFailure() {
        shell.daemon()
                .answer(
                        ControlMethods.REMOVE,
                        request -> {
                            if (request.getContainer().equals("b")) {
                                throw Fault.notFound("there is no container b")
                                        .withHint("list them: bunkai ps -a");
                            }
                            return RemoveResponse.getDefaultInstance();
                        });

        assertThat(shell.run("rm", "-f", "a", "b", "c")).isEqualTo(1);
        assertThat(shell.out()).isEqualTo("a\nc\n");
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: there is no container b
                        hint:  list them: bunkai ps -a
                        """);
        assertThat(shell.daemon().requests(RemoveRequest.class))
                .allMatch(RemoveRequest::getForce)
                .hasSize(3);
    }

    @Test
    void stopsWithTheSignalAndThePatienceOfTheCaller() {
        shell.daemon().answer(ControlMethods.STOP, _ -> StopResponse.getDefaultInstance());
        assertThat(shell.run("stop", "a")).isZero();
        assertThat(shell.run("stop", "-t", "0", "-s", "SIGINT", "b")).isZero();
        assertThat(shell.daemon().requests(StopRequest.class))
                .containsExactly(
                        StopRequest.newBuilder().setContainer("a").setTimeoutMs(10_000).build(),
                        StopRequest.newBuilder().setContainer("b").setSignal(2).build());
    }

    @Test
    void killsWithAnySignal() {
        assertThat(shell.run("kill", "a")).isZero();
        assertThat(shell.run("kill", "-s", "usr1", "b")).isZero();
        assertThat(shell.run("kill", "-s", "NOPE", "b")).isEqualTo(1);
        assertThat(shell.daemon().requests(SignalRequest.class))
                .extracting(SignalRequest::getSignal)
                .containsExactly(9, 10);
    }

    @Test
    void printsTheExitStatusOfEachContainerWaitedFor() {
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        request ->
                                WaitResponse.newBuilder()
                                        .setExitCode(request.getContainer().length())
                                        .build());
        assertThat(shell.run("wait", "a", "bbb")).isZero();
        assertThat(shell.out()).isEqualTo("1\n3\n");
    }

    @Test
    void printsWhatIsKnownAboutAContainer() {
        shell.daemon()
                .answer(
                        ControlMethods.INSPECT,
                        _ ->
                                InspectResponse.newBuilder()
                                        .setJson("{\"id\":\"a\",\"list\":[1,{}],\"none\":[]}")
                                        .build());
        assertThat(shell.run("inspect", "a")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        {
                          "id": "a",
                          "list": [
                            1,
                            {}
                          ],
                          "none": []
                        }
                        """);
    }

    @Test
    void reportsAnAnswerThatIsNoJson() {
        shell.daemon()
                .answer(
                        ControlMethods.INSPECT,
                        _ -> InspectResponse.newBuilder().setJson("{oops").build());
        assertThat(shell.run("inspect", "a")).isEqualTo(1);
        assertThat(shell.err()).startsWith("error: the daemon's answer is no JSON\ncause: ");
    }

    @Test
    void explainsWhatRunWouldDo() {
        shell.daemon()
                .answer(
                        ControlMethods.EXPLAIN,
                        request ->
                                ExplainResponse.newBuilder()
                                        .setJson("{\"args\":\"" + request.getArgsList() + "\"}")
                                        .build());
        assertThat(shell.run("explain", "--rm", "-m", "64m", "--", "ls", "-l")).isZero();
        assertThat(shell.out()).isEqualTo("{\n  \"args\": \"[ls, -l]\"\n}\n");
    }

    private void traced() {
        shell.daemon()
                .answer(
                        ControlMethods.TRACE,
                        _ ->
                                TraceResponse.newBuilder()
                                        .addSteps(step("plan", "host", 0, 10_000, ""))
                                        .addSteps(
                                                step(
                                                        "boot the guest",
                                                        "host",
                                                        10_000,
                                                        1_510_000,
                                                        "QEMU 7.2, tcg"))
                                        .addSteps(step("kernel", "guest", 60_000, 760_000, ""))
                                        .addSteps(
                                                step(
                                                        "start the process",
                                                        "guest",
                                                        1_999_999,
                                                        2_000_000,
                                                        ""))
                                        .build());
    }

    private static TraceStep step(String name, String side, long begin, long end, String detail) {
        return TraceStep.newBuilder()
                .setName(name)
                .setSide(side)
                .setBeginMicros(begin)
                .setEndMicros(end)
                .setDetail(detail)
                .build();
    }

    @Test
    void drawsAStartPlainlyWhereNobodyLooks() {
        traced();
        assertThat(shell.run("trace", "--details", "a")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        total 2.000 s

                        STEP               SIDE       BEGIN       TIME
                        plan               host      0.0 ms    10.0 ms  #
                        boot the guest     host     10.0 ms    1.500 s  ########################################
                            QEMU 7.2, tcg
                        kernel             guest    60.0 ms   700.0 ms   ###################
                        start the process  guest    2.000 s     0.0 ms                                                     #
                        """);
    }

    @Test
    void drawsAStartWithColoursAndFineBarsOnATerminal() {
        traced();
        shell.terminal.output = true;
        shell.terminal.size = new Terminal.Size(24, 70);
        shell.environment.put("LANG", "C.UTF-8");
        assertThat(shell.run("trace", "a")).isZero();
        assertThat(shell.out())
                .contains(
                        "kernel             guest    60.0 ms   700.0 ms  \033[32m"
                                + "\u2588".repeat(8)
                                + "\u258d\033[0m\n")
                .contains("\033[34m\u258f\033[0m\n");
        shell.environment.put("NO_COLOR", "1");
        shell.stdout = new java.io.ByteArrayOutputStream();
        assertThat(shell.run("trace", "a")).isZero();
        assertThat(shell.out()).doesNotContain("\033").doesNotContain("\u2588").contains("##");
    }

    private List<LimitsRequest> limited() {
        List<LimitsRequest> asked = new ArrayList<>();
        shell.daemon()
                .answer(
                        ControlMethods.LIMITS,
                        request -> {
                            asked.add(request);
                            return LimitsResponse.newBuilder()
                                    .addFigures(figure("limits.fs-bw-size", "10000000"))
                                    .addFigures(figure("bytes-read", "5"))
                                    .build();
                        });
        return asked;
    }

    private static Figure figure(String name, String value) {
        return Figure.newBuilder().setName(name).setValue(value).build();
    }

    @Test
    void showsLimits() {
        limited();
        int code = shell.run("limits", "get", "a");
        assertThat(code).as(shell.err()).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        FIGURE              VALUE
                        limits.fs-bw-size   10000000
                        bytes-read          5
                        """);
    }

    @Test
    void changesLimitsAsPeopleWriteThem() {
        List<LimitsRequest> asked = limited();
        assertThat(shell.run("limits", "set", "a", "--bw", "10MB/s", "--burst=20MiB", "--ops=500"))
                .isZero();
        assertThat(asked.getFirst().getChangesMap())
                .containsOnly(
                        Map.entry("fs-bw-size", "10000000"),
                        Map.entry("fs-bw-burst", "20971520"),
                        Map.entry("fs-ops-size", "500"));
        assertThat(shell.run("limits", "set", "a", "--bw", "64KiB/s", "--ops-burst=1k")).isZero();
        assertThat(asked.getLast().getChangesMap())
                .containsOnly(Map.entry("fs-bw-size", "65536"), Map.entry("fs-ops-burst", "1000"));
    }

    @Test
    void refusesLimitsThatAreNone() {
        List<LimitsRequest> asked = limited();
        assertThat(shell.run("limits", "set", "a")).isEqualTo(1);
        assertThat(shell.run("limits", "set", "a", "--bw", "fast")).isEqualTo(1);
        assertThat(asked).isEmpty();
        assertThat(shell.err()).contains("'fast' is not an amount");
    }

    @Test
    void tracesForPrograms() {
        traced();
        assertThat(shell.run("trace", "--format=json", "a")).isZero();
        assertThat(shell.out())
                .startsWith(
                        """
                        {
                          "totalMicros": 2000000,
                          "steps": [
                            {
                              "name": "plan",
                              "side": "host",
                              "beginMicros": 0,
                              "endMicros": 10000,
                              "detail": ""
                            },
                        """);
    }

    @Test
    void printsTheVersionsOfBothSides() {
        assertThat(shell.run("version")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        bunkai       %s (protocol 1)
                        daemon       0.1.0 (protocol 1, process 4711)
                        accelerator  tcg (there is no /dev/kvm)
                        vmm          QEMU 7.2.22
                        kernel       /g/vmlinuz
                        image        /g/rootfs.erofs
                        state root   /s
                        """
                                .formatted(VersionCommand.ofClient()));
        assertThat(VersionCommand.ofClient()).matches("\\d+\\.\\d+\\.\\d+.*");
    }

    @Test
    void printsItsOwnVersionWithoutADaemon() {
        try (Shell alone = new Shell()) {
            assertThat(alone.run("version")).isZero();
            assertThat(alone.out()).endsWith("daemon       not running\n");
            assertThat(alone.run("version", "--client", "--format", "json")).isZero();
            assertThat(alone.out()).endsWith("\"protocol\": 1\n  }\n}\n");
            assertThat(alone.run("daemon", "status")).isEqualTo(1);
            assertThat(alone.run("daemon", "stop")).isZero();
        }
    }

    @Test
    void refusesADaemonOfAnotherProtocol() {
        shell.daemon()
                .answer(
                        ControlMethods.VERSION,
                        _ ->
                                VersionResponse.newBuilder()
                                        .setDaemon("9.0.0")
                                        .setProtocol(9)
                                        .setPid(42)
                                        .build());
        assertThat(shell.run("ps")).isEqualTo(1);
        assertThat(shell.err())
                .isEqualTo(
                        "error: the running daemon (9.0.0, process 42) speaks version 9 of the"
                                + " control protocol, and this command version 1\n"
                                + "hint:  stop it (kill 42); the next command starts one that fits,"
                                + " and containers go on running meanwhile\n");
    }

    @Test
    void helpsWithACommandThatDoesNotExist() {
        assertThat(shell.run("rum")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: unmatched argument at index 0: 'rum'
                        hint:  did you mean 'run'? Otherwise run 'bunkai --help'
                        """);
    }

    @Test
    void explainsItself() {
        assertThat(shell.run()).isZero();
        assertThat(shell.run("help", "run")).isZero();
        assertThat(shell.out())
                .contains("Usage: bunkai")
                .contains("125", "126", "127")
                .contains("Usage: bunkai run")
                .contains("[IMAGE] [--] [COMMAND...]")
                .doesNotContain("\0");
        assertThat(shell.err()).isEmpty();
    }

    @Test
    void printsStackTracesOnRequestOnly() {
        shell.daemon()
                .answer(
                        ControlMethods.LIST,
                        _ -> {
                            throw Fault.internal("broken");
                        });
        shell.run("ps");
        assertThat(shell.err()).isEqualTo("error: broken\n");
        shell.environment.put("BUNKAI_DEBUG", "1");
        shell.run("ps");
        assertThat(shell.err()).contains("\tat io.bunkai.");
    }

    @Test
    void namesAStateRootThatIsTooDeepForASocket() {
        String deep = "/" + "d".repeat(120);
        assertThat(shell.run("--state-root", deep, "ps")).isEqualTo(1);
        assertThat(shell.err()).contains("too deep").contains("--state-root");
    }

    @Test
    void takesTheStateRootBeforeAndBehindTheCommandAndFromTheEnvironment() {
        try (Shell elsewhere = new Shell()) {
            String root = shell.root.toString();
            assertThat(elsewhere.run("--state-root", root, "daemon", "status")).isZero();
            assertThat(elsewhere.run("daemon", "status", "--state-root=" + root)).isZero();
            elsewhere.environment.put("BUNKAI_ROOT", root);
            assertThat(elsewhere.run("daemon", "status")).isZero();
            assertThat(elsewhere.out()).isEqualTo("running, process 4711, state in /s\n".repeat(3));
        }
    }
}
