// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.ProtocolVersion;
import io.bunkai.assets.Expectations;
import io.bunkai.assets.GuestChecks;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.config.AnnotationPolicy;
import io.bunkai.config.BootConfiguration;
import io.bunkai.config.BudgetConfiguration;
import io.bunkai.config.Configuration;
import io.bunkai.config.ConfigurationWarning;
import io.bunkai.config.LoadedConfiguration;
import io.bunkai.config.SharingConfiguration;
import io.bunkai.config.SizingConfiguration;
import io.bunkai.linux.Signals;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes plans: configuration, annotations, image or bundle, and request go in, and everything that
 * a start will make comes out. Touches nothing but the stores of disks, so {@code bunkai explain}
 * calls it, too.
 */
public final class Planner {
    private static final String CONTAINER_HOME = "/run/kata-containers/";
    private static final Path ROOT = Path.of("/");
    private static final int ROOT_DISK_SLOT = 4;
    private static final int HOSTNAME_LENGTH = 12;
    private static final long NANO_CPUS_PER_CPU = 1_000_000_000;
    private static final String IMAGE_NAME = "io.kubernetes.cri.image-name";

    private final Configurations configurations;
    private final AnnotationPolicy annotations;
    private final ImageSource images;
    private final LayerSource layers;
    private final Machines machines;
    private final Hypervisor hypervisor;
    private final HostCgroups cgroups;
    private final StateRoot root;
    private final BlockNodes nodes;
    private final GuestChecks checks = new GuestChecks();

    /** What assembles the machines of a configuration. */
    @FunctionalInterface
    public interface Machines {
        /**
         * {@return the assembly for machines that are configured like this}
         *
         * @throws Fault FAILED_PRECONDITION if this node cannot run them
         */
        MachineAssembly of(Configuration configuration);
    }

    /** Plans by these configurations, for machines of this hypervisor. */
    public Planner(
            Configurations configurations,
            AnnotationPolicy annotations,
            ImageSource images,
            LayerSource layers,
            Machines machines,
            Hypervisor hypervisor,
            HostCgroups cgroups,
            StateRoot root) {
        this(
                configurations,
                annotations,
                images,
                layers,
                machines,
                hypervisor,
                cgroups,
                root,
                BlockNodes.OF_HOST);
    }

    /** The same, with block devices from elsewhere. */
    Planner(
            Configurations configurations,
            AnnotationPolicy annotations,
            ImageSource images,
            LayerSource layers,
            Machines machines,
            Hypervisor hypervisor,
            HostCgroups cgroups,
            StateRoot root,
            BlockNodes nodes) {
        this.nodes = nodes;
        this.configurations = configurations;
        this.annotations = annotations;
        this.images = images;
        this.layers = layers;
        this.machines = machines;
        this.hypervisor = hypervisor;
        this.cgroups = cgroups;
        this.root = root;
    }

    /** {@return what pods of this node may have together} */
    BudgetConfiguration budgets() {
        return configurations.get(Optional.empty()).configuration().budgets();
    }

    /**
     * A plan, and what the user should be told about it.
     *
     * @param plan what a start will make
     * @param imageFileSystem what the configuration says the guest image holds
     * @param warnings sentences for people
     */
    public record Planned(Plan plan, String imageFileSystem, List<String> warnings) {
        public Planned {
            warnings = List.copyOf(warnings);
        }
    }

