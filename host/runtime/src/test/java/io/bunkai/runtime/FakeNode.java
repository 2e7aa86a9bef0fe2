// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.NanoClock;
import io.bunkai.config.AnnotationPolicy;
import io.bunkai.config.ConfigurationLoader;
import io.bunkai.config.ConfigurationSource;
import io.bunkai.config.Defaults;
import io.bunkai.config.HostCapacity;
import io.bunkai.config.LoadedConfiguration;
import io.bunkai.config.RuntimeConfiguration.TemplateScope;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.testkit.TestRoot;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A node for tests: a state root, a {@link ScriptedHypervisor}, and daemons one after the other
 * over both.
 */
public final class FakeNode implements AutoCloseable {
    /** Long enough for a machine that is busy with other things; nothing waits for it to pass. */
    public static final Duration LONG = Duration.ofSeconds(60);

    private final TestRoot root = TestRoot.create();
    private final ScriptedHypervisor hypervisor = new ScriptedHypervisor();
    private final FakeLayers layers = new FakeLayers(root.resolve("layers"));
    private final StateRoot stateRoot = StateRoot.open(root.path().resolve("state"));
    private String toml = "";
    private ImageSource.Image image =
            new ImageSource.Image(
                    "embedded",
                    "sha256:0123",
                    root.resolve("image.erofs"),
                    List.of(),
                    List.of("sh"),
                    List.of(),
                    "",
                    "",
                    "");

