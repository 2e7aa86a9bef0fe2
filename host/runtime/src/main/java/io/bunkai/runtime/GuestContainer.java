// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.CopyFileRequest;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.PauseContainerRequest;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.ResumeContainerRequest;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.UpdateContainerRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;

/** A container in a guest, as it is asked for there. */
final class GuestContainer {
    private static final int DIRECTORY_MODE = 0755;

    private final GuestCalls agent;
    private final String id;

    GuestContainer(GuestCalls agent, String id) {
        this.agent = agent;
        this.id = id;
    }

    /**
     * Makes the container, up to the point where its process waits to be started.
     *
     * @throws Fault what the agent says; NOT_FOUND if the program does not exist, PERMISSION_DENIED
     *     if it cannot be run
     */
    void create(Plan plan, Deadline deadline) throws IOException {
        for (Plan.GuestFile file : plan.guest().files()) {
            copy(file, deadline);
        }
        CreateContainerRequest.Builder create =
                CreateContainerRequest.newBuilder()
                        .setContainerId(id)
                        .setExecId(id)
                        .setOCI(AgentSpec.of(plan.process()));
        AgentSpec.user(plan.user()).ifPresent(create::setStringUser);
        plan.devices().forEach(device -> create.addDevices(AgentSpec.device(device)));
        plan.storages().forEach(storage -> create.addStorages(AgentSpec.storage(storage)));
        agent.call(AgentMethods.CREATE_CONTAINER, create.build(), deadline);
    }

    private void copy(Plan.GuestFile file, Deadline deadline) throws IOException {
        byte[] content;
        Map<String, Object> attributes;
        try {
            content = Files.readAllBytes(file.source());
            attributes = Files.readAttributes(file.source(), "unix:mode,uid,gid");
        } catch (IOException e) {
            throw Fault.failedPrecondition("%s cannot be read", file.source()).causedBy(e);
        }
        agent.call(
                AgentMethods.COPY_FILE,
                CopyFileRequest.newBuilder()
                        .setPath(file.path())
                        .setFileSize(content.length)
                        .setFileMode(number(attributes, "mode"))
                        .setDirMode(DIRECTORY_MODE)
                        .setUid(number(attributes, "uid"))
                        .setGid(number(attributes, "gid"))
                        .setData(ByteString.copyFrom(content))
                        .build(),
                deadline);
    }

    private static int number(Map<String, Object> attributes, String name) {
        return attributes.get(name) instanceof Integer number ? number : 0;
    }

    /** Starts its process. */
    void start(Deadline deadline) throws IOException {
        agent.call(
                AgentMethods.START_CONTAINER,
                StartContainerRequest.newBuilder().setContainerId(id).build(),
                deadline);
    }

    /** Stops all its processes for a while. */
    void pause(Deadline deadline) {
        ask(
                AgentMethods.PAUSE_CONTAINER,
                PauseContainerRequest.newBuilder().setContainerId(id).build(),
                deadline);
    }

    /** Lets its processes go on. */
    void resume(Deadline deadline) {
        ask(
                AgentMethods.RESUME_CONTAINER,
                ResumeContainerRequest.newBuilder().setContainerId(id).build(),
                deadline);
    }

    /** Signals all its processes. */
    void signalAll(int signal, Deadline deadline) {
        ask(
                AgentMethods.SIGNAL_PROCESS,
                SignalProcessRequest.newBuilder().setContainerId(id).setSignal(signal).build(),
                deadline);
    }

    /** Removes it: everything that was mounted for it is written back. */
    void remove(Duration patience) {
        ask(
                AgentMethods.REMOVE_CONTAINER,
                RemoveContainerRequest.newBuilder()
                        .setContainerId(id)
                        .setTimeout((int) patience.toSeconds())
                        .build(),
                Deadline.after(patience));
    }

    /** Changes its limits. */
    void update(RuntimeSpec.Resources resources, Deadline deadline) {
        ask(
                AgentMethods.UPDATE_CONTAINER,
                UpdateContainerRequest.newBuilder()
                        .setContainerId(id)
                        .setResources(AgentSpec.resources(resources))
                        .build(),
                deadline);
    }

    /** {@return what it uses} */
    StatsContainerResponse stats(Deadline deadline) {
        return ask(
                AgentMethods.STATS_CONTAINER,
                StatsContainerRequest.newBuilder().setContainerId(id).build(),
                deadline);
    }

    private <Q extends MessageLite, R extends MessageLite> R ask(
            Method<Q, R> method, Q request, Deadline deadline) {
        try {
            return agent.call(method, request, deadline);
        } catch (IOException e) {
            throw Fault.unavailable("the guest of %s was lost: %s", id, method.name()).causedBy(e);
        }
    }
}
