// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FakeNode;
import io.bunkai.runtime.FileUsage;
import io.bunkai.runtime.GuestUsage;
import io.bunkai.runtime.HostUsage;
import io.bunkai.runtime.ImageSource;
import io.bunkai.runtime.ProcessUsage;
import io.bunkai.runtime.ScriptedProcess;
import io.bunkai.runtime.Usage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class MetricsTest {
    private static final long SECOND = 1_000_000_000;

    private static Usage usage(
            String state,
            Optional<GuestUsage> guest,
            Optional<ProcessUsage> server,
            Optional<FileUsage> files) {
        return new Usage(
                "a1",
                "web",
                state,
                2,
                512,
                guest,
                Optional.of(new HostUsage(0, 3 * SECOND, 300)),
                Optional.of(new ProcessUsage(42, 2 * SECOND, 280)),
                server,
                files);
    }

    private static String textOf(Usage usage) {
        MetricFamilies families = new MetricFamilies();
        Metrics.add(families, usage);
        return families.text();
    }

    private static List<String> samples(String text) {
        return text.lines().filter(line -> !line.startsWith("#")).toList();
    }

    private static OptionalLong of(long figure) {
        return OptionalLong.of(figure);
    }

    @Test
    void everythingThatIsKnownIsTold() {
        Usage all =
                usage(
                        "running",
                        Optional.of(
                                new GuestUsage(
                                        0,
                                        SECOND / 2,
                                        64,
                                        256,
                                        12,
                                        1000,
                                        2000,
                                        Optional.of(new GuestUsage.Network(7, 8)))),
                        Optional.of(new ProcessUsage(43, SECOND, 20)),
                        Optional.of(
                                new FileUsage(
                                        true,
                                        of(10),
                                        of(11),
                                        of(12),
                                        of(3),
                                        of(5_000_000),
                                        of(1),
                                        List.of(2L, 1L))));
        assertThat(samples(textOf(all)))
                .containsExactly(
                        "bunkai_container_block_bytes_total{direction=\"read\",sandbox=\"a1\"}"
                                + " 1000.0",
                        "bunkai_container_block_bytes_total{direction=\"write\",sandbox=\"a1\"}"
                                + " 2000.0",
                        "bunkai_container_cpu_seconds_total{sandbox=\"a1\"} 0.5",
                        "bunkai_container_memory_bytes{sandbox=\"a1\"} 64.0",
                        "bunkai_container_memory_limit_bytes{sandbox=\"a1\"} 256.0",
                        "bunkai_container_network_bytes_total{direction=\"receive\",sandbox=\"a1\"}"
                                + " 7.0",
                        "bunkai_container_network_bytes_total{direction=\"transmit\",sandbox=\"a1\"}"
                            + " 8.0",
                        "bunkai_container_processes{sandbox=\"a1\"} 12.0",
                        "bunkai_fs_bytes_total{direction=\"read\",sandbox=\"a1\"} 10.0",
                        "bunkai_fs_bytes_total{direction=\"write\",sandbox=\"a1\"} 11.0",
                        "bunkai_fs_cpu_seconds_total{sandbox=\"a1\"} 1.0",
                        "bunkai_fs_parked_requests{sandbox=\"a1\"} 1.0",
                        "bunkai_fs_requests_total{sandbox=\"a1\"} 12.0",
                        "bunkai_fs_resident_memory_bytes{sandbox=\"a1\"} 20.0",
                        "bunkai_fs_throttled_requests_total{sandbox=\"a1\"} 3.0",
                        "bunkai_fs_throttled_seconds_total{sandbox=\"a1\"} 0.005",
                        "bunkai_fs_up{sandbox=\"a1\"} 1.0",
                        "bunkai_fs_wait_seconds_bucket{sandbox=\"a1\",le=\"0.001\"} 2",
                        "bunkai_fs_wait_seconds_bucket{sandbox=\"a1\",le=\"+Inf\"} 3",
                        "bunkai_fs_wait_seconds_count{sandbox=\"a1\"} 3",
                        "bunkai_fs_wait_seconds_sum{sandbox=\"a1\"} 0.005",
                        "bunkai_guest_up{sandbox=\"a1\"} 1.0",
                        "bunkai_hypervisor_cpu_seconds_total{sandbox=\"a1\"} 2.0",
                        "bunkai_hypervisor_resident_memory_bytes{sandbox=\"a1\"} 280.0",
                        "bunkai_sandbox_cpu_seconds_total{sandbox=\"a1\"} 3.0",
                        "bunkai_sandbox_memory_bytes{sandbox=\"a1\"} 300.0");
    }

    @Test
    void theSilentAreToldToBe() {
        Usage silent =
                usage(
                        "running",
                        Optional.empty(),
                        Optional.of(new ProcessUsage(43, SECOND, 20)),
                        Optional.empty());
        assertThat(samples(textOf(silent)))
                .contains("bunkai_guest_up{sandbox=\"a1\"} 0.0", "bunkai_fs_up{sandbox=\"a1\"} 0.0")
                .noneMatch(line -> line.startsWith("bunkai_container_"))
                .noneMatch(line -> line.startsWith("bunkai_fs_requests"));
    }

    @Test
    void aFigureThatMakesNoSenseLeavesTheOthers() {
        OptionalLong none = OptionalLong.empty();
        Usage odd =
                usage(
                        "running",
                        Optional.empty(),
                        Optional.of(new ProcessUsage(43, SECOND, 20)),
                        Optional.of(
                                new FileUsage(
                                        true, none, of(11), none, of(3), none, none, List.of(1L))));
        assertThat(samples(textOf(odd)))
                .contains(
                        "bunkai_fs_bytes_total{direction=\"write\",sandbox=\"a1\"} 11.0",
                        "bunkai_fs_throttled_requests_total{sandbox=\"a1\"} 3.0",
                        "bunkai_fs_up{sandbox=\"a1\"} 1.0")
                .noneMatch(line -> line.contains("\"read\""))
                .noneMatch(line -> line.startsWith("bunkai_fs_wait_seconds"));
    }

    @Test
    void everyStateHasItsNumber() {
        MetricFamilies families = new MetricFamilies();
        Metrics.addStates(
                families,
                List.of(
                        usage("running", Optional.empty(), Optional.empty(), Optional.empty()),
                        usage("running", Optional.empty(), Optional.empty(), Optional.empty()),
                        usage("lost", Optional.empty(), Optional.empty(), Optional.empty())));
        assertThat(samples(families.text()))
                .containsExactly(
                        "bunkai_sandboxes{state=\"created\"} 0.0",
                        "bunkai_sandboxes{state=\"lost\"} 1.0",
                        "bunkai_sandboxes{state=\"paused\"} 0.0",
                        "bunkai_sandboxes{state=\"prepared\"} 0.0",
                        "bunkai_sandboxes{state=\"running\"} 2.0",
                        "bunkai_sandboxes{state=\"starting\"} 0.0",
                        "bunkai_sandboxes{state=\"stopped\"} 0.0");
    }

    @Test
    void containersAreToldByWhatOthersCallThem() {
        try (FakeNode node = new FakeNode()) {
            ImageSource.Image known = node.image();
            node.image(
                    new ImageSource.Image(
                            "/a\"\n\\b",
                            known.digest(),
                            known.disk(),
                            known.entrypoint(),
                            known.command(),
                            known.environment(),
                            known.directory(),
                            known.user(),
                            known.stopSignal()));
            node.hypervisor().program(ScriptedProcess::readStdin);
            try (Containers containers = node.open()) {
                var web =
                        containers
                                .create(
                                        new FakeNode.Wish()
                                                .name("web")
                                                .stdin()
                                                .annotations(
                                                        Map.of(
                                                                "io.kubernetes.cri.sandbox-name",
                                                                "pod",
                                                                "io.kubernetes.cri.sandbox-uid",
                                                                "u\n1"))
                                                .request())
                                .container();
                web.start(FakeNode.soon());
                assertThat(samples(new Metrics(containers).text()))
                        .contains(
                                "bunkai_sandbox_info{containerd_namespace=\"\",cri_name=\"pod\","
                                        + "cri_namespace=\"\",cri_uid=\"u\\n1\","
                                        + "image=\"/a\\\"\\n\\\\b\",name=\"web\",sandbox=\""
                                        + web.id()
                                        + "\"} 1.0",
                                "bunkai_sandboxes{state=\"running\"} 1.0",
                                "bunkai_guest_up{sandbox=\"" + web.id() + "\"} 1.0")
                        .anyMatch(line -> line.startsWith("bunkai_build_info{version="))
                        .anyMatch(line -> line.startsWith("process_cpu_seconds_total "))
                        .anyMatch(line -> line.startsWith("process_resident_memory_bytes "))
                        .anyMatch(line -> line.startsWith("process_open_fds "))
                        .anyMatch(line -> line.startsWith("process_start_time_seconds "))
                        .anyMatch(line -> line.startsWith("bunkai_hypervisor_cpu_seconds_total{"));
            }
        }
    }
}
