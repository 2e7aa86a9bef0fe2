// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.CommandResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Block devices of the host in containers: what both sides see, who may, and how fast. */
@Timeout(600)
class BlockDeviceTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    private static final String BOX = "box";
    private static final String SERIAL = "grep -lx device0 /sys/block/*/serial";
    private static final long SIZE = 32L * 1024 * 1024;
    private static final int PLACE = 4096;

    @TempDir Path temporary;
    private LoopDevice disk;

    @BeforeEach
    void makeDisk() throws IOException {
        disk = LoopDevice.make(temporary.resolve("disk"), SIZE);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        NODE.removeContainers();
        disk.claim().close();
        disk.close();
        assertThat(NODE.machines()).isEmpty();
    }

    private static CommandResult run(String device, String script) {
        return NODE.bunkai("run", "--rm", "--device", device, "--", "sh", "-c", script);
    }

    private void startSleeper(String... options) {
        List<String> words = new java.util.ArrayList<>(List.of("run", "-d", "--name", BOX));
        words.addAll(List.of("--device", disk.node() + ":/dev/xvda"));
        words.addAll(List.of(options));
        words.addAll(List.of("--", "sleep", "1000"));
        NODE.bunkai(words.toArray(String[]::new)).expectSuccess();
    }

    private static String exec(String script) {
        return NODE.out("exec", BOX, "sh", "-c", script);
    }

    @Test
    void whatIsWrittenIsOnTheDiskWhenTheContainerHasEnded() throws Exception {
        run(
                        disk.node() + ":/dev/xvda",
                        "echo of the guest | dd of=/dev/xvda bs=4096 seek=1 2>/dev/null")
                .expectSuccess();
        assertThat(disk.text(PLACE, 12)).isEqualTo("of the guest");
        disk.claim().close(); // nobody has it any more

        String read = "dd if=/data bs=4096 skip=1 count=1 2>/dev/null | head -c 12";
        assertThat(
                        NODE.out(
                                "run",
                                "--rm",
                                "-v",
                                disk.node() + ":/data:ro",
                                "--",
                                "sh",
                                "-c",
                                read + "; blockdev --getsize64 /data"))
                .isEqualTo("of the guest" + SIZE);
    }

    @Test
    void aDiskForReadingOnlyCannotBeWrittenToAndIsNobodysAlone() throws Exception {
        CommandResult result =
                run(
                        disk.node() + ":/dev/xvda:r",
                        "cat $(dirname $(" + SERIAL + "))/ro; echo no >/dev/xvda");
        assertThat(result.out().strip()).isEqualTo("1");
        assertThat(result.err()).contains("Operation not permitted");

        try (Fd _ = disk.claim()) {
            run(disk.node() + ":r", "head -c 1 " + disk.node()).expectSuccess();
        }
    }

    @Test
    void aDiskThatSomebodyUsesIsRefused() throws Exception {
        try (Fd _ = disk.claim()) { // as a mount does
            CommandResult refused = run(disk.node().toString(), "true");
            assertThat(refused.exitCode()).isEqualTo(125);
            assertThat(refused.err())
                    .contains("the block device " + disk.node() + " is in use")
                    .contains("for reading only");
        }
        startSleeper();
        assertThat(run(disk.node().toString(), "true").err()).contains("another machine writes");
        assertThat(catchThrowableOfType(ErrnoException.class, disk::claim).errno())
                .isEqualTo(Errno.EBUSY);
        assertThat(exec("echo still >/dev/xvda && head -c 5 /dev/xvda")).isEqualTo("still");
    }

    @Test
    void whatIsNoBlockDeviceIsRefused() {
        for (String source : List.of("/dev/null", "/etc/hostname", "/no/such/device")) {
            CommandResult refused = run(source + ":/dev/xvda", "true");
            assertThat(refused.exitCode()).isEqualTo(125);
            assertThat(refused.err()).contains(source + " is no block device of this host");
        }
    }

    /** 12 288 000 bytes: three million are saved up, the others come two million at a time. */
    private static double secondsOfWriting() {
        String uptime = "cut -d' ' -f1 /proc/uptime";
        String write = "dd if=/dev/zero of=/dev/xvda bs=102400 count=120 oflag=direct 2>/dev/null";
        String[] words = exec(uptime + "; " + write + "; " + uptime).split("\n", -1);
        return Double.parseDouble(words[1]) - Double.parseDouble(words[0]);
    }

    @Test
    void theDiskAndTheFoldersHaveTheSameLimitWhichOutlivesTheDaemon() throws Exception {
        Path folder = Files.createDirectory(temporary.resolve("folder"));
        NODE.bunkai("run", "--rm", "--", "true").expectSuccess();
        NODE.awaitTemplate();
        startSleeper("-v", folder + ":/folder");
        assertThat(TestNode.commandLine(NODE.vmmPid(BOX))).doesNotContain("-incoming");
        NODE.bunkai("limits", "set", BOX, "--bw", "2MB/s", "--burst", "1MB", "--ops", "100000")
                .expectSuccess();
        assertThat(secondsOfWriting()).isGreaterThan(4.5);

        Processes.signal(NODE.daemonPid(), Signals.SIGKILL);
        JsonNode figures = NODE.json("limits", "get", "--format=json", BOX);
        assertThat(figures.path("limits.fs-bw-size").asString("")).isEqualTo("2000000");
        assertThat(figures.path("limits.disk-bw-size").asString("")).isEqualTo("2000000");
        assertThat(figures.path("limits.disk-bw-burst").asString("")).isEqualTo("1000000");
        assertThat(figures.path("limits.disk-ops-size").asString("")).isEqualTo("100000");

        exec("echo after >/dev/xvda");
        CommandResult refused = NODE.bunkai("limits", "set", BOX, "--burst", "5M", "--bw", "0");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(NODE.json("limits", "get", "--format=json", BOX)).isEqualTo(figures);
        NODE.bunkai("limits", "set", BOX, "--bw", "0").expectSuccess();
        assertThat(NODE.json("limits", "get", "--format=json", BOX).has("limits.disk-bw-size"))
                .isFalse();
        NODE.bunkai("rm", "-f", BOX).expectSuccess();
        assertThat(disk.text(0, 5)).isEqualTo("after");
    }

    @Test
    void theNodesLimitsHoldFromTheBeginning() throws Exception {
        NODE.stopDaemon();
        Path configuration = temporary.resolve("configuration.toml");
        Files.writeString(
                configuration,
                """
                [bunkai.limits]
                bw = 5
                ops = 3000
                [hypervisor.qemu]
                disk_rate_limiter_bw_max_rate = 16000000
                disk_rate_limiter_bw_one_time_burst = 8000000
                """);
        NODE.bunkai("daemon", "start", "--config", configuration.toString()).expectSuccess();
        try {
            startSleeper();
            JsonNode figures = NODE.json("limits", "get", "--format=json", BOX);
            assertThat(figures.properties())
                    .extracting(figure -> figure.getKey() + " " + figure.getValue().asString(""))
                    .containsExactly(
                            "limits.disk-bw-size 2000000",
                            "limits.disk-bw-burst 1000000",
                            "limits.disk-ops-size 3000");
            assertThat(secondsOfWriting()).isGreaterThan(4.5);
            NODE.removeContainers();
        } finally {
            NODE.stopDaemon();
        }
    }
}
