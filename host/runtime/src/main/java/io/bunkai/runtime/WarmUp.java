// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.ReseedRandomDevRequest;
import io.bunkai.api.agent.SetGuestDateTimeRequest;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import io.bunkai.oci.DefaultSpec;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The whole life of a container that nobody has asked for, in a machine that is about to be frozen:
 * what an agent and a kernel do once, at the first container, is done in all clones then.
 *
 * <p>Its root is the guest's own root file system, mounted once more. Nothing of it stays: the
 * agent is asked to make the machine what it was.
 */
final class WarmUp {
    private static final String ID = "warm-up";
    private static final String EXEC = "exec";
    private static final String HOME = "/run/kata-containers/" + ID;
    private static final ByteString INPUT = ByteString.copyFromUtf8("warm\n");
    private static final int REMOVAL_SECONDS = 10;
    private static final int CHUNK_BYTES = 4096;

    /** A root that is a disk without partitions can be mounted a second time. */
    private static final Pattern WHOLE_DISK =
            Pattern.compile("(?:^| )root=/dev/vda(?: .*)?(?<= )rootfstype=([a-z0-9]+)(?: |$)");

    private final GuestCalls agent;
    private final Deadline deadline;

    private WarmUp(GuestCalls agent, Deadline deadline) {
        this.agent = agent;
        this.deadline = deadline;
    }

    /**
     * Goes through it.
     *
     * @throws Fault if the agent refuses a step; the machine is not fit for a template then
     * @throws IOException if the guest is lost
     */
    static void run(GuestCalls agent, VirtualMachineSpec machine, Deadline deadline)
            throws IOException {
        new WarmUp(agent, deadline).goThrough(storages(machine.boot().commandLine()));
    }

    private void goThrough(List<Plan.Storage> storages) throws IOException {
        Instant now = Instant.now();
        agent.call(
                AgentMethods.SET_GUEST_DATE_TIME,
                SetGuestDateTimeRequest.newBuilder().setSec(now.getEpochSecond()).build(),
                deadline);
        // Whoever can read the template knows these; each clone gets some of its own.
        agent.call(
                AgentMethods.RESEED_RANDOM_DEV,
                ReseedRandomDevRequest.newBuilder()
                        .setData(ByteString.copyFromUtf8(now.toString()))
                        .build(),
                deadline);
        agent.call(
                AgentMethods.CREATE_SANDBOX,
                CreateSandboxRequest.newBuilder().setSandboxId(ID).setHostname(ID).build(),
                deadline);
        RuntimeSpec spec =
                DefaultSpec.of(RootDisks.rootOf(HOME), "/bunkai/" + ID, List.of("/bin/cat"));
        CreateContainerRequest.Builder create =
                CreateContainerRequest.newBuilder()
                        .setContainerId(ID)
                        .setExecId(ID)
                        .setOCI(AgentSpec.of(spec));
        storages.forEach(storage -> create.addStorages(AgentSpec.storage(storage)));
        agent.call(AgentMethods.CREATE_CONTAINER, create.build(), deadline);
        agent.call(
                AgentMethods.START_CONTAINER,
                StartContainerRequest.newBuilder().setContainerId(ID).build(),
                deadline);
        agent.call(
                AgentMethods.EXEC_PROCESS,
                ExecProcessRequest.newBuilder()
                        .setContainerId(ID)
                        .setExecId(EXEC)
                        .setProcess(create.getOCI().getProcess())
                        .build(),
                deadline);
        agent.call(
                AgentMethods.STATS_CONTAINER,
                StatsContainerRequest.newBuilder().setContainerId(ID).build(),
                deadline);
        end(EXEC);
        end(ID);
        agent.call(
                AgentMethods.REMOVE_CONTAINER,
                RemoveContainerRequest.newBuilder()
                        .setContainerId(ID)
                        .setTimeout(REMOVAL_SECONDS)
                        .build(),
                deadline);
        agent.call(
                AgentMethods.DESTROY_SANDBOX, DestroySandboxRequest.getDefaultInstance(), deadline);
    }

    /** Speaks to a process, kills it, and takes what it has written. */
    private void end(String process) throws IOException {
        boolean acknowledged = agent.offers(GuestMethods.ACKNOWLEDGED_STREAMS);
        try {
            if (acknowledged) {
                agent.call(
                        GuestMethods.WRITE_INPUT,
                        WriteInputRequest.newBuilder()
                                .setContainerId(ID)
                                .setExecId(process)
                                .setData(INPUT)
                                .build(),
                        deadline);
            }
            agent.call(
                    AgentMethods.SIGNAL_PROCESS,
                    SignalProcessRequest.newBuilder()
                            .setContainerId(ID)
                            .setExecId(process)
                            .setSignal(Signals.SIGKILL)
                            .build(),
                    deadline);
        } catch (Fault e) {
            if (e.code() != FaultCode.NOT_FOUND) { // it has ended already
                throw e;
            }
        }
        agent.call(
                AgentMethods.WAIT_PROCESS,
                WaitProcessRequest.newBuilder().setContainerId(ID).setExecId(process).build(),
                deadline);
        if (acknowledged) {
            for (OutputKind stream : List.of(OutputKind.STDOUT, OutputKind.STDERR)) {
                agent.call(
                        GuestMethods.READ_OUTPUT,
                        ReadOutputRequest.newBuilder()
                                .setContainerId(ID)
                                .setExecId(process)
                                .setStream(stream)
                                .setMaxBytes(CHUNK_BYTES)
                                .setFromOldest(true)
                                .build(),
                        deadline);
            }
        }
    }

    /**
     * {@return a container's root out of the guest's, its disk mounted as a container's is}
     *
     * @param parameters of the guest's kernel
     */
    static List<Plan.Storage> storages(String parameters) {
        List<Plan.Storage> storages = new ArrayList<>();
        String lower = "/";
        Matcher root = WHOLE_DISK.matcher(parameters);
        if (root.find()) {
            lower = HOME + "/lower";
            storages.add(
                    new Plan.Storage(
                            "blk",
                            "%02x".formatted(Disk.FIRST_SLOT),
                            root.group(1),
                            List.of("ro"),
                            lower));
        }
        storages.addAll(RootDisks.over(List.of(lower), HOME));
        return storages;
    }
}
