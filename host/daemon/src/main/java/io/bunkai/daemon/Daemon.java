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
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.CrashPoints;
import io.bunkai.runtime.GuestKernel;
import io.bunkai.runtime.HostCgroups;
import io.bunkai.runtime.Planner;
import io.bunkai.runtime.StateRoot;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.qemu.QemuHypervisor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Everything of one daemon, wired: the lock, the configuration, QEMU, the containers, the sockets.
 */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Daemon.class.getName());
    private static final Path CGROUP_MOUNT = Path.of("/sys/fs/cgroup");
    private static final String CGROUP_PARENT = "bunkai";

    /** How long QEMU may take to tell its version. */
    private static final Duration QUESTION = Duration.ofSeconds(10);

    /** How long finding out whether KVM works may take. */
    private static final Duration PROBE = Duration.ofSeconds(20);

    /** On top of the wait for the agent: what else belongs to a start. */
    private static final Duration START_MARGIN = Duration.ofSeconds(30);

    /** The guest image's files, as a configuration that names none others has them. */
    private static final String KERNEL = "vmlinuz";

    private static final String IMAGE = "rootfs.erofs";

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
                            configuration.agent().dialTimeout().plus(START_MARGIN),
                            shutdown::countDown);
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
            FileChannel file =
                    FileChannel.open(
                            root.lockFile(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(file);
            if (lock == null) {
                file.close();
                throw Fault.failedPrecondition("another daemon has the state root %s", root.path())
                        .withHint("use it, or choose another root with --state-root");
            }
            file.truncate(0);
            byte[] pid =
                    Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8);
            file.write(ByteBuffer.wrap(pid));
            return file;
        } catch (IOException e) {
            throw Fault.internal("the lock %s cannot be taken", root.lockFile()).causedBy(e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
        try {
            return file.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // another daemon in this very process
        }
    }

    /** For tests of what a death leaves behind. */
    private static CrashPoints crashPoints() {
        String label = System.getenv("BUNKAI_CRASH_AT");
        return label == null ? CrashPoints.NONE : CrashPoints.dieAt(CrashPoint.ofLabel(label));
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
