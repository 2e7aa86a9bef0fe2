// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.config.AnnotationPolicy;
import io.bunkai.config.BootConfiguration;
import io.bunkai.config.Configuration;
import io.bunkai.config.ConfigurationWarning;
import io.bunkai.config.LoadedConfiguration;
import io.bunkai.config.SizingConfiguration;
import io.bunkai.linux.Signals;
import io.bunkai.oci.DefaultSpec;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes plans: configuration, annotations, image and request go in, and everything that a start
 * will make comes out. Touches nothing but the image store, so {@code bunkai explain} calls it,
 * too.
 */
public final class Planner {
    private static final String CONTAINER_HOME = "/run/kata-containers/";
    private static final int ROOT_DISK_SLOT = 4;
    private static final int IMAGE_DISK_SLOT = 5;
    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final long NANO_CPUS_PER_CPU = 1_000_000_000;

    /** A thousandth of a period is the least that the kernel takes. */
    private static final long SMALLEST_QUOTA_MICROS = 1000;

    private static final int HOSTNAME_LENGTH = 12;
    private static final ByteSize SMALLEST_MEMORY = ByteSize.ofMib(6);

    private final LoadedConfiguration configuration;
    private final AnnotationPolicy annotations;
    private final ImageSource images;
    private final MachineAssembly machines;
    private final Hypervisor hypervisor;
    private final HostCgroups cgroups;
    private final StateRoot root;

    /** Plans by this configuration, for machines of this hypervisor. */
    public Planner(
            LoadedConfiguration configuration,
            AnnotationPolicy annotations,
            ImageSource images,
            MachineAssembly machines,
            Hypervisor hypervisor,
            HostCgroups cgroups,
            StateRoot root) {
        this.configuration = configuration;
        this.annotations = annotations;
        this.images = images;
        this.machines = machines;
        this.hypervisor = hypervisor;
        this.cgroups = cgroups;
        this.root = root;
    }

    /**
     * A plan, and what the user should be told about it.
     *
     * @param plan what a start will make
     * @param warnings sentences for people
     */
    public record Planned(Plan plan, List<String> warnings) {
        public Planned {
            warnings = List.copyOf(warnings);
        }
    }

    /**
     * {@return the plan for a request}
     *
     * @throws Fault INVALID_ARGUMENT if the request or an annotation makes no sense or is not
     *     allowed, and what resolving the image throws
     */
    Planned plan(ContainerRequest request, String id, String name) {
        RequestCheck.check(request);
        LoadedConfiguration loaded = annotations.apply(configuration, request.annotations());
        Configuration effective = loaded.configuration();
        ImageSource.Image image = images.resolve(request.image());
        Plan.Sizing sizing = sizing(effective.sizing(), request);
        String home = CONTAINER_HOME + id;
        List<Path> groups = cgroups.of(id);
        VirtualMachineSpec machine =
                machines.assemble(
                        new MachineAssembly.Wishes(
                                id,
                                root.sandboxes().resolve(id),
                                effective,
                                sizing.vcpus(),
                                ByteSize.ofMib(sizing.memoryMib()),
                                guestImage(effective.boot()),
                                ROOT_DISK_SLOT,
                                List.of(
                                        new MachineAssembly.DiskWish(
                                                "image", image.disk(), IMAGE_DISK_SLOT)),
                                HostCgroups.procsFiles(groups)));
        Plan plan =
                new Plan(
                        id,
                        name,
                        sizing,
                        machine,
                        hypervisor.command(machine),
                        groups,
                        new Plan.Image(image.reference(), image.digest(), image.disk()),
                        new Plan.Guest(hostname(request, id), List.of()),
                        storages(home),
                        process(request, image, home, id),
                        request.user().isEmpty() ? image.user() : request.user(),
                        image.stopSignal().isEmpty()
                                ? Signals.SIGTERM
                                : Signals.number(image.stopSignal()));
        List<String> warnings =
                loaded.warnings().stream().map(ConfigurationWarning::toString).toList();
        return new Planned(plan, warnings);
    }

    private static Path guestImage(BootConfiguration boot) {
        return switch (boot.root()) {
            case BootConfiguration.Root.Image image -> image.path();
            case BootConfiguration.Root.InitialRamDisk ramDisk ->
                    throw Fault.unimplemented(
                                    "the guest's root file system in an initrd (%s) is not"
                                            + " supported yet",
                                    ramDisk.path())
                            .withHint("set image in configuration.toml instead of initrd");
        };
    }

    /**
     * A limit of the container's becomes the machine's size, with what the guest itself needs on
     * top.
     */
    private static Plan.Sizing sizing(SizingConfiguration sizing, ContainerRequest request) {
        double processors = sizing.processors();
        String processorsFrom = "default_vcpus";
        if (request.nanoCpus() > 0) {
            processors =
                    (double) request.nanoCpus() / NANO_CPUS_PER_CPU + sizing.overheadProcessors();
            processorsFrom = "the limit of the container, plus overhead_vcpus";
        }
        // A double has room for what a long of billionths can ask for, an int has not.
        double wholeProcessors = Math.max(1, Math.ceil(processors));
        if (wholeProcessors > sizing.maximumProcessors()) {
            throw Fault.invalidArgument(
                            "%.0f processors were asked for, and a machine may have %d",
                            wholeProcessors, sizing.maximumProcessors())
                    .withHint("ask for fewer, or raise default_maxvcpus in configuration.toml");
        }
        int vcpus = (int) wholeProcessors;
        ByteSize memory = sizing.memory();
        String memoryFrom = "default_memory";
        if (request.memory().isPresent()) {
            memory = checkedMemory(request.memory().get(), sizing);
            memoryFrom = "the limit of the container, plus overhead_memory";
        }
        return new Plan.Sizing(
                vcpus,
                memory.mibCeiling(),
                "vcpus: %s; memory: %s".formatted(processorsFrom, memoryFrom));
    }