    /**
     * {@return the plan for a container that is made of an image}
     *
     * @throws Fault INVALID_ARGUMENT if the request or an annotation makes no sense or is not
     *     allowed, and what resolving the image throws
     */
    Planned plan(ContainerRequest request, String id, String name) {
        RequestCheck.check(request);
        LoadedConfiguration loaded = configured(Optional.empty(), request.annotations());
        SizingConfiguration sizing = loaded.configuration().sizing();
        ImageSource.Image image = images.resolve(request.image());
        String hostname = hostname(request.hostname(), id);
        Draft draft =
                new Draft(
                        id,
                        name,
                        MachineSizing.of(sizing, request.nanoCpus(), request.memory()),
                        RootDisks.of(List.of(image.disk()), homeOf(id)),
                        new Plan.Image(image.reference(), image.digest(), List.of(image.disk())),
                        Plan.Host.NOTHING,
                        hostname,
                        ROOT,
                        HostDevices.with(
                                ImageProcess.of(
                                        request,
                                        image,
                                        RootDisks.rootOf(homeOf(id)),
                                        cgroupOf(id),
                                        hostname),
                                request.devices(),
                                nodes),
                        request.user().isEmpty() ? image.user() : request.user(),
                        image.stopSignal().isEmpty()
                                ? Signals.SIGTERM
                                : Signals.number(image.stopSignal()));
        return planned(draft, loaded, List.of());
    }

    /**
     * {@return the plan for a container that is made of a bundle}
     *
     * @throws Fault INVALID_ARGUMENT if the bundle or an annotation makes no sense or is not
     *     allowed, NOT_FOUND if something that it names is not there, UNIMPLEMENTED if it needs
     *     what no machine has yet, and what making its disks throws
     */
    Planned plan(BundleRequest request, String id, String name) {
        RuntimeSpec spec = request.spec();
        BundleProcess process = BundleProcess.of(request, homeOf(id), cgroupOf(id));
        LoadedConfiguration loaded = configured(request.configuration(), spec.annotations());
        List<String> warnings = new ArrayList<>(process.warnings());
        Plan.Sizing size = sizing(loaded.configuration().sizing(), spec, warnings);
        Optional<RootVolume> volume = RootVolume.of(request, nodes);
        List<Path> disks = new ArrayList<>();
        List<Plan.OwnDisk> own = new ArrayList<>();
        if (volume.isEmpty()) {
            RootFolders folders = RootFolders.of(request);
            disks.addAll(kept(folders.layers()));
            if (!folders.changing().isEmpty()) {
                own.add(
                        new Plan.OwnDisk(
                                folders.changing(), root.ownDisks().resolve(id + ".erofs")));
                disks.add(own.getFirst().file());
            }
        }
        String reference = spec.annotations().getOrDefault(IMAGE_NAME, "");
        String asked = spec.hostname() == null ? "" : spec.hostname();
        Draft draft =
                new Draft(
                        id,
                        name,
                        size,
                        volume.map(disk -> RootDisks.of(disk, homeOf(id)))
                                .orElseGet(() -> RootDisks.of(disks, homeOf(id))),
                        new Plan.Image(reference, "", disks),
                        new Plan.Host(
                                Optional.of(request.bundle()),
                                Optional.of(new Plan.Holder(BundleProcess.networkNamespace(spec))),
                                process.hooks(),
                                own,
                                Optional.empty()),
                        hostname(asked, id),
                        request.bundle(),
                        process.spec(),
                        "",
                        Signals.SIGTERM);
        return planned(draft, loaded, warnings);
    }

    /**
     * What differs between containers; the rest of a plan follows from it.
     *
     * @param base what the sources of mounts are relative to
     */
    private record Draft(
            String id,
            String name,
            Plan.Sizing sizing,
            RootDisks disks,
            Plan.Image image,
            Plan.Host host,
            String hostname,
            Path base,
            RuntimeSpec process,
            String user,
            int stopSignal) {}

