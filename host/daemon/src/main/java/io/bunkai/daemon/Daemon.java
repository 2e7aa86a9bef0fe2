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
import io.bunkai.linux.LockFile;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.CrashPoints;
import io.bunkai.runtime.GuestKernel;
import io.bunkai.runtime.HostCgroups;
import io.bunkai.runtime.LayerSource;
import io.bunkai.runtime.Planner;
import io.bunkai.runtime.StateRoot;
import io.bunkai.shim.ShimServer;
import io.bunkai.shim.TaskServices;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.qemu.QemuHypervisor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Everything of one daemon, wired: the lock, the configuration, QEMU, the containers, the sockets.
 */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Daemon.class.getName());
    private static final Path CGROUP_MOUNT = Path.of("/sys/fs/cgroup");
    private static final String CGROUP_PARENT = "bunkai";

    /** Whoever looks whether there is a daemon has its lock for a moment. */
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(1);

    /** How long QEMU may take to tell its version. */
    private static final Duration QUESTION = Duration.ofSeconds(10);

    /** On top of the wait for the agent: what else belongs to a start. */
    private static final Duration START_MARGIN = Duration.ofSeconds(30);

    private final Closer owned;
    private final CountDownLatch shutdown;

    private Daemon(Closer owned, CountDownLatch shutdown) {
        this.owned = owned;
        this.shutdown = shutdown;
    }

    /**
     * Starts the daemon; when this returns, it answers.
     *
     * @throws Fault FAILED_PRECONDITION if another daemon has this state root, and whatever is
     *     wrong with the configuration or the journal
     */
    static Daemon start(DaemonOptions options) {
        try (Closer undo = new Closer()) {
            StateRoot root = StateRoot.open(options.stateRoot());
            undo.own(lock(root));
            NodeConfigurations configurations = NodeConfigurations.load(options);
            Configuration configuration = configurations.ofThisNode().configuration();
            NodeMachines machines = new NodeMachines(options.guest(), root);
            NodeMachines.Chosen accelerator = machines.accelerator(configuration);
            Hypervisor hypervisor = new QemuHypervisor();
            HostCgroups cgroups = HostCgroups.find(CGROUP_MOUNT, CGROUP_PARENT);
            LayerSource layers = new StoredLayers(new LayerStore(root.layers()));
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
            Containers containers =
                    undo.own(
                            Containers.open(
                                    planner,
                                    layers,
                                    hypervisor,
                                    root,
                                    NanoClock.SYSTEM,
                                    crashPoints()));
            StreamServer streams = undo.own(StreamServer.open(root.streamSocket()));
            CountDownLatch shutdown = new CountDownLatch(1);
            Duration startPatience =
                    configuration
                            .agent()
                            .dialTimeout()
                            .plus(accelerator.accelerator().patience(START_MARGIN));
            ControlService service =
                    new ControlService(
                            containers,
                            streams,
                            () ->
                                    versions(
                                            root,
                                            configuration,
                                            accelerator,
                                            kernel(machines, configuration),
                                            hypervisor),
                            startPatience,
                            shutdown::countDown);
            TaskServices tasks =
                    undo.own(new TaskServices(containers, CGROUP_MOUNT, startPatience));
            undo.own(ShimServer.open(root.run(), tasks, tasks::serverFor));
            undo.own(ControlServer.open(root.controlSocket(), service.server()));
            LOG.log(
                    System.Logger.Level.INFO,
                    "ready state_root={0} pid={1}",
                    root.path(),
                    ProcessHandle.current().pid());
            return new Daemon(undo.release(), shutdown);
        } catch (IOException e) {
            throw Fault.internal("the daemon's sockets cannot be opened").causedBy(e);
        }
    }

    /** The lock proves that a daemon lives: the kernel takes it away from a dead one. */
    private static AutoCloseable lock(StateRoot root) {
        try {
            LockFile lock =
                    LockFile.acquire(root.lockFile(), Deadline.after(LOCK_PATIENCE))
                            .orElseThrow(() -> anotherDaemon(root));
            Files.writeString(root.lockFile(), Long.toString(ProcessHandle.current().pid()));
            return lock;
        } catch (IOException e) {
            throw Fault.internal("the lock %s cannot be taken", root.lockFile()).causedBy(e);
        }
    }

    private static Fault anotherDaemon(StateRoot root) {
        return Fault.failedPrecondition("another daemon has the state root %s", root.path())
                .withHint("use it, or choose another root with --state-root");
    }

    /** For tests of what a death leaves behind: {@code LABEL}, and {@code LABEL@SOCKET}. */
    private static CrashPoints crashPoints() {
        String fatal = System.getenv("BUNKAI_CRASH_AT");
        if (fatal != null) {
            return CrashPoints.dieAt(CrashPoint.ofLabel(fatal));
        }
        String held = System.getenv("BUNKAI_HOLD_AT");
        if (held != null) {
            String[] words = held.split("@", 2);
            return CrashPoints.holdAt(
                    CrashPoint.ofLabel(words[0]), Path.of(words[words.length - 1]));
        }
        return CrashPoints.NONE;
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

    /** Returns when somebody has asked the daemon to end. */
    void awaitShutdown() throws InterruptedException {
        shutdown.await();
    }

    /** Ends the daemon; containers run on. Idempotent, also against the shutdown hook. */
    @Override
    public synchronized void close() {
        owned.close();
    }
}