    private static ByteSize checkedMemory(ByteSize limit, SizingConfiguration sizing) {
        if (limit.compareTo(SMALLEST_MEMORY) < 0) {
            throw Fault.invalidArgument("a memory limit of %s is too small for any process", limit)
                    .withHint("ask for at least %s", SMALLEST_MEMORY);
        }
        // The limit alone is looked at first: near the largest number a sum would overflow.
        if (limit.compareTo(sizing.maximumMemory()) > 0
                || limit.plus(sizing.overheadMemory()).compareTo(sizing.maximumMemory()) > 0) {
            throw Fault.invalidArgument(
                            "a machine for a limit of %s would need %s on top, and it may have %s"
                                    + " in all",
                            limit, sizing.overheadMemory(), sizing.maximumMemory())
                    .withHint("ask for less, or raise default_maxmemory in configuration.toml");
        }
        return limit.plus(sizing.overheadMemory());
    }

    private static String hostname(ContainerRequest request, String id) {
        return request.hostname().isEmpty() ? id.substring(0, HOSTNAME_LENGTH) : request.hostname();
    }

    /**
     * The image's disk below, a tmpfs for what the container writes, and the overlay of both on
     * top.
     */
    private static List<Plan.Storage> storages(String home) {
        String lower = home + "/lower";
        String writable = home + "/rw";
        return List.of(
                new Plan.Storage(
                        "blk", "%02x".formatted(IMAGE_DISK_SLOT), "erofs", List.of("ro"), lower),
                new Plan.Storage("ephemeral", "tmpfs", "tmpfs", List.of(), writable),
                new Plan.Storage(
                        "overlayfs",
                        "overlay",
                        "overlay",
                        List.of(
                                "lowerdir=" + lower,
                                "upperdir=" + writable + "/upper",
                                "workdir=" + writable + "/work"),
                        home + "/rootfs"));
    }

    private static RuntimeSpec process(
            ContainerRequest request, ImageSource.Image image, String home, String id) {
        List<String> arguments =
                new ArrayList<>(
                        request.entrypoint().map(Planner::cleared).orElse(image.entrypoint()));
        boolean ownEntrypoint = request.entrypoint().isPresent();
        if (!request.arguments().isEmpty()) {
            arguments.addAll(request.arguments());
        } else if (!ownEntrypoint) {
            arguments.addAll(image.command());
        }
        if (arguments.isEmpty()) {
            throw Fault.invalidArgument("there is no command to run, and the image names none")
                    .withHint("write one behind the image: bunkai run IMAGE COMMAND");
        }
        RuntimeSpec spec = DefaultSpec.of(home + "/rootfs", "/bunkai/" + id, arguments);
        RuntimeSpec.ContainerProcess process = spec.process();
        RuntimeSpec.Linux linux = spec.linux();
        if (process == null || linux == null) {
            throw new IllegalStateException("the default has a process and is for Linux");
        }
        process = process.withEnv(environment(request, image, id, process.env()));
        String directory = request.directory().isEmpty() ? image.directory() : request.directory();
        // An image's may lack the slash, as builders of images forgive it.
        process = process.withCwd(directory.startsWith("/") ? directory : "/" + directory);
        if (request.terminal().isPresent()) {
            var size = request.terminal().get();
            process = process.onTerminal(new RuntimeSpec.Box(size.rows(), size.columns()));
        }
        return spec.withProcess(process)
                .withHostname(hostname(request, id))
                .withLinux(linux.withResources(resources(request, linux)));
    }

    /** Docker's way to say "none" is one empty word. */
    private static List<String> cleared(List<String> entrypoint) {
        return entrypoint.equals(List.of("")) ? List.of() : entrypoint;
    }

    private static List<String> environment(
            ContainerRequest request, ImageSource.Image image, String id, List<String> defaults) {
        List<String> own = new ArrayList<>();
        own.add("HOSTNAME=" + hostname(request, id));
        if (request.terminal().isPresent()) {
            own.add("TERM=xterm");
        }
        List<String> all = AgentSpec.mergedEnvironment(defaults, own);
        all = AgentSpec.mergedEnvironment(all, image.environment());
        return AgentSpec.mergedEnvironment(all, request.environment());
    }

    private static RuntimeSpec.Resources resources(
            ContainerRequest request, RuntimeSpec.Linux linux) {
        List<RuntimeSpec.DeviceRule> devices =
                linux.resources() == null ? List.of() : linux.resources().devices();
        RuntimeSpec.Memory memory =
                request.memory().map(size -> RuntimeSpec.Memory.limit(size.bytes())).orElse(null);
        RuntimeSpec.Cpu cpu = null;
        if (request.nanoCpus() > 0) {
            long quota = request.nanoCpus() / (NANO_CPUS_PER_CPU / CPU_PERIOD_MICROS);
            cpu = RuntimeSpec.Cpu.quota(Math.max(SMALLEST_QUOTA_MICROS, quota), CPU_PERIOD_MICROS);
        }
        return RuntimeSpec.Resources.of(devices, memory, cpu, null);
    }

    /** {@return the configuration that plans are made by} */
    Optional<Path> configurationFile() {
        return configuration.files().stream().findFirst();
    }
}
