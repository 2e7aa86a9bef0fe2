// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Any;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Timestamp;
import io.bunkai.api.TypeUrls;
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
import java.time.Instant;
import java.util.List;

/**
 * What containerd is told of a container. Process ids are those that the task service answers with
 * too, as unsigned numbers.
 *
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/v2/README.md which events
 *     there are, and when they are due
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/events.go the topics
 */
sealed interface TaskEvent {
    /** {@return the container that it is about} */
    String container();

    /**
     * The container was prepared.
     *
     * @param rootfs as the request had it
     * @param checkpoint as the request had it; empty: none
     */
    record Created(
            String container,
            String bundle,
            List<Mount> rootfs,
            Streams streams,
            String checkpoint,
            int pid)
            implements TaskEvent {
        public Created {
            rootfs = List.copyOf(rootfs);
        }
    }

    /** Where a process's streams go, as the request had it; empty: nowhere. */
    record Streams(String stdin, String stdout, String stderr, boolean terminal) {}

    /** The container's own process was started. */
    record Started(String container, int pid) implements TaskEvent {}

    /** A further process was prepared. */
    record ExecAdded(String container, String exec) implements TaskEvent {}

    /** A further process was started. */
    record ExecStarted(String container, String exec, int pid) implements TaskEvent {}

    /**
     * A process has ended.
     *
     * @param process the exec's id, or the container's id for the container's own process
     */
    record Exited(String container, String process, int pid, int status, Instant at)
            implements TaskEvent {}

    /** The container was deleted; not told of a further process. */
    record Deleted(String container, int pid, int status, Instant at) implements TaskEvent {}

    /** The container ran out of memory, and a process of it was killed. */
    record OutOfMemory(String container) implements TaskEvent {}

    /** The container was frozen. */
    record Paused(String container) implements TaskEvent {}

    /** The container was thawed. */
    record Resumed(String container) implements TaskEvent {}

    /**
     * The container's state was written down.
     *
     * @param checkpoint where to
     */
    record Checkpointed(String container, String checkpoint) implements TaskEvent {}

    /** {@return what containerd distributes it under} */
    default String topic() {
        return switch (this) {
            case Created _ -> "/tasks/create";
            case Started _ -> "/tasks/start";
            case ExecAdded _ -> "/tasks/exec-added";
            case ExecStarted _ -> "/tasks/exec-started";
            case Exited _ -> "/tasks/exit";
            case Deleted _ -> "/tasks/delete";
            case OutOfMemory _ -> "/tasks/oom";
            case Paused _ -> "/tasks/paused";
            case Resumed _ -> "/tasks/resumed";
            case Checkpointed _ -> "/tasks/checkpointed";
        };
    }

    /** {@return it in containerd's words} */
    default Any message() {
        return switch (this) {
            case Created it -> pack(TypeUrls.TASK_CREATE, created(it));
            case Started(String container, int pid) ->
                    pack(
                            TypeUrls.TASK_START,
                            TaskStart.newBuilder().setContainerId(container).setPid(pid));
            case ExecAdded(String container, String exec) ->
                    pack(
                            TypeUrls.TASK_EXEC_ADDED,
                            TaskExecAdded.newBuilder().setContainerId(container).setExecId(exec));
            case ExecStarted(String container, String exec, int pid) ->
                    pack(
                            TypeUrls.TASK_EXEC_STARTED,
                            TaskExecStarted.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .setPid(pid));
            case Exited(String container, String process, int pid, int status, Instant at) ->
                    pack(
                            TypeUrls.TASK_EXIT,
                            TaskExit.newBuilder()
                                    .setContainerId(container)
                                    .setId(process)
                                    .setPid(pid)
                                    .setExitStatus(status)
                                    .setExitedAt(timestamp(at)));
            case Deleted(String container, int pid, int status, Instant at) ->
                    pack(
                            TypeUrls.TASK_DELETE,
                            TaskDelete.newBuilder()
                                    .setContainerId(container)
                                    .setPid(pid)
                                    .setExitStatus(status)
                                    .setExitedAt(timestamp(at)));
            case OutOfMemory(String container) ->
                    pack(TypeUrls.TASK_OOM, TaskOOM.newBuilder().setContainerId(container));
            case Paused(String container) ->
                    pack(TypeUrls.TASK_PAUSED, TaskPaused.newBuilder().setContainerId(container));
            case Resumed(String container) ->
                    pack(TypeUrls.TASK_RESUMED, TaskResumed.newBuilder().setContainerId(container));
            case Checkpointed(String container, String checkpoint) ->
                    pack(
                            TypeUrls.TASK_CHECKPOINTED,
                            TaskCheckpointed.newBuilder()
                                    .setContainerId(container)
                                    .setCheckpoint(checkpoint));
        };
    }

    /** {@return a moment as it travels} */
    static Timestamp timestamp(Instant at) {
        return Timestamp.newBuilder()
                .setSeconds(at.getEpochSecond())
                .setNanos(at.getNano())
                .build();
    }

    private static TaskCreate.Builder created(Created event) {
        Streams streams = event.streams();
        return TaskCreate.newBuilder()
                .setContainerId(event.container())
                .setBundle(event.bundle())
                .addAllRootfs(event.rootfs())
                .setIo(
                        TaskIO.newBuilder()
                                .setStdin(streams.stdin())
                                .setStdout(streams.stdout())
                                .setStderr(streams.stderr())
                                .setTerminal(streams.terminal()))
                .setCheckpoint(event.checkpoint())
                .setPid(event.pid());
    }

    private static Any pack(String typeUrl, MessageLite.Builder message) {
        return TypeUrls.pack(typeUrl, message.build());
    }
}
