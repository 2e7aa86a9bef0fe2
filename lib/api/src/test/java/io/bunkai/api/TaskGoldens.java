// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.bunkai.api.containerd.CheckpointTaskRequest;
import io.bunkai.api.containerd.CloseIORequest;
import io.bunkai.api.containerd.ConnectRequest;
import io.bunkai.api.containerd.ConnectResponse;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.CreateTaskResponse;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.DeleteResponse;
import io.bunkai.api.containerd.ExecProcessRequest;
import io.bunkai.api.containerd.KillRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.PauseRequest;
import io.bunkai.api.containerd.PidsRequest;
import io.bunkai.api.containerd.PidsResponse;
import io.bunkai.api.containerd.ProcessInfo;
import io.bunkai.api.containerd.ResizePtyRequest;
import io.bunkai.api.containerd.ResumeRequest;
import io.bunkai.api.containerd.ShutdownRequest;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StartResponse;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.StateResponse;
import io.bunkai.api.containerd.StatsRequest;
import io.bunkai.api.containerd.StatsResponse;
import io.bunkai.api.containerd.Status;
import io.bunkai.api.containerd.UpdateTaskRequest;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.api.containerd.WaitResponse;
import java.util.List;

/** Of the task service: see {@link ContainerdGolden}. */
final class TaskGoldens {
    static final List<ContainerdGolden> ALL =
            List.of(
                    createTaskRequest(),
                    createTaskResponse(),
                    startRequest(),
                    startResponse(),
                    deleteRequest(),
                    deleteResponse(),
                    execProcessRequest(),
                    resizePtyRequest(),
                    stateRequest(),
                    stateResponse(),
                    killRequest(),
                    closeIORequest(),
                    pidsRequest(),
                    pidsResponse(),
                    checkpointTaskRequest(),
                    updateTaskRequest(),
                    waitRequest(),
                    waitResponse(),
                    statsRequest(),
                    statsResponse(),
                    connectRequest(),
                    connectResponse(),
                    shutdownRequest(),
                    pauseRequest(),
                    resumeRequest());

    private TaskGoldens() {}

