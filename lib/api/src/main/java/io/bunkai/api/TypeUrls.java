// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Any;
import com.google.protobuf.MessageLite;

/**
 * Names of what containerd puts into a {@code google.protobuf.Any}, in both directions.
 *
 * <p>A message of protocol buffers goes under its bare full name, without the host that protocol
 * buffers' own libraries put before it. containerd itself accepts any host, so a reader should
 * compare with {@link #names}. Structures of the OCI runtime specification have no message and go
 * as JSON, under a path.
 *
 * @spec https://pkg.go.dev/github.com/containerd/typeurl/v2 typeurl
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/typeurl.go what is JSON
 */
public final class TypeUrls {
    // The events, containerd's api/events/task.proto.
    /** {@link io.bunkai.api.containerd.TaskCreate} */
    public static final String TASK_CREATE = "containerd.events.TaskCreate";

    /** {@link io.bunkai.api.containerd.TaskStart} */
    public static final String TASK_START = "containerd.events.TaskStart";

    /** {@link io.bunkai.api.containerd.TaskDelete} */
    public static final String TASK_DELETE = "containerd.events.TaskDelete";

    /** {@link io.bunkai.api.containerd.TaskExit} */
    public static final String TASK_EXIT = "containerd.events.TaskExit";

    /** {@link io.bunkai.api.containerd.TaskOOM} */
    public static final String TASK_OOM = "containerd.events.TaskOOM";

    /** {@link io.bunkai.api.containerd.TaskExecAdded} */
    public static final String TASK_EXEC_ADDED = "containerd.events.TaskExecAdded";

    /** {@link io.bunkai.api.containerd.TaskExecStarted} */
    public static final String TASK_EXEC_STARTED = "containerd.events.TaskExecStarted";

    /** {@link io.bunkai.api.containerd.TaskPaused} */
    public static final String TASK_PAUSED = "containerd.events.TaskPaused";

    /** {@link io.bunkai.api.containerd.TaskResumed} */
    public static final String TASK_RESUMED = "containerd.events.TaskResumed";

    /** {@link io.bunkai.api.containerd.TaskCheckpointed} */
    public static final String TASK_CHECKPOINTED = "containerd.events.TaskCheckpointed";

    // The answers to Stats, metrics.proto of containerd's cgroups library.
    /** {@link io.bunkai.api.containerd.CgroupsV1.Metrics} */
    public static final String CGROUPS_V1_METRICS = "io.containerd.cgroups.v1.Metrics";

    /** {@link io.bunkai.api.containerd.CgroupsV2.Metrics} */
    public static final String CGROUPS_V2_METRICS = "io.containerd.cgroups.v2.Metrics";

    // The options of Create, containerd's api/types.
    /** {@link io.bunkai.api.containerd.RuntimeOptions.Options}, the same from containerd 1.6 on. */
    public static final String RUNTIME_OPTIONS = "runtimeoptions.v1.Options";

    /** What containerd and {@code ctr} send if they take a runtime for runc: not for us. */
    public static final String RUNC_OPTIONS = "containerd.runc.v1.Options";

    /** {@link io.bunkai.api.containerd.ProcessDetails}, what Pids says of a process. */
    public static final String PROCESS_DETAILS = "containerd.runc.v1.ProcessDetails";

    // JSON of the OCI runtime specification: the number is its major version.
    /** JSON of {@code config.json} */
    public static final String OCI_SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

    /** JSON of the specification's {@code process}: what Exec carries. */
    public static final String OCI_PROCESS =
            "types.containerd.io/opencontainers/runtime-spec/1/Process";

    /** JSON of the specification's {@code linux.resources}: what Update carries. */
    public static final String OCI_LINUX_RESOURCES =
            "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

    /** JSON of the specification's features structure: what {@code -info} answers with. */
    public static final String OCI_FEATURES =
            "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

    private TypeUrls() {}

    /** {@return the message as containerd wants it} */
    public static Any pack(String typeUrl, MessageLite message) {
        return Any.newBuilder().setTypeUrl(typeUrl).setValue(message.toByteString()).build();
    }

    /** {@return whether a type URL that was received names this type, under whatever host} */
    public static boolean names(String received, String typeUrl) {
        return received.equals(typeUrl) || received.endsWith("/" + typeUrl);
    }
}
