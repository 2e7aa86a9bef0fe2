// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
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
import io.bunkai.api.containerd.PauseRequest;
import io.bunkai.api.containerd.PidsRequest;
import io.bunkai.api.containerd.PidsResponse;
import io.bunkai.api.containerd.ResizePtyRequest;
import io.bunkai.api.containerd.ResumeRequest;
import io.bunkai.api.containerd.ShutdownRequest;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StartResponse;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.StateResponse;
import io.bunkai.api.containerd.StatsRequest;
import io.bunkai.api.containerd.StatsResponse;
import io.bunkai.api.containerd.UpdateTaskRequest;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.api.containerd.WaitResponse;
import io.bunkai.ttrpc.Method;
import java.util.function.Supplier;

/**
 * What containerd asks of a shim: every method of its task service, under one of the two names that
 * the service has. Which one containerd calls depends on what the shim prints when it starts.
 *
 * @param service full name of the service
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/v2/README.md Runtime v2
 */
public record TaskMethods(String service) {
    /** What containerd 1.x calls, and 2.x if the shim says version 2. */
    public static final TaskMethods V2 = new TaskMethods("containerd.task.v2.Task");

    /** What containerd 2.x calls if the shim says version 3. */
    public static final TaskMethods V3 = new TaskMethods("containerd.task.v3.Task");

    /** {@return {@code State}: what a process is doing} */
    public Method<StateRequest, StateResponse> state() {
        return method("State", StateRequest::parser, StateResponse::parser);
    }

    /** {@return {@code Create}: prepares a container and its process} */
    public Method<CreateTaskRequest, CreateTaskResponse> create() {
        return method("Create", CreateTaskRequest::parser, CreateTaskResponse::parser);
    }

    /** {@return {@code Start}: runs a process that was prepared} */
    public Method<StartRequest, StartResponse> start() {
        return method("Start", StartRequest::parser, StartResponse::parser);
    }

    /** {@return {@code Delete}: forgets a process that has ended} */
    public Method<DeleteRequest, DeleteResponse> delete() {
        return method("Delete", DeleteRequest::parser, DeleteResponse::parser);
    }

    /** {@return {@code Pids}: the processes of a container} */
    public Method<PidsRequest, PidsResponse> pids() {
        return method("Pids", PidsRequest::parser, PidsResponse::parser);
    }

    /** {@return {@code Pause}: freezes a container} */
    public Method<PauseRequest, Empty> pause() {
        return method("Pause", PauseRequest::parser, Empty::parser);
    }

    /** {@return {@code Resume}: thaws a container} */
    public Method<ResumeRequest, Empty> resume() {
        return method("Resume", ResumeRequest::parser, Empty::parser);
    }

    /** {@return {@code Checkpoint}: writes a container's state to a directory} */
    public Method<CheckpointTaskRequest, Empty> checkpoint() {
        return method("Checkpoint", CheckpointTaskRequest::parser, Empty::parser);
    }

    /** {@return {@code Kill}: signals a process} */
    public Method<KillRequest, Empty> kill() {
        return method("Kill", KillRequest::parser, Empty::parser);
    }

    /** {@return {@code Exec}: prepares a further process in a container} */
    public Method<ExecProcessRequest, Empty> exec() {
        return method("Exec", ExecProcessRequest::parser, Empty::parser);
    }

    /** {@return {@code ResizePty}: sets the size of a process's terminal} */
    public Method<ResizePtyRequest, Empty> resizePty() {
        return method("ResizePty", ResizePtyRequest::parser, Empty::parser);
    }

    /** {@return {@code CloseIO}: closes a process's standard input} */
    public Method<CloseIORequest, Empty> closeIo() {
        return method("CloseIO", CloseIORequest::parser, Empty::parser);
    }

    /** {@return {@code Update}: changes a container's limits} */
    public Method<UpdateTaskRequest, Empty> update() {
        return method("Update", UpdateTaskRequest::parser, Empty::parser);
    }

    /** {@return {@code Wait}: answers when a process has ended} */
    public Method<WaitRequest, WaitResponse> waitFor() {
        return method("Wait", WaitRequest::parser, WaitResponse::parser);
    }

    /** {@return {@code Stats}: what a container uses} */
    public Method<StatsRequest, StatsResponse> stats() {
        return method("Stats", StatsRequest::parser, StatsResponse::parser);
    }

    /** {@return {@code Connect}: who serves the container} */
    public Method<ConnectRequest, ConnectResponse> connect() {
        return method("Connect", ConnectRequest::parser, ConnectResponse::parser);
    }

    /** {@return {@code Shutdown}: the shim is not needed any more} */
    public Method<ShutdownRequest, Empty> shutdown() {
        return method("Shutdown", ShutdownRequest::parser, Empty::parser);
    }

    private <Q extends MessageLite, R extends MessageLite> Method<Q, R> method(
            String name, Supplier<Parser<Q>> request, Supplier<Parser<R>> response) {
        return new Method<>(service, name, request, response);
    }
}