    /** Makes a node whose guest is files of which nothing is known. */
    public FakeNode() {
        try {
            Files.createFile(kernel());
            Files.createFile(guestImage());
            Files.writeString(
                    fileServer(), "#!/bin/sh\nmkfifo \"$0.pipe\" 2>&-\nread _ <>\"$0.pipe\"\n");
            Files.setPosixFilePermissions(
                    fileServer(), PosixFilePermissions.fromString("rwx------"));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return the kernel that its machines boot} */
    public Path kernel() {
        return root.resolve("vmlinuz");
    }

    /** {@return a program that takes a file server's arguments and runs until it is killed} */
    public Path fileServer() {
        return root.resolve("virtiofsd");
    }

    /** {@return the guest's root file system} */
    public Path guestImage() {
        return root.resolve("rootfs.erofs");
    }

    /** {@return where disks of folders come from} */
    public FakeLayers layers() {
        return layers;
    }

    /** {@return a deadline that nothing should come near} */
    public static Deadline soon() {
        return Deadline.after(LONG);
    }

    /** {@return where its daemons keep everything} */
    public StateRoot stateRoot() {
        return stateRoot;
    }

    /** {@return a folder of the test's own} */
    public Path folder() {
        return root.path();
    }

    /** {@return what makes its machines} */
    public ScriptedHypervisor hypervisor() {
        return hypervisor;
    }

    /** Daemons that begin from now on have a configuration file with this content. */
    public void configure(String content) {
        toml = content;
    }

    /** All references name this image from now on. */
    public void image(ImageSource.Image other) {
        image = other;
    }

    /** {@return the image that all references name} */
    public ImageSource.Image image() {
        return image;
    }

    /** {@return what a daemon begins with: the containers of the one before it} */
    public Containers open() {
        return open(CrashPoints.NONE);
    }

    /** {@return what a daemon begins with that does this at its crash points} */
    public Containers open(CrashPoints crashPoints) {
        return open(crashPoints, Reattachment.NONE);
    }

    /** {@return what a daemon begins with that does this before each write of its journal} */
    Containers open(StateRoot where, Runnable beforeWrite) {
        return Containers.open(
                planner(toml),
                layers,
                hypervisor,
                where,
                new Journal(where.sandboxes(), beforeWrite),
                NanoClock.SYSTEM,
                CrashPoints.NONE,
                Reattachment.NONE,
                Optional.empty());
    }

    /** {@return what a daemon begins with that finds the streams of owners again} */
    public Containers open(CrashPoints crashPoints, Reattachment reattachment) {
        return Containers.open(
                planner(toml),
                layers,
                hypervisor,
                stateRoot,
                NanoClock.SYSTEM,
                crashPoints,
                reattachment,
                Optional.empty());
    }

    /** {@return what a daemon begins with that has templates} */
    public Containers open(Templates templates) {
        return Containers.open(
                planner(toml),
                layers,
                hypervisor,
                stateRoot,
                NanoClock.SYSTEM,
                CrashPoints.NONE,
                Reattachment.NONE,
                Optional.of(templates));
    }

    /** {@return templates of this node} */
    public Templates templates(TemplateScope scope) {
        return templates(scope, NanoClock.SYSTEM);
    }

    /** {@return templates of this node, by this clock} */
    Templates templates(TemplateScope scope, NanoClock clock) {
        return Templates.open(
                stateRoot,
                scope,
                hypervisor,
                HostCgroups.find(root.resolve("cgroup"), "bunkai"),
                clock);
    }

    /** {@return a planner by a configuration file with this content} */
    public Planner planner(String toml) {
        return new Planner(
                file -> configuration(toml, file),
                new AnnotationPolicy(),
                _ -> image,
                layers,
                _ -> new MachineAssembly(Accelerator.TCG, List.of("quiet")),
                hypervisor,
                HostCgroups.find(root.resolve("cgroup"), "bunkai"),
                stateRoot,
                blockNodes());
    }

    /** {@return where its block devices are} */
    BlockNodes blockNodes() {
        return new BlockNodes(root.resolve("sys"), root.resolve("dev"));
    }

    /** {@return the node of a block device that it has from now on} */
    Path blockDevice(String name, int major, int minor) {
        BlockNodes nodes = blockNodes();
        return makeBlockDevice(nodes, name, major, minor);
    }

    static Path makeBlockDevice(BlockNodes nodes, String name, int major, int minor) {
        try {
            Path entry = nodes.sys().resolve("dev/block").resolve(major + ":" + minor);
            Files.createDirectories(entry);
            Files.writeString(
                    entry.resolve("uevent"),
                    "MAJOR=%d\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=disk\n".formatted(major, minor, name));
            Path node = nodes.dev().resolve(name);
            Files.createDirectories(nodes.dev());
            List<String> command =
                    List.of(
                            "mknod",
                            "-m",
                            "640",
                            node.toString(),
                            "b",
                            Integer.toString(major),
                            Integer.toString(minor));
            if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
                throw new IllegalStateException("no node was made: " + command);
            }
            return node.toRealPath();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private LoadedConfiguration configuration(String toml, Optional<Path> other) {
        try {
            Path file =
                    other.isPresent()
                            ? other.get()
                            : Files.writeString(root.resolve("configuration.toml"), toml);
            Defaults defaults =
                    new Defaults(
                            Path.of("/usr/bin/fake-qemu"),
                            kernel(),
                            guestImage(),
                            "erofs",
                            fileServer());
            return new ConfigurationLoader(defaults, new HostCapacity(8, ByteSize.ofMib(16 * 1024)))
                    .load(new ConfigurationSource.Explicit(file));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return a request for a container that runs {@code arguments}} */
    public static ContainerRequest request(String... arguments) {
        return new Wish().arguments(arguments).request();
    }

    /** A request in the making; everything is left out that is not said. */
    public static final class Wish {
        private String name = "";
        private List<String> arguments = List.of("true");
        private Optional<List<String>> entrypoint = Optional.empty();
        private List<String> environment = List.of();
        private String directory = "";
        private String user = "";
        private String hostname = "";
        private Optional<ByteSize> memory = Optional.empty();
        private long nanoCpus;
        private Optional<Terminal.Size> terminal = Optional.empty();
        private boolean stdin;
        private boolean remove;
        private List<RuntimeSpec.Mount> mounts = List.of();
        private List<ContainerRequest.Device> devices = List.of();
        private Map<String, String> annotations = Map.of();

        public Wish name(String text) {
            name = text;
            return this;
        }

        public Wish arguments(String... words) {
            arguments = List.of(words);
            return this;
        }

        public Wish entrypoint(String... words) {
            entrypoint = Optional.of(List.of(words));
            return this;
        }

        public Wish environment(String... variables) {
            environment = List.of(variables);
            return this;
        }

        public Wish directory(String path) {
            directory = path;
            return this;
        }

        public Wish user(String text) {
            user = text;
            return this;
        }

        public Wish hostname(String text) {
            hostname = text;
            return this;
        }

        public Wish memory(long bytes) {
            memory = Optional.of(ByteSize.ofBytes(bytes));
            return this;
        }

        public Wish nanoCpus(long billionths) {
            nanoCpus = billionths;
            return this;
        }

        public Wish terminal(int rows, int columns) {
            terminal = Optional.of(new Terminal.Size(rows, columns));
            return this;
        }

        public Wish stdin() {
            stdin = true;
            return this;
        }

        public Wish remove() {
            remove = true;
            return this;
        }

        public Wish mounts(RuntimeSpec.Mount... all) {
            mounts = List.of(all);
            return this;
        }

        public Wish devices(ContainerRequest.Device... all) {
            devices = List.of(all);
            return this;
        }

        public Wish annotations(Map<String, String> all) {
            annotations = all;
            return this;
        }

        public ContainerRequest request() {
            return new ContainerRequest(
                    name,
                    "",
                    arguments,
                    entrypoint,
                    environment,
                    directory,
                    user,
                    hostname,
                    memory,
                    nanoCpus,
                    terminal,
                    stdin,
                    remove,
                    mounts,
                    devices,
                    annotations);
        }
    }

    /** {@return a request for a further process that runs {@code arguments}} */
    public static ExecRequest exec(String... arguments) {
        return new ExecRequest(List.of(arguments), List.of(), "", "", Optional.empty(), false);
    }

    /**
     * Containers that a daemon has let go of have their processes on the host still, and no control
     * groups.
     */
    private void endHostsProcesses() throws ErrnoException {
        for (ContainerRecord record : new Journal(stateRoot.sandboxes()).readAll()) {
            for (ProcessIdentity own :
                    Stream.of(record.holder(), record.server())
                            .flatMap(Optional::stream)
                            .filter(ProcessIdentity::isAlive)
                            .toList()) {
                try (LinuxProcess process = LinuxProcess.adopt(own)) {
                    process.signal(Signals.SIGKILL);
                }
            }
        }
    }

    @Override
    public void close() {
        try {
            hypervisor.killAll();
            endHostsProcesses();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        root.close();
    }
}
