// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.FileStats;
import io.bunkai.api.control.GuestStats;
import io.bunkai.api.control.HostStats;
import io.bunkai.api.control.MetricsResponse;
import io.bunkai.api.control.ProcessStats;
import io.bunkai.api.control.StatsRequest;
import io.bunkai.api.control.StatsResponse;
import io.bunkai.base.Fault;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code stats} and {@code metrics} print, to the letter. */
class StatsTest {
    private static final long MIB = 1024 * 1024;
    private static final long SECOND = 1_000_000_000;
    private static final String[] ONCE = {"stats", "--no-stream", "--interval", "0.1"};

    private final Shell shell = new Shell();

    @AfterEach
    void close() {
        shell.close();
    }

    /** The answers, one after the other; then the daemon has gone. */
    private void answers(StatsResponse... answers) {
        AtomicInteger next = new AtomicInteger();
        shell.daemon()
                .answer(
                        ControlMethods.STATS,
                        _ -> {
                            if (next.get() == answers.length) {
                                throw Fault.unavailable("the daemon is ending");
                            }
                            return answers[next.getAndIncrement()];
                        });
    }

    private static StatsResponse of(ContainerStats.Builder... containers) {
        return StatsResponse.newBuilder()
                .addAllContainers(
                        Arrays.stream(containers).map(ContainerStats.Builder::build).toList())
                .build();
    }

    /** One of which everything is known, {@code seconds} after the first look at it. */
    private static ContainerStats.Builder web(long seconds) {
        return ContainerStats.newBuilder()
                .setId("0123456789abcdef")
                .setName("web")
                .setState("running")
                .setVcpus(2)
                .setMemoryBytes(512 * MIB)
                .setGuest(
                        GuestStats.newBuilder()
                                .setAtNanos(100 * SECOND + seconds * SECOND)
                                .setCpuNanos(7 * SECOND + seconds * SECOND / 4)
                                .setMemoryBytes(64 * MIB)
                                .setMemoryLimitBytes(256 * MIB)
                                .setProcesses(12)
                                .setBlockReadBytes(3 * MIB / 2)
                                .setBlockWrittenBytes(4096)
                                .setNetworkReceivedBytes(2048)
                                .setNetworkSentBytes(17))
                .setHost(
                        HostStats.newBuilder()
                                .setAtNanos(200 * SECOND + seconds * SECOND)
                                .setCpuNanos(9 * SECOND + seconds * SECOND * 3 / 2)
                                .setMemoryBytes(300 * MIB))
                .setHypervisor(
                        ProcessStats.newBuilder()
                                .setPid(42)
                                .setCpuNanos(8 * SECOND)
                                .setResidentBytes(280 * MIB))
                .setFileServer(
                        ProcessStats.newBuilder()
                                .setPid(43)
                                .setCpuNanos(SECOND)
                                .setResidentBytes(20 * MIB))
                .setFiles(
                        FileStats.newBuilder()
                                .setLimited(true)
                                .setReadBytes(10 * MIB)
                                .setWrittenBytes(0)
                                .setRequests(321)
                                .setThrottledRequests(5)
                                .setThrottledNanos(6_000_000)
                                .setParkedRequests(2)
                                .addAllWaits(List.of(1L, 0L, 4L)));
    }

    /** One whose guest and file server are silent. */
    private static ContainerStats.Builder silent() {
        return ContainerStats.newBuilder()
                .setId("fedcba9876543210")
                .setName("silent")
                .setState("running")
                .setVcpus(1)
                .setMemoryBytes(256 * MIB)
                .setHost(HostStats.newBuilder().setAtNanos(5).setMemoryBytes(100 * MIB));
    }

