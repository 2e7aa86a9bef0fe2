// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.api.control.VersionResponse;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import io.bunkai.config.AnnotationPolicy;
import io.bunkai.config.Configuration;
import io.bunkai.images.ImageStore;
import io.bunkai.images.LayerStore;
import io.bunkai.linux.KeptFds;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoints;
import io.bunkai.runtime.GuestKernel;
import io.bunkai.runtime.HostCgroups;
import io.bunkai.runtime.LayerSource;
import io.bunkai.runtime.Planner;
import io.bunkai.runtime.StateRoot;
import io.bunkai.runtime.Templates;
import io.bunkai.shim.ShimServer;
import io.bunkai.shim.TaskReattachment;
import io.bunkai.shim.TaskServices;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.qemu.QemuHypervisor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What a daemon serves, wired: the configuration, QEMU, the containers, the sockets. It goes on
 * with whatever the one before it has left, and leaves everything to the one after it.
 */
final class Node implements AutoCloseable {
    private static final Path CGROUP_MOUNT = Path.of("/sys/fs/cgroup");
    private static final String CGROUP_PARENT = "bunkai";

    /** How long QEMU may take to tell its version. */
    private static final Duration QUESTION = Duration.ofSeconds(10);

    /** On top of the wait for the agent: what else belongs to a start. */
    private static final Duration START_MARGIN = Duration.ofSeconds(30);

    private final Closer owned;

    private Node(Closer owned) {
        this.owned = owned;
    }

    /**
     * Opens everything; when this returns, it answers.
     *
     * @param kept descriptors that a former daemon has left, and those for a later one
     * @param shutDown asks this daemon to end
     * @throws Fault whatever is wrong with the configuration or the journal
     */
    static Node open(
            DaemonOptions options,
            StateRoot root,
            KeptFds kept,
            CrashPoints crashPoints,
            Runnable shutDown) {
        try (Closer undo = new Closer()) {
            NodeConfigurations configurations = NodeConfigurations.load(options);
            Configuration configuration = configurations.ofThisNode().configuration();
            NodeMachines machines = new NodeMachines(options.guest(), root);
            NodeMachines.Chosen accelerator = machines.accelerator(configuration);
            Hypervisor hypervisor = new QemuHypervisor();
            LayerSource layers = new StoredLayers(new LayerStore(root.layers()));
            HostCgroups cgroups = HostCgroups.find(CGROUP_MOUNT, CGROUP_PARENT);
            Planner planner =
                    new Planner(
                            configurations,
                            new AnnotationPolicy(),
                            new StoredImages(new ImageStore(root.images())),
                            layers,
                            machines,
                            hypervisor,
                            cgroups,
                            root);
            Templates templates =
                    undo.own(
                            Templates.open(
                                    root,
                                    configuration.runtime().templates(),
                                    hypervisor,
                                    cgroups,
                                    NanoClock.SYSTEM));
            TaskReattachment reattachment = new TaskReattachment(kept);
            Containers containers =
                    undo.own(
                            Containers.open(
                                    planner,
                                    layers,
                                    hypervisor,
                                    root,
                                    NanoClock.SYSTEM,
                                    crashPoints,
                                    reattachment,
                                    Optional.of(templates)));
            StreamServer streams = undo.own(StreamServer.open(root.streamSocket()));
            Duration startPatience =
                    configuration
                            .agent()
                            .dialTimeout()
                            .plus(accelerator.accelerator().patience(START_MARGIN));
            ControlService service =
                    new ControlService(
                            containers,
                            templates,
                            streams,
                            () ->
                                    versions(
                                            root,
                                            configuration,
                                            accelerator,
                                            kernel(machines, configuration),
                                            hypervisor),
                            startPatience,
                            shutDown);
            TaskServices tasks =
                    undo.own(
                            new TaskServices(
                                    containers, reattachment, CGROUP_MOUNT, startPatience));
            undo.onClose(kept::freeze); // what is let go of from here on is for the next daemon
            undo.own(ShimServer.open(root.run(), kept, tasks, tasks::serverFor));
            undo.own(
                    MetricsServer.open(
                            root.metricsSocket(),
                            new Metrics(containers)::text,
                            MetricsServer.PATIENCE));
            undo.own(ControlServer.open(root.controlSocket(), service.server()));
            return new Node(undo.release());
        } catch (IOException e) {
            throw Fault.internal("the daemon's sockets cannot be opened").causedBy(e);
        }
    }

    /** What is booted and what that is; without a guest image, what would be. */
    private static String kernel(NodeMachines machines, Configuration configuration) {
        try {
            GuestKernel kernel = machines.kernel(configuration);
            return "%s (%s)".formatted(kernel.file(), kernel.description());
        } catch (Fault e) {
            return configuration.boot().kernel().toString();
        }
    }

    private static VersionResponse.Builder versions(
            StateRoot root,
            Configuration configuration,
            NodeMachines.Chosen accelerator,
            String kernel,
            Hypervisor hypervisor) {
        return VersionResponse.newBuilder()
                .setDaemon(ReleaseVersion.TEXT)
                .setPid((int) ProcessHandle.current().pid())
                .setAccelerator(accelerator.accelerator().name().toLowerCase(java.util.Locale.ROOT))
                .setAcceleratorReason(accelerator.reason())
                .setVmm(
                        hypervisor.description(
                                configuration.machine().hypervisor(), Deadline.after(QUESTION)))
                .setKernel(kernel)
                .setImage(configuration.boot().root().path().toString())
                .setStateRoot(root.path().toString());
    }

    /** Lets go of everything; containers run on. Idempotent. */
    @Override
    public void close() {
        owned.close();
    }
}
