// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DiskControlTest {
    private static final String NODE =
            """
            [bunkai.limits]
            bw = 1000
            burst = 50
            [hypervisor.qemu]
            disk_rate_limiter_ops_max_rate = 9
            """;

    private final FakeNode node = new FakeNode();
    private Containers containers;
    private Container container;

    @BeforeEach
    void start() throws Exception {
        node.hypervisor().program(process -> process.awaitSignal());
        containers = node.open();
        container =
                containers
                        .create(
                                new FakeNode.Wish()
                                        .devices(
                                                new ContainerRequest.Device(
                                                        node.blockDevice("sdx", 8, 200),
                                                        "/dev/xvda",
                                                        "rwm"))
                                        .request())
                        .container();
    }

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private Map<String, String> limits(Map<String, String> changes) {
        return container.limits(changes, FakeNode.soon());
    }

    @Test
    void disksHaveTheLimitsThatTheFileServerHas() {
        container.start(FakeNode.soon());
        assertThat(limits(Map.of())).isEmpty();
        assertThat(limits(Map.of("fs-bw-size", "10M", "fs-bw-burst", "64Ki", "fs-ops-size", "2k")))
                .isEqualTo(
                        Map.of(
                                "limits.disk-bw-size",
                                "10000000",
                                "limits.disk-bw-burst",
                                "65536",
                                "limits.disk-ops-size",
                                "2000"));
        assertThat(limits(Map.of("fs-bw-size", "0")))
                .isEqualTo(Map.of("limits.disk-ops-size", "2000"));
        assertThat(limits(Map.of("fs-bw-size", "1048576Gi")))
                .containsEntry("limits.disk-bw-size", Long.toString(DiskLimits.MOST));
    }

    @Test
    void whatMakesNoSenseChangesNothing() {
        container.start(FakeNode.soon());
        limits(Map.of("fs-ops-size", "7"));
        for (Map<String, String> changes :
                Map.of("fs-bw-burst", "5M", "fs-bw-size", "-1", "fs-bw-read-size", "5")
                        .entrySet()
                        .stream()
                        .map(change -> Map.of(change.getKey(), change.getValue()))
                        .toList()) {
            Fault fault = catchThrowableOfType(Fault.class, () -> limits(changes));
            assertThat(fault.code()).as("%s", changes).isEqualTo(FaultCode.INVALID_ARGUMENT);
        }
        assertThat(limits(Map.of())).isEqualTo(Map.of("limits.disk-ops-size", "7"));
    }

    @Test
    void theNodesLimitsHoldForDisksFromTheBeginning() {
        Plan plan =
                node.planner(NODE)
                        .plan(
                                new FakeNode.Wish()
                                        .devices(
                                                new ContainerRequest.Device(
                                                        node.blockDevice("sdy", 8, 201),
                                                        "/dev/xvda",
                                                        "r"))
                                        .request(),
                                "0123456789abcdef",
                                "web")
                        .plan();
        assertThat(plan.machine().diskLimits()).isEqualTo(new DiskLimits(1000, 50, 9, 0));
        assertThat(plan.machine().disks().getLast())
                .isEqualTo(
                        new Disk(
                                "device0",
                                node.blockNodes()
                                        .at(node.folder().resolve("dev/sdy"))
                                        .orElseThrow()
                                        .path(),
                                true,
                                "device0",
                                21,
                                Disk.Kind.DEVICE));
        assertThat(plan.devices()).containsExactly(new Plan.Device("15", "/dev/xvda"));
    }
}