    @Test
    void whatIsNotKnownIsADash() {
        answers(of(web(0), silent()), of(web(2), silent()));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        CONTAINER ID   NAME     CPU %    MEM USAGE / LIMIT   MEM %    PIDS   NET I/O        BLOCK I/O         FILE I/O       REQUESTS   THROTTLED   WAITED   PARKED   HOST CPU %   HOST MEM
                        0123456789ab   web      25.00%   64 MiB / 256 MiB    25.00%   12     2 KiB / 17 B   1.5 MiB / 4 KiB   10 MiB / 0 B   321        5           6 ms     2        150.00%      300 MiB
                        fedcba987654   silent   -        -                   -        -      -              -                 -              -          -           -        -        -            100 MiB
                        """);
    }

    @Test
    void programsGetEverything() {
        answers(of(web(0), silent()), of(web(2), silent()));
        assertThat(shell.run("stats", "--no-stream", "--interval=0.1", "--format=json")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        [
                          {
                            "id": "0123456789abcdef",
                            "name": "web",
                            "state": "running",
                            "vcpus": 2,
                            "memoryBytes": 536870912,
                            "guest": {
                              "cpuPercent": 25.0,
                              "cpuNanos": 7500000000,
                              "memoryBytes": 67108864,
                              "memoryLimitBytes": 268435456,
                              "processes": 12,
                              "blockReadBytes": 1572864,
                              "blockWrittenBytes": 4096,
                              "networkReceivedBytes": 2048,
                              "networkSentBytes": 17
                            },
                            "host": {
                              "cpuPercent": 150.0,
                              "cpuNanos": 12000000000,
                              "memoryBytes": 314572800
                            },
                            "hypervisor": {
                              "pid": 42,
                              "cpuNanos": 8000000000,
                              "residentBytes": 293601280
                            },
                            "fileServer": {
                              "pid": 43,
                              "cpuNanos": 1000000000,
                              "residentBytes": 20971520
                            },
                            "files": {
                              "limited": true,
                              "readBytes": 10485760,
                              "writtenBytes": 0,
                              "requests": 321,
                              "throttledRequests": 5,
                              "throttledNanos": 6000000,
                              "parkedRequests": 2,
                              "waits": [
                                1,
                                0,
                                4
                              ]
                            }
                          },
                          {
                            "id": "fedcba9876543210",
                            "name": "silent",
                            "state": "running",
                            "vcpus": 1,
                            "memoryBytes": 268435456,
                            "guest": null,
                            "host": {
                              "cpuPercent": null,
                              "cpuNanos": 0,
                              "memoryBytes": 104857600
                            },
                            "hypervisor": null,
                            "fileServer": null,
                            "files": null
                          }
                        ]
                        """);
    }

    @Test
    void aGuestWhoseCountersGoBackHasNoRate() {
        ContainerStats.Builder before = web(4);
        answers(of(before), of(web(2)));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out()).contains("web    -       64 MiB / 256 MiB");
    }

    @Test
    void aGuestThatClaimsTheLargestNumbersIsShown() {
        ContainerStats.Builder boaster = web(2);
        boaster.setGuest(
                boaster.getGuest().toBuilder()
                        .setCpuNanos(Long.MAX_VALUE)
                        .setMemoryBytes(Long.MAX_VALUE)
                        .setMemoryLimitBytes(0)
                        .setBlockReadBytes(Long.MAX_VALUE));
        boaster.setName("\u001b[2Jhi");
        answers(of(web(0)), of(boaster));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out())
                .doesNotContain("\u001b")
                .contains("8388608 TiB / 0 B   -", "8388608 TiB / 4 KiB");
    }

    @Test
    void countersThatNeverCountedAreNotShownAsZero() {
        ContainerStats.Builder unlimited = web(2);
        unlimited.setFiles(
                FileStats.newBuilder().setReadBytes(0).setWrittenBytes(0).setRequests(0));
        answers(of(web(0)), of(unlimited));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out()).contains("1.5 MiB / 4 KiB   -          -          -           -");
    }

    @Test
    void aLongWaitIsInSeconds() {
        ContainerStats.Builder slow = web(2);
        slow.setFiles(slow.getFiles().toBuilder().setThrottledNanos(61_250_000_000L));
        answers(of(web(0)), of(slow));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out()).contains("   61.3 s   2  ");
    }

    @Test
    void figuresThatMakeNoSenseAreLeftOut() {
        ContainerStats.Builder odd = web(2);
        odd.setFiles(FileStats.newBuilder().setLimited(true).setReadBytes(1).setRequests(3));
        answers(of(web(0)), of(odd), of(web(0)), of(odd));
        assertThat(shell.run(ONCE)).isZero();
        assertThat(shell.out()).contains("1.5 MiB / 4 KiB   -          3          -");
        assertThat(shell.run("stats", "--no-stream", "--interval=0.1", "--format=json")).isZero();
        assertThat(shell.out()).contains("\"writtenBytes\": null", "\"waits\": []");
    }

    @Test
    void aStreamGoesOnUntilTheDaemonEnds() {
        answers(of(web(0)), of(web(2)), of(web(4)));
        assertThat(shell.run("stats", "--interval", "0.1")).isEqualTo(1);
        assertThat(shell.out().lines().filter(line -> line.startsWith("CONTAINER ID"))).hasSize(2);
        assertThat(shell.out()).doesNotContain("\u001b");
        assertThat(shell.err()).contains("the daemon is ending");
    }

    @Test
    void onATerminalTheScreenIsClearedBeforeEachTable() {
        shell.terminal.output = true;
        answers(of(web(0)), of(web(2)), of(web(4)));
        shell.run("stats", "--interval", "0.1");
        assertThat(shell.out().split("\u001b\\[2J\u001b\\[HCONTAINER ID", -1)).hasSize(3);
    }

    @Test
    void aStreamOfContainersThatHaveGoneEnds() {
        answers(of(web(0)), of(web(2)), of());
        assertThat(shell.run("stats", "--interval", "0.1", "web")).isZero();
        List<StatsRequest> requests = shell.daemon().requests(StatsRequest.class);
        assertThat(requests).hasSize(3).allMatch(one -> one.getContainersList().contains("web"));
        assertThat(requests.stream().map(StatsRequest::getSkipMissing))
                .containsExactly(false, true, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "0.05", "3601"})
    void anIntervalHasItsBounds(String seconds) {
        shell.daemon();
        assertThat(shell.run("stats", "--interval=" + seconds)).isEqualTo(1);
        assertThat(shell.err()).contains("is not between 0.1 and 3600");
        assertThat(shell.daemon().requests(StatsRequest.class)).isEmpty();
    }

    @Test
    void metricsArePrintedAsTheyAre() {
        String text = "# TYPE a gauge\na{b=\"\\\"\"} 1.0\n";
        shell.daemon()
                .answer(
                        ControlMethods.METRICS,
                        _ -> MetricsResponse.newBuilder().setText(text).build());
        assertThat(shell.run("metrics")).isZero();
        assertThat(shell.out()).isEqualTo(text);
    }
}
