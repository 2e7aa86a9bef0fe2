// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import io.bunkai.api.containerd.Mount;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class TaskEventTest {
    private static final Instant AT = Instant.parse("2026-01-01T00:00:00.250Z");

    private static void assertTold(TaskEvent event, String topic, String type, String annotated) {
        Any message = event.message();
        assertThat(event.container()).isEqualTo("a1b2");
        assertThat(event.topic()).isEqualTo(topic);
        assertThat(message.getTypeUrl()).isEqualTo(type);
        assertThat(HexFormat.of().formatHex(message.getValue().toByteArray()))
                .isEqualTo(HexFormat.of().formatHex(hex(annotated)));
    }

    @Test
    void aCreationHasWhatTheRequestHad() {
        Mount mount = Mount.newBuilder().setType("bind").setSource("/s").addOptions("rw").build();
        assertTold(
                new TaskEvent.Created(
                        "a1b2",
                        "/b",
                        List.of(mount),
                        new TaskEvent.Streams("/i", "/o", "/e", true),
                        "/c",
                        4711),
                "/tasks/create",
                "containerd.events.TaskCreate",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 2f62  // 2 bundle: "/b"
                1a0e  // 3 rootfs
                   0a04 62696e64  // 1 type: "bind"
                   1202 2f73  // 2 source: "/s"
                   2202 7277  // 4 options: "rw"
                220e  // 4 io
                   0a02 2f69  // 1 stdin: "/i"
                   1202 2f6f  // 2 stdout: "/o"
                   1a02 2f65  // 3 stderr: "/e"
                   20 01  // 4 terminal: true
                2a02 2f63  // 5 checkpoint: "/c"
                30 e724  // 6 pid: 4711
                """);
    }

    @Test
    void startsAreToldOfBothKindsOfProcess() {
        assertTold(
                new TaskEvent.Started("a1b2", 4711),
                "/tasks/start",
                "containerd.events.TaskStart",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                10 e724  // 2 pid: 4711
                """);
        assertTold(
                new TaskEvent.ExecAdded("a1b2", "sh"),
                "/tasks/exec-added",
                "containerd.events.TaskExecAdded",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
        assertTold(
                new TaskEvent.ExecStarted("a1b2", "sh", 4712),
                "/tasks/exec-started",
                "containerd.events.TaskExecStarted",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 e824  // 3 pid: 4712
                """);
    }

    @Test
    void endsHaveTheirStatusAndMoment() {
        assertTold(
                new TaskEvent.Exited("a1b2", "sh", 4711, 137, AT),
                "/tasks/exit",
                "containerd.events.TaskExit",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 id: "sh"
                18 e724  // 3 pid: 4711
                20 8901  // 4 exit_status: 137
                2a0b  // 5 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                """);
        assertTold(
                new TaskEvent.Deleted("a1b2", 4711, 137, AT),
                "/tasks/delete",
                "containerd.events.TaskDelete",
                """
                0a04 61316232  // 1 container_id: "a1b2"
                10 e724  // 2 pid: 4711
                18 8901  // 3 exit_status: 137
                220b  // 4 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                """);
    }

    @Test
    void theRestNamesTheContainer() {
        String container =
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """;
        assertTold(
                new TaskEvent.OutOfMemory("a1b2"),
                "/tasks/oom",
                "containerd.events.TaskOOM",
                container);
        assertTold(
                new TaskEvent.Paused("a1b2"),
                "/tasks/paused",
                "containerd.events.TaskPaused",
                container);
        assertTold(
                new TaskEvent.Resumed("a1b2"),
                "/tasks/resumed",
                "containerd.events.TaskResumed",
                container);
        assertTold(
                new TaskEvent.Checkpointed("a1b2", "/c"),
                "/tasks/checkpointed",
                "containerd.events.TaskCheckpointed",
                container + "1202 2f63  // 2 checkpoint: \"/c\"\n");
    }
}
