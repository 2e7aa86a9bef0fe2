// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.bunkai.api.containerd.Envelope;
import io.bunkai.api.containerd.ForwardRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.TaskCheckpointed;
import io.bunkai.api.containerd.TaskCreate;
import io.bunkai.api.containerd.TaskDelete;
import io.bunkai.api.containerd.TaskExecAdded;
import io.bunkai.api.containerd.TaskExecStarted;
import io.bunkai.api.containerd.TaskExit;
import io.bunkai.api.containerd.TaskIO;
import io.bunkai.api.containerd.TaskOOM;
import io.bunkai.api.containerd.TaskPaused;
import io.bunkai.api.containerd.TaskResumed;
import io.bunkai.api.containerd.TaskStart;
import java.util.List;

/** Of the events and what carries them: see {@link ContainerdGolden}. */
final class EventGoldens {
    static final List<ContainerdGolden> ALL =
            List.of(
                    taskCreate(),
                    taskStart(),
                    taskDelete(),
                    taskIO(),
                    taskExit(),
                    taskOOM(),
                    taskExecAdded(),
                    taskExecStarted(),
                    taskPaused(),
                    taskResumed(),
                    taskCheckpointed(),
                    forwardRequest(),
                    envelope());

    private EventGoldens() {}

    private static ContainerdGolden taskCreate() {
        return new ContainerdGolden(
                "taskCreate",
                "containerd.events.TaskCreate",
                TaskCreate.newBuilder()
                        .setContainerId("a1b2")
                        .setBundle("/run/b/a1b2")
                        .addRootfs(
                                Mount.newBuilder()
                                        .setType("overlay")
                                        .setSource("overlay")
                                        .setTarget("/data")
                                        .addOptions("lowerdir=/l")
                                        .addOptions("upperdir=/u"))
                        .setIo(
                                TaskIO.newBuilder()
                                        .setStdin("/f/in")
                                        .setStdout("file:///f/out")
                                        .setStderr("/f/err")
                                        .setTerminal(true))
                        .setCheckpoint("/c")
                        .setPid(4711)
                        .build(),
                """
                container_id: "a1b2"
                bundle: "/run/b/a1b2"
                rootfs {
                  type: "overlay"
                  source: "overlay"
                  target: "/data"
                  options: "lowerdir=/l"
                  options: "upperdir=/u"
                }
                io {
                  stdin: "/f/in"
                  stdout: "file:///f/out"
                  stderr: "/f/err"
                  terminal: true
                }
                checkpoint: "/c"
                pid: 4711
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                120b 2f72756e2f622f61316232  // 2 bundle: "/run/b/a1b2"
                1a33  // 3 rootfs
                   0a07 6f7665726c6179  // 1 type: "overlay"
                   1207 6f7665726c6179  // 2 source: "overlay"
                   1a05 2f64617461  // 3 target: "/data"
                   220b 6c6f7765726469723d2f6c  // 4 options: "lowerdir=/l"
                   220b 75707065726469723d2f75  // 4 options: "upperdir=/u"
                2220  // 4 io
                   0a05 2f662f696e  // 1 stdin: "/f/in"
                   120d 66696c653a2f2f2f662f6f7574  // 2 stdout: "file:///f/out"
                   1a06 2f662f657272  // 3 stderr: "/f/err"
                   20 01  // 4 terminal: true
                2a02 2f63  // 5 checkpoint: "/c"
                30 e724  // 6 pid: 4711
                """);
    }

    private static ContainerdGolden taskStart() {
        return new ContainerdGolden(
                "taskStart",
                "containerd.events.TaskStart",
                TaskStart.newBuilder().setContainerId("a1b2").setPid(4711).build(),
                """
                container_id: "a1b2"
                pid: 4711
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                10 e724  // 2 pid: 4711
                """);
    }

    private static ContainerdGolden taskDelete() {
        return new ContainerdGolden(
                "taskDelete",
                "containerd.events.TaskDelete",
                TaskDelete.newBuilder()
                        .setContainerId("a1b2")
                        .setPid(4711)
                        .setExitStatus(137)
                        .setExitedAt(
                                Timestamp.newBuilder().setSeconds(1767225600).setNanos(250000000))
                        .setId("sh")
                        .build(),
                """
                container_id: "a1b2"
                pid: 4711
                exit_status: 137
                exited_at {
                  seconds: 1767225600
                  nanos: 250000000
                }
                id: "sh"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                10 e724  // 2 pid: 4711
                18 8901  // 3 exit_status: 137
                220b  // 4 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                2a02 7368  // 5 id: "sh"
                """);
    }

    private static ContainerdGolden taskIO() {
        return new ContainerdGolden(
                "taskIO",
                "containerd.events.TaskIO",
                TaskIO.newBuilder()
                        .setStdin("/f/in")
                        .setStdout("file:///f/out")
                        .setStderr("/f/err")
                        .setTerminal(true)
                        .build(),
                """
                stdin: "/f/in"
                stdout: "file:///f/out"
                stderr: "/f/err"
                terminal: true
                """,
                """
                0a05 2f662f696e  // 1 stdin: "/f/in"
                120d 66696c653a2f2f2f662f6f7574  // 2 stdout: "file:///f/out"
                1a06 2f662f657272  // 3 stderr: "/f/err"
                20 01  // 4 terminal: true
                """);
    }