    private Planned planned(Draft draft, LoadedConfiguration loaded, List<String> warnings) {
        Configuration effective = loaded.configuration();
        String id = draft.id();
        HostDevices devices = HostDevices.of(draft.process(), draft.base(), nodes);
        List<MachineAssembly.DiskWish> disks = new ArrayList<>(draft.disks().wishes());
        disks.addAll(devices.wishes());
        SharingConfiguration sharing = effective.sharing();
        HostMounts mounts =
                HostMounts.of(devices.spec().mounts(), draft.base(), homeOf(id), sharing.enabled());
        boolean shares = !mounts.shares().isEmpty();
        Path directory = root.sandboxes().resolve(id);
        List<Path> groups = cgroups.of(id);
        VirtualMachineSpec machine =
                machines.of(effective)
                        .assemble(
                                new MachineAssembly.Wishes(
                                        id,
                                        directory,
                                        effective,
                                        draft.sizing().vcpus(),
                                        ByteSize.ofMib(draft.sizing().memoryMib()),
                                        guestImage(effective.boot()),
                                        ROOT_DISK_SLOT,
                                        disks,
                                        shares,
                                        HostCgroups.procsFiles(groups)));
        Plan plan =
                new Plan(
                        id,
                        draft.name(),
                        draft.sizing(),
                        machine,
                        hypervisor.command(machine),
                        groups,
                        draft.image(),
                        shares
                                ? draft.host()
                                        .withSharing(
                                                FileServer.plan(mounts.shares(), sharing, directory)
                                                        .weighing(effective.budgets().weight()))
                                : draft.host(),
                        new Plan.Guest(
                                draft.hostname(),
                                List.of(),
                                mounts.files(),
                                shares ? List.of(FileServer.STORAGE) : List.of()),
                        draft.disks().storages(),
                        devices.devices(),
                        devices.spec().withMounts(mounts.mounts()),
                        draft.user(),
                        draft.stopSignal());
        List<String> all = new ArrayList<>(warnings);
        all.addAll(devices.warnings());
        loaded.warnings().stream().map(ConfigurationWarning::toString).forEach(all::add);
        return new Planned(plan, imageFileSystem(effective.boot()), all);
    }

    /**
     * Refuses a plan whose guest could not work: a kernel without what the image or the machine
     * needs, an agent that speaks otherwise. A plan can be explained without that.
     *
     * @throws Fault FAILED_PRECONDITION with every mismatch
     */
    void refuseMismatches(Planned planned) {
        VirtualMachineSpec machine = planned.plan().machine();
        checks.refuseMismatches(
                machine.boot().kernel(),
                machine.disks().getFirst().file(),
                Expectations.ofThisMachine(ProtocolVersion.AGENT)
                        .withFileSystem(planned.imageFileSystem()));
    }

    private LoadedConfiguration configured(Optional<Path> file, Map<String, String> asked) {
        return annotations.apply(configurations.get(file), asked);
    }

    private static String homeOf(String id) {
        return CONTAINER_HOME + id;
    }

    private static String cgroupOf(String id) {
        return "/bunkai/" + id;
    }

    private static String hostname(String asked, String id) {
        return asked.isEmpty() ? id.substring(0, HOSTNAME_LENGTH) : asked;
    }

    /** A limit of more processors than a machine may have is none: as many as there may be. */
    private static Plan.Sizing sizing(
            SizingConfiguration sizing, RuntimeSpec spec, List<String> warnings) {
        long asked = BundleProcess.nanoCpus(spec);
        long most =
                (long)
                        ((sizing.maximumProcessors() - sizing.overheadProcessors())
                                * NANO_CPUS_PER_CPU);
        if (asked > most) {
            warnings.add(
                    "the container may use more processors than a machine may have (%d); it gets"
                                    .formatted(sizing.maximumProcessors())
                            + " as many as that");
        }
        return MachineSizing.of(sizing, Math.min(asked, most), BundleProcess.memory(spec));
    }

    /** A disk for each layer; if they are too many, the lowest share one. */
    private List<Path> kept(List<Path> folders) {
        if (folders.isEmpty()) {
            return List.of();
        }
        int most = RootDisks.MOST - 1; // one is left for what may still change
        int lowest = Math.max(1, folders.size() - most + 1);
        List<List<Path>> stacks = new ArrayList<>();
        stacks.add(folders.subList(0, lowest));
        folders.subList(lowest, folders.size()).forEach(folder -> stacks.add(List.of(folder)));
        return layers.disks(stacks);
    }

    private static String imageFileSystem(BootConfiguration boot) {
        return switch (boot.root()) {
            case BootConfiguration.Root.Image image -> image.fileSystem();
            case BootConfiguration.Root.InitialRamDisk _ -> "";
        };
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
}
