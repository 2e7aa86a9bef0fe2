// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two containers that read as fast as they can, of which one weighs three times the other. */
@Timeout(600)
class BudgetTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    private static final long TOGETHER = 2_000_000;
    private static final String HEAVY = "heavy";
    private static final String LIGHT = "light";
    private static final String SHARE = "/limits/fs-share-bw-size";

    private static final String BYTES = "/bytes-read";

    private static final String BUDGET =
            """
            [bunkai.limits]
            node_bw = %d
            weight = 300
            [hypervisor.qemu]
            enable_annotations = ["limits\\\\.weight"]
            """
                    .formatted(TOGETHER);

    @TempDir static Path temporary;
    private static final Map<String, String> ids = new HashMap<>();
    private static Path folder;

    @BeforeAll
    static void startDaemon() throws Exception {
        folder = Files.createDirectory(temporary.toRealPath().resolve("folder"));
        try (RandomAccessFile data = new RandomAccessFile(folder.resolve("data").toFile(), "rw")) {
            data.setLength(100_000_000);
        }
        start(BUDGET);
    }

    private static void start(String configuration) throws Exception {
        Path file = temporary.resolve("configuration.toml");
        Files.writeString(file, configuration);
        NODE.bunkai("daemon", "start", "--config", file.toString()).expectSuccess();
    }

    private static void read(String name, int weight) {
        String forever =
                "while dd if=/data/data of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done";
        NODE.bunkai(
                        "run",
                        "-d",
                        "--name",
                        name,
                        "--annotation",
                        "io.bunkai.limits.weight=" + weight,
                        "-v",
                        folder + ":/data:ro",
                        "--",
                        "sh",
                        "-c",
                        forever)
                .expectSuccess();
    }

    /** Asks the server itself, since a command takes longer than what is measured here allows. */
    private static long figure(String container, String name) {
        Path socket =
                NODE.root()
                        .resolve("run/sandboxes")
                        .resolve(ids.computeIfAbsent(container, BudgetTest::id))
                        .resolve("fs-control.sock");
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
                BufferedReader answers =
                        new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            channel.write(ByteBuffer.wrap("get\n".getBytes(StandardCharsets.UTF_8)));
            JsonNode figures = JsonMapper.shared().readTree(answers.readLine());
            return Long.parseLong(figures.at(name).asString("0"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String id(String container) {
        return NODE.get(container).path("id").asString();
    }

    private static void awaitShare(String container, double part) {
        Await.until(
                container + " has " + part + " of all",
                TestNode.patience(),
                () -> Math.abs(figure(container, SHARE) - part * TOGETHER) < 0.02 * TOGETHER);
    }

    @Test
    void bytesAreDividedByWeightAndNothingIsLostToOneThatHasGone() throws Exception {
        read(HEAVY, 300);
        awaitShare(HEAVY, 1);
        read(LIGHT, 100);
        awaitShare(LIGHT, 0.25);
        awaitShare(HEAVY, 0.75);

        assertThat(heavyForEachByteOfLight()).isCloseTo(3.0, within(0.15));

        try (LinuxProcess daemon =
                LinuxProcess.adopt(ProcessIdentity.of(NODE.daemonPid()).orElseThrow())) {
            daemon.signal(Signals.SIGKILL);
            daemon.await(TestNode.patience());
        }
        start(BUDGET);
        awaitShare(LIGHT, 0.25);

        NODE.bunkai("rm", "-f", LIGHT).expectSuccess();
        awaitShare(HEAVY, 1);

        NODE.stopDaemon();
        start("");
        assertThat(figure(HEAVY, SHARE)).as("taken back").isZero();
        NODE.bunkai("rm", "-f", HEAVY).expectSuccess();
    }

    /** Over as much as makes a request more or less at either end not count. */
    private static double heavyForEachByteOfLight() {
        long light = figure(LIGHT, BYTES);
        long heavy = figure(HEAVY, BYTES);
        Await.until(
                "the light one has read",
                TestNode.patience(),
                () -> figure(LIGHT, BYTES) - light > 2 * TOGETHER);
        return (double) (figure(HEAVY, BYTES) - heavy) / (figure(LIGHT, BYTES) - light);
    }
}
