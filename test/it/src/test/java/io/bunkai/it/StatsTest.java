// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a container uses, as {@code bunkai stats} and Prometheus see it. */
class StatsTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    @TempDir static Path folder;

    private static final String BOX = "box";
    private static final long READ = 3_000_000;
    private static final long MIB = 1024 * 1024;
    private static String id = "";

    /** Reads more than the limit allows at once, so that requests have waited. */
    @BeforeAll
    static void readWithALimit() throws IOException {
        try (RandomAccessFile data = new RandomAccessFile(folder.resolve("data").toFile(), "rw")) {
            data.setLength(READ);
        }
        id = NODE.startSleeper(BOX, "-m", "512m", "-v", folder + ":/shared:ro");
        NODE.bunkai("limits", "set", BOX, "--bw", "1MB/s").expectSuccess();
        assertThat(NODE.out("exec", BOX, "sh", "-c", "cat /shared/data | wc -c"))
                .isEqualTo(String.valueOf(READ));
    }

    private static JsonNode stats() {
        JsonNode all = NODE.json("stats", "--no-stream", "--format", "json", BOX);
        assertThat(all.size()).isEqualTo(1);
        return all.get(0);
    }

    /** {@return the samples of Prometheus' text format, by what stands before the value} */
    private static Map<String, Double> samples(String text) {
        Map<String, Double> samples = new TreeMap<>();
        text.lines()
                .filter(line -> !line.startsWith("#"))
                .forEach(line -> {
                    int space = line.lastIndexOf(' ');
                    samples.put(
                            line.substring(0, space), Double.valueOf(line.substring(space + 1)));
                });
        return samples;
    }

    private static String sample(String name) {
        return "bunkai_" + name + "{sandbox=\"" + id + "\"}";
    }

    private static String scrape() throws IOException {
        Path socket = NODE.root().resolve("run/metrics.sock");
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            String request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String body(String answer) {
        return answer.substring(answer.indexOf("\r\n\r\n") + 4);
    }

    @Test
    void theGuestTellsWhatTheContainerUses() {
        JsonNode guest = stats().path("guest");
        assertThat(guest.path("processes").asLong()).isEqualTo(1);
        assertThat(guest.path("memoryBytes").asLong()).isPositive();
        assertThat(guest.path("memoryLimitBytes").asLong()).isEqualTo(512 * MIB);
        assertThat(guest.path("cpuNanos").asLong()).isPositive();
        assertThat(guest.path("blockReadBytes").asLong()).isPositive();
        assertThat(guest.path("networkReceivedBytes").isNull()).isTrue();
    }

    @Test
    void theHostTellsWhatTheMachineCosts() {
        JsonNode box = stats();
        JsonNode hypervisor = box.path("hypervisor");
        JsonNode server = box.path("fileServer");
        assertThat(hypervisor.path("pid").asInt()).isEqualTo(NODE.vmmPid(BOX));
        assertThat(TestNode.commandLine(server.path("pid").asInt()))
                .anyMatch(word -> word.contains("io.bunkai.virtiofs"));
        assertThat(hypervisor.path("residentBytes").asLong()).isGreaterThan(50 * MIB);
        assertThat(server.path("residentBytes").asLong()).isGreaterThan(10 * MIB);
        // Groups count to the nanosecond, processes in hundredths of a second.
        assertThat(box.path("host").path("cpuNanos").asLong())
                .isGreaterThan(hypervisor.path("cpuNanos").asLong() / 2);
        assertThat(box.path("host").path("memoryBytes").asLong()).isGreaterThan(50 * MIB);
        assertThat(box.path("host").path("cpuPercent").isNumber()).isTrue();
    }

    @Test
    void theFileServerTellsWhatWasReadAndWhatHadToWait() {
        JsonNode files = stats().path("files");
        assertThat(files.path("limited").asBoolean()).isTrue();
        assertThat(files.path("readBytes").asLong()).isGreaterThanOrEqualTo(READ);
        assertThat(files.path("writtenBytes").asLong()).isZero();
        assertThat(files.path("requests").asLong()).isPositive();
        assertThat(files.path("throttledRequests").asLong()).isPositive();
        assertThat(files.path("throttledNanos").asLong()).isPositive();
        assertThat(files.path("parkedRequests").asLong()).isZero();
        long waited = 0;
        for (JsonNode wait : files.path("waits")) {
            waited += wait.asLong();
        }
        assertThat(waited).isEqualTo(files.path("throttledRequests").asLong());
    }

    @Test
    void peopleGetATable() {
        CommandResult result = NODE.bunkai("stats", "--no-stream").expectSuccess();
        assertThat(result.out().lines()).hasSize(2);
        assertThat(result.out().lines().skip(1))
                .allMatch(line -> line.startsWith(id.substring(0, 12)) && line.contains(BOX))
                .allMatch(line -> line.contains(" / 512 MiB") && line.contains("MiB / 0 B"));
    }

    @Test
    void prometheusGetsTheSameFigures() throws IOException {
        JsonNode files = stats().path("files");
        Map<String, Double> samples = samples(NODE.bunkai("metrics").expectSuccess().out());
        String read = "bunkai_fs_bytes_total{direction=\"read\",sandbox=\"" + id + "\"}";
        double throttled = files.path("throttledRequests").asDouble();
        assertThat(samples)
                .containsEntry(read, files.path("readBytes").asDouble())
                .containsEntry(sample("fs_requests_total"), files.path("requests").asDouble())
                .containsEntry(sample("fs_throttled_requests_total"), throttled)
                .containsEntry(sample("fs_wait_seconds_count"), throttled)
                .containsEntry(
                        "bunkai_fs_wait_seconds_bucket{sandbox=\"" + id + "\",le=\"+Inf\"}",
                        throttled)
                .containsEntry(sample("fs_parked_requests"), 0.0)
                .containsEntry(sample("fs_up"), 1.0)
                .containsEntry(sample("guest_up"), 1.0)
                .containsEntry(sample("container_memory_limit_bytes"), 512.0 * MIB)
                .containsEntry("bunkai_sandboxes{state=\"running\"}", 1.0);
        assertThat(samples.get(sample("fs_throttled_seconds_total"))).isPositive();
        assertThat(samples.get(sample("sandbox_cpu_seconds_total"))).isPositive();
        assertThat(samples.get(sample("hypervisor_cpu_seconds_total"))).isPositive();

        String answer = scrape();
        assertThat(answer)
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
        Map<String, Double> scraped = samples(body(answer));
        assertThat(scraped).containsOnlyKeys(samples.keySet());
        assertThat(scraped).containsEntry(read, files.path("readBytes").asDouble());
    }

    @Test
    void aGuestThatStandsStillHidesItsOwnFiguresAlone() throws Exception {
        ProcessIdentity machine = ProcessIdentity.of(NODE.vmmPid(BOX)).orElseThrow();
        try (LinuxProcess process = LinuxProcess.adopt(machine)) {
            process.signal(Signals.number("STOP"));
            try {
                JsonNode box = stats();
                assertThat(box.path("guest").isNull()).isTrue();
                assertThat(box.path("host").isObject()).isTrue();
                assertThat(box.path("files").path("readBytes").asLong())
                        .isGreaterThanOrEqualTo(READ);
                assertThat(samples(body(scrape())))
                        .containsEntry(sample("guest_up"), 0.0)
                        .containsEntry(sample("fs_up"), 1.0);
            } finally {
                process.signal(Signals.number("CONT"));
            }
        }
        Await.until(
                "the guest to answer again",
                TestNode.patience(),
                () -> stats().path("guest").isObject());
    }
}