    private static ContainerdGolden createTaskRequest() {
        return new ContainerdGolden(
                "createTaskRequest",
                "containerd.task.v2.CreateTaskRequest",
                CreateTaskRequest.newBuilder()
                        .setId("a1b2")
                        .setBundle("/run/b/a1b2")
                        .addRootfs(
                                Mount.newBuilder()
                                        .setType("overlay")
                                        .setSource("overlay")
                                        .setTarget("/data")
                                        .addOptions("lowerdir=/l")
                                        .addOptions("upperdir=/u"))
                        .setTerminal(true)
                        .setStdin("/f/in")
                        .setStdout("file:///f/out")
                        .setStderr("/f/err")
                        .setCheckpoint("/c")
                        .setParentCheckpoint("/p")
                        .setOptions(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.RUNTIME_OPTIONS)
                                        .setValue(ByteString.copyFromUtf8("\022\002/c")))
                        .build(),
                """
                id: "a1b2"
                bundle: "/run/b/a1b2"
                rootfs {
                  type: "overlay"
                  source: "overlay"
                  target: "/data"
                  options: "lowerdir=/l"
                  options: "upperdir=/u"
                }
                terminal: true
                stdin: "/f/in"
                stdout: "file:///f/out"
                stderr: "/f/err"
                checkpoint: "/c"
                parent_checkpoint: "/p"
                options {
                  type_url: "runtimeoptions.v1.Options"
                  value: "\\022\\002/c"
                }
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                120b 2f72756e2f622f61316232  // 2 bundle: "/run/b/a1b2"
                1a33  // 3 rootfs
                   0a07 6f7665726c6179  // 1 type: "overlay"
                   1207 6f7665726c6179  // 2 source: "overlay"
                   1a05 2f64617461  // 3 target: "/data"
                   220b 6c6f7765726469723d2f6c  // 4 options: "lowerdir=/l"
                   220b 75707065726469723d2f75  // 4 options: "upperdir=/u"
                20 01  // 4 terminal: true
                2a05 2f662f696e  // 5 stdin: "/f/in"
                320d 66696c653a2f2f2f662f6f7574  // 6 stdout: "file:///f/out"
                3a06 2f662f657272  // 7 stderr: "/f/err"
                4202 2f63  // 8 checkpoint: "/c"
                4a02 2f70  // 9 parent_checkpoint: "/p"
                5221  // 10 options
                   0a19 72756e74696d656f7074696f6e732e76312e4f7074696f6e73  // 1 type_url: "runtimeoptions.v1.Options"
                   1204 12022f63  // 2 value: 4 bytes
                """);
    }

    private static ContainerdGolden createTaskResponse() {
        return new ContainerdGolden(
                "createTaskResponse",
                "containerd.task.v2.CreateTaskResponse",
                CreateTaskResponse.newBuilder().setPid(4711).build(),
                """
                pid: 4711
                """,
                """
                08 e724  // 1 pid: 4711
                """);
    }

    private static ContainerdGolden startRequest() {
        return new ContainerdGolden(
                "startRequest",
                "containerd.task.v2.StartRequest",
                StartRequest.newBuilder().setId("a1b2").setExecId("sh").build(),
                """
                id: "a1b2"
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
    }

    private static ContainerdGolden startResponse() {
        return new ContainerdGolden(
                "startResponse",
                "containerd.task.v2.StartResponse",
                StartResponse.newBuilder().setPid(4711).build(),
                """
                pid: 4711
                """,
                """
                08 e724  // 1 pid: 4711
                """);
    }

    private static ContainerdGolden deleteRequest() {
        return new ContainerdGolden(
                "deleteRequest",
                "containerd.task.v2.DeleteRequest",
                DeleteRequest.newBuilder().setId("a1b2").setExecId("sh").build(),
                """
                id: "a1b2"
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
    }

    private static ContainerdGolden deleteResponse() {
        return new ContainerdGolden(
                "deleteResponse",
                "containerd.task.v2.DeleteResponse",
                DeleteResponse.newBuilder()
                        .setPid(4711)
                        .setExitStatus(137)
                        .setExitedAt(
                                Timestamp.newBuilder().setSeconds(1767225600).setNanos(250000000))
                        .build(),
                """
                pid: 4711
                exit_status: 137
                exited_at {
                  seconds: 1767225600
                  nanos: 250000000
                }
                """,
                """
                08 e724  // 1 pid: 4711
                10 8901  // 2 exit_status: 137
                1a0b  // 3 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                """);
    }

    private static ContainerdGolden execProcessRequest() {
        return new ContainerdGolden(
                "execProcessRequest",
                "containerd.task.v2.ExecProcessRequest",
                ExecProcessRequest.newBuilder()
                        .setId("a1b2")
                        .setExecId("sh")
                        .setTerminal(true)
                        .setStdin("/f/in")
                        .setStdout("file:///f/out")
                        .setStderr("/f/err")
                        .setSpec(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.OCI_PROCESS)
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .build(),
                """
                id: "a1b2"
                exec_id: "sh"
                terminal: true
                stdin: "/f/in"
                stdout: "file:///f/out"
                stderr: "/f/err"
                spec {
                  type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process"
                  value: "{}"
                }
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 01  // 3 terminal: true
                2205 2f662f696e  // 4 stdin: "/f/in"
                2a0d 66696c653a2f2f2f662f6f7574  // 5 stdout: "file:///f/out"
                3206 2f662f657272  // 6 stderr: "/f/err"
                3a3f  // 7 spec
                   0a39 74797065732e636f6e7461696e6572642e696f2f6f70656e636f6e7461696e6572732f72756e74696d652d737065632f312f50726f63657373  // 1 type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process"
                   1202 7b7d  // 2 value: "{}"
                """);
    }

    private static ContainerdGolden resizePtyRequest() {
        return new ContainerdGolden(
                "resizePtyRequest",
                "containerd.task.v2.ResizePtyRequest",
                ResizePtyRequest.newBuilder()
                        .setId("a1b2")
                        .setExecId("sh")
                        .setWidth(80)
                        .setHeight(24)
                        .build(),
                """
                id: "a1b2"
                exec_id: "sh"
                width: 80
                height: 24
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 50  // 3 width: 80
                20 18  // 4 height: 24
                """);
    }

    private static ContainerdGolden stateRequest() {
        return new ContainerdGolden(
                "stateRequest",
                "containerd.task.v2.StateRequest",
                StateRequest.newBuilder().setId("a1b2").setExecId("sh").build(),
                """
                id: "a1b2"
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
    }

    private static ContainerdGolden stateResponse() {
        return new ContainerdGolden(
                "stateResponse",
                "containerd.task.v2.StateResponse",
                StateResponse.newBuilder()
                        .setId("a1b2")
                        .setBundle("/run/b/a1b2")
                        .setPid(4711)
                        .setStatus(Status.STOPPED)
                        .setStdin("/f/in")
                        .setStdout("file:///f/out")
                        .setStderr("/f/err")
                        .setTerminal(true)
                        .setExitStatus(1)
                        .setExitedAt(
                                Timestamp.newBuilder().setSeconds(1767225600).setNanos(250000000))
                        .setExecId("sh")
                        .build(),
                """
                id: "a1b2"
                bundle: "/run/b/a1b2"
                pid: 4711
                status: STOPPED
                stdin: "/f/in"
                stdout: "file:///f/out"
                stderr: "/f/err"
                terminal: true
                exit_status: 1
                exited_at {
                  seconds: 1767225600
                  nanos: 250000000
                }
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                120b 2f72756e2f622f61316232  // 2 bundle: "/run/b/a1b2"
                18 e724  // 3 pid: 4711
                20 03  // 4 status: 3, STOPPED
                2a05 2f662f696e  // 5 stdin: "/f/in"
                320d 66696c653a2f2f2f662f6f7574  // 6 stdout: "file:///f/out"
                3a06 2f662f657272  // 7 stderr: "/f/err"
                40 01  // 8 terminal: true
                48 01  // 9 exit_status: 1
                520b  // 10 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                5a02 7368  // 11 exec_id: "sh"
                """);
    }

    private static ContainerdGolden killRequest() {
        return new ContainerdGolden(
                "killRequest",
                "containerd.task.v2.KillRequest",
                KillRequest.newBuilder()
                        .setId("a1b2")
                        .setExecId("sh")
                        .setSignal(15)
                        .setAll(true)
                        .build(),
                """
                id: "a1b2"
                exec_id: "sh"
                signal: 15
                all: true
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 0f  // 3 signal: 15
                20 01  // 4 all: true
                """);
    }

    private static ContainerdGolden closeIORequest() {
        return new ContainerdGolden(
                "closeIORequest",
                "containerd.task.v2.CloseIORequest",
                CloseIORequest.newBuilder().setId("a1b2").setExecId("sh").setStdin(true).build(),
                """
                id: "a1b2"
                exec_id: "sh"
                stdin: true
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                18 01  // 3 stdin: true
                """);
    }

    private static ContainerdGolden pidsRequest() {
        return new ContainerdGolden(
                "pidsRequest",
                "containerd.task.v2.PidsRequest",
                PidsRequest.newBuilder().setId("a1b2").build(),
                """
                id: "a1b2"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                """);
    }

    private static ContainerdGolden pidsResponse() {
        return new ContainerdGolden(
                "pidsResponse",
                "containerd.task.v2.PidsResponse",
                PidsResponse.newBuilder()
                        .addProcesses(
                                ProcessInfo.newBuilder()
                                        .setPid(4711)
                                        .setInfo(
                                                Any.newBuilder()
                                                        .setTypeUrl("t")
                                                        .setValue(ByteString.copyFromUtf8("{}"))))
                        .addProcesses(ProcessInfo.newBuilder().setPid(-1))
                        .build(),
                """
                processes {
                  pid: 4711
                  info {
                    type_url: "t"
                    value: "{}"
                  }
                }
                processes {
                  pid: 4294967295
                }
                """,
                """
                0a0c  // 1 processes
                   08 e724  // 1 pid: 4711
                   1207  // 2 info
                      0a01 74  // 1 type_url: "t"
                      1202 7b7d  // 2 value: "{}"
                0a06  // 1 processes
                   08 ffffffff0f  // 1 pid: 4294967295
                """);
    }

    private static ContainerdGolden checkpointTaskRequest() {
        return new ContainerdGolden(
                "checkpointTaskRequest",
                "containerd.task.v2.CheckpointTaskRequest",
                CheckpointTaskRequest.newBuilder()
                        .setId("a1b2")
                        .setPath("/c")
                        .setOptions(
                                Any.newBuilder()
                                        .setTypeUrl("t")
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .build(),
                """
                id: "a1b2"
                path: "/c"
                options {
                  type_url: "t"
                  value: "{}"
                }
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 2f63  // 2 path: "/c"
                1a07  // 3 options
                   0a01 74  // 1 type_url: "t"
                   1202 7b7d  // 2 value: "{}"
                """);
    }

    private static ContainerdGolden updateTaskRequest() {
        return new ContainerdGolden(
                "updateTaskRequest",
                "containerd.task.v2.UpdateTaskRequest",
                UpdateTaskRequest.newBuilder()
                        .setId("a1b2")
                        .setResources(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.OCI_LINUX_RESOURCES)
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .putAnnotations("k", "v")
                        .putAnnotations("l", "w")
                        .build(),
                """
                id: "a1b2"
                resources {
                  type_url: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
                  value: "{}"
                }
                annotations {
                  key: "k"
                  value: "v"
                }
                annotations {
                  key: "l"
                  value: "w"
                }
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1246  // 2 resources
                   0a40 74797065732e636f6e7461696e6572642e696f2f6f70656e636f6e7461696e6572732f72756e74696d652d737065632f312f4c696e75785265736f7572636573  // 1 type_url: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
                   1202 7b7d  // 2 value: "{}"
                1a06  // 3 annotations
                   0a01 6b  // 1 key: "k"
                   1201 76  // 2 value: "v"
                1a06  // 3 annotations
                   0a01 6c  // 1 key: "l"
                   1201 77  // 2 value: "w"
                """);
    }

    private static ContainerdGolden waitRequest() {
        return new ContainerdGolden(
                "waitRequest",
                "containerd.task.v2.WaitRequest",
                WaitRequest.newBuilder().setId("a1b2").setExecId("sh").build(),
                """
                id: "a1b2"
                exec_id: "sh"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                1202 7368  // 2 exec_id: "sh"
                """);
    }

    private static ContainerdGolden waitResponse() {
        return new ContainerdGolden(
                "waitResponse",
                "containerd.task.v2.WaitResponse",
                WaitResponse.newBuilder()
                        .setExitStatus(137)
                        .setExitedAt(
                                Timestamp.newBuilder().setSeconds(1767225600).setNanos(250000000))
                        .build(),
                """
                exit_status: 137
                exited_at {
                  seconds: 1767225600
                  nanos: 250000000
                }
                """,
                """
                08 8901  // 1 exit_status: 137
                120b  // 2 exited_at
                   08 80f2d6ca06  // 1 seconds: 1767225600
                   10 80e59a77  // 2 nanos: 250000000
                """);
    }

    private static ContainerdGolden statsRequest() {
        return new ContainerdGolden(
                "statsRequest",
                "containerd.task.v2.StatsRequest",
                StatsRequest.newBuilder().setId("a1b2").build(),
                """
                id: "a1b2"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                """);
    }

    private static ContainerdGolden statsResponse() {
        return new ContainerdGolden(
                "statsResponse",
                "containerd.task.v2.StatsResponse",
                StatsResponse.newBuilder()
                        .setStats(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.CGROUPS_V2_METRICS)
                                        .setValue(ByteString.copyFromUtf8("\012\002\010\003")))
                        .build(),
                """
                stats {
                  type_url: "io.containerd.cgroups.v2.Metrics"
                  value: "\\n\\002\\010\\003"
                }
                """,
                """
                0a28  // 1 stats
                   0a20 696f2e636f6e7461696e6572642e6367726f7570732e76322e4d657472696373  // 1 type_url: "io.containerd.cgroups.v2.Metrics"
                   1204 0a020803  // 2 value: 4 bytes
                """);
    }

    private static ContainerdGolden connectRequest() {
        return new ContainerdGolden(
                "connectRequest",
                "containerd.task.v2.ConnectRequest",
                ConnectRequest.newBuilder().setId("a1b2").build(),
                """
                id: "a1b2"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                """);
    }

    private static ContainerdGolden connectResponse() {
        return new ContainerdGolden(
                "connectResponse",
                "containerd.task.v2.ConnectResponse",
                ConnectResponse.newBuilder()
                        .setShimPid(42)
                        .setTaskPid(4711)
                        .setVersion("0.1.0")
                        .build(),
                """
                shim_pid: 42
                task_pid: 4711
                version: "0.1.0"
                """,
                """
                08 2a  // 1 shim_pid: 42
                10 e724  // 2 task_pid: 4711
                1a05 302e312e30  // 3 version: "0.1.0"
                """);
    }

    private static ContainerdGolden shutdownRequest() {
        return new ContainerdGolden(
                "shutdownRequest",
                "containerd.task.v2.ShutdownRequest",
                ShutdownRequest.newBuilder().setId("a1b2").setNow(true).build(),
                """
                id: "a1b2"
                now: true
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                10 01  // 2 now: true
                """);
    }

    private static ContainerdGolden pauseRequest() {
        return new ContainerdGolden(
                "pauseRequest",
                "containerd.task.v2.PauseRequest",
                PauseRequest.newBuilder().setId("a1b2").build(),
                """
                id: "a1b2"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                """);
    }

    private static ContainerdGolden resumeRequest() {
        return new ContainerdGolden(
                "resumeRequest",
                "containerd.task.v2.ResumeRequest",
                ResumeRequest.newBuilder().setId("a1b2").build(),
                """
                id: "a1b2"
                """,
                """
                0a04 61316232  // 1 id: "a1b2"
                """);
    }
}