    private static ContainerdGolden taskExit() {
        return new ContainerdGolden(
                "taskExit",
                "containerd.events.TaskExit",
                TaskExit.newBuilder()
                        .setContainerId("a1b2")
                        .setId("sh")
                        .setPid(4711)
                        .setExitStatus(137)
                        .setExitedAt(
                                Timestamp.newBuilder().setSeconds(1767225600).setNanos(250000000))
                        .build(),
                """
                container_id: "a1b2"
                id: "sh"
                pid: 4711
                exit_status: 137
                exited_at {
                  seconds: 1767225600
                  nanos: 250000000
                }
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 id: "sh"
                18 e724  // 3 pid: 4711
                20 8901  // 4 exit_status: 137
                2a0b  // 5 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                """);
    }

    private static ContainerdGolden taskOOM() {
        return new ContainerdGolden(
                "taskOOM",
                "containerd.events.TaskOOM",
                TaskOOM.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static ContainerdGolden taskExecAdded() {
        return new ContainerdGolden(
                "taskExecAdded",
                "containerd.events.TaskExecAdded",
                TaskExecAdded.newBuilder().setContainerId("a1b2").setExecId("sh").build(),
                """
                container_id: "a1b2"
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
    }

    private static ContainerdGolden taskExecStarted() {
        return new ContainerdGolden(
                "taskExecStarted",
                "containerd.events.TaskExecStarted",
                TaskExecStarted.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("sh")
                        .setPid(4711)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "sh"
                pid: 4711
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 e724  // 3 pid: 4711
                """);
    }

    private static ContainerdGolden taskPaused() {
        return new ContainerdGolden(
                "taskPaused",
                "containerd.events.TaskPaused",
                TaskPaused.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static ContainerdGolden taskResumed() {
        return new ContainerdGolden(
                "taskResumed",
                "containerd.events.TaskResumed",
                TaskResumed.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static ContainerdGolden taskCheckpointed() {
        return new ContainerdGolden(
                "taskCheckpointed",
                "containerd.events.TaskCheckpointed",
                TaskCheckpointed.newBuilder().setContainerId("a1b2").setCheckpoint("/c").build(),
                """
                container_id: "a1b2"
                checkpoint: "/c"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 2f63  // 2 checkpoint: "/c"
                """);
    }

    private static ContainerdGolden forwardRequest() {
        return new ContainerdGolden(
                "forwardRequest",
                "containerd.services.events.ttrpc.v1.ForwardRequest",
                ForwardRequest.newBuilder()
                        .setEnvelope(
                                Envelope.newBuilder()
                                        .setTimestamp(
                                                Timestamp.newBuilder()
                                                        .setSeconds(1767225600)
                                                        .setNanos(1))
                                        .setNamespace("k8s.io")
                                        .setTopic("/tasks/oom")
                                        .setEvent(
                                                Any.newBuilder()
                                                        .setTypeUrl(TypeUrls.TASK_OOM)
                                                        .setValue(
                                                                ByteString.copyFromUtf8(
                                                                        "\012\004a1b2"))))
                        .build(),
                """
                envelope {
                  timestamp {
                    seconds: 1767225600
                    nanos: 1
                  }
                  namespace: "k8s.io"
                  topic: "/tasks/oom"
                  event {
                    type_url: "containerd.events.TaskOOM"
                    value: "\\n\\004a1b2"
                  }
                }
                """,
                """
                0a43  // 1 envelope
                   0a08  // 1 timestamp
                      08 80f2d6ca06  // 1 seconds: 1767225600
                      10 01  // 2 nanos: 1
                   1206 6b38732e696f  // 2 namespace: "k8s.io"
                   1a0a 2f7461736b732f6f6f6d  // 3 topic: "/tasks/oom"
                   2223  // 4 event
                      0a19 636f6e7461696e6572642e6576656e74732e5461736b4f4f4d  // 1 type_url: "containerd.events.TaskOOM"
                      1206 0a0461316232  // 2 value: 6 bytes
                """);
    }

    private static ContainerdGolden envelope() {
        return new ContainerdGolden(
                "envelope",
                "containerd.types.Envelope",
                Envelope.newBuilder()
                        .setTimestamp(Timestamp.newBuilder().setSeconds(1767225600).setNanos(1))
                        .setNamespace("k8s.io")
                        .setTopic("/tasks/oom")
                        .setEvent(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.TASK_OOM)
                                        .setValue(ByteString.copyFromUtf8("\012\004a1b2")))
                        .build(),
                """
                timestamp {
                  seconds: 1767225600
                  nanos: 1
                }
                namespace: "k8s.io"
                topic: "/tasks/oom"
                event {
                  type_url: "containerd.events.TaskOOM"
                  value: "\\n\\004a1b2"
                }
                """,
                """
                0a08  // 1 timestamp
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 01  // 2 nanos: 1
                1206 6b38732e696f  // 2 namespace: "k8s.io"
                1a0a 2f7461736b732f6f6f6d  // 3 topic: "/tasks/oom"
                2223  // 4 event
                   0a19 636f6e7461696e6572642e6576656e74732e5461736b4f4f4d  // 1 type_url: "containerd.events.TaskOOM"
                   1206 0a0461316232  // 2 value: 6 bytes
                """);
    }
}
