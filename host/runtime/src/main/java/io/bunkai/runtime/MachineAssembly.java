// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.assets.ImageLayout;
import io.bunkai.base.ByteSize;
import io.bunkai.config.BootConfiguration;
import io.bunkai.config.Configuration;
import io.bunkai.config.LimitsConfiguration;
import io.bunkai.config.MachineConfiguration;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.BootSpec;
import io.bunkai.vmm.CpuSpec;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.FileSystemDevice;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.SecuritySpec;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes a machine's specification out of a configuration and what a container wishes for. */
public final class MachineAssembly {
    private static final String AGENT_PORT = "agent.channel.0";
    private static final String ROOT_SERIAL = "bunkai-root";

    /** The guest image is the first disk that the kernel finds: none has a lower slot. */
    private static final String ROOT_DEVICE = "/dev/vda";

    private final Accelerator accelerator;
    private final List<String> kernelParameters;
    private final Map<Path, GuestKernel> kernels;

    /** Assembles machines that boot what the configuration names. */
    public MachineAssembly(Accelerator accelerator, List<String> kernelParameters) {
        this(accelerator, kernelParameters, Map.of());
    }

    /**
     * Assembles machines of one kind.
     *
     * @param accelerator what carries out their instructions
     * @param kernelParameters what the guest image wants its kernel to be told with this
     *     accelerator
     * @param kernels what to boot in the place of a kernel that the configuration names
     */
    public MachineAssembly(
            Accelerator accelerator,
            List<String> kernelParameters,
            Map<Path, GuestKernel> kernels) {
        this.accelerator = accelerator;
        this.kernelParameters = List.copyOf(kernelParameters);
        this.kernels = Map.copyOf(kernels);
    }

    /**
     * What one machine is to have.
     *
     * @param directory of its sockets
     * @param rootSlot PCI slot of the guest's own root disk
     * @param disks the container's
     * @param shares whether it can mount what is the host's
     * @param cgroupProcsFiles where its process begins its life
     */
    record Wishes(
            String id,
            Path directory,
            Configuration configuration,
            int vcpus,
            ByteSize memory,
            Path guestImage,
            int rootSlot,
            List<DiskWish> disks,
            boolean shares,
            List<Path> cgroupProcsFiles) {}

    /**
     * One disk.
     *
     * @param id also what the guest sees as its serial number
     */
    record DiskWish(String id, Path file, int slot, boolean readOnly, Disk.Kind kind) {
        /** {@return the wish for an image that nobody writes to} */
        static DiskWish image(String id, Path file, int slot) {
            return new DiskWish(id, file, slot, true, Disk.Kind.IMAGE);
        }
    }

    VirtualMachineSpec assemble(Wishes wishes) {
        Configuration configuration = wishes.configuration();
        MachineConfiguration machine = configuration.machine();
        List<Disk> disks = new ArrayList<>();
        disks.add(new Disk("root", wishes.guestImage(), true, ROOT_SERIAL, wishes.rootSlot()));
        for (DiskWish disk : wishes.disks()) {
            disks.add(
                    new Disk(
                            disk.id(),
                            disk.file(),
                            disk.readOnly(),
                            disk.id(),
                            disk.slot(),
                            disk.kind()));
        }
        return new VirtualMachineSpec(
                wishes.id(),
                wishes.directory(),
                accelerator,
                machine.machineType(),
                String.join(",", machine.machineOptions()),
                new CpuSpec(wishes.vcpus(), wishes.vcpus(), machine.cpuFeatures()),
                new MemorySpec(wishes.memory(), wishes.shares()),
                boot(configuration),
                disks,
                diskLimits(machine.diskLimits()),
                wishes.shares()
                        ? Optional.of(
                                new FileSystemDevice(
                                        FileServer.TAG, configuration.sharing().queueSize()))
                        : Optional.empty(),
                Optional.of(machine.entropySource()),
                AGENT_PORT,
                machine.seccompSandbox().map(SecuritySpec::new).orElse(SecuritySpec.STRICT),
                wishes.cgroupProcsFiles(),
                machine.hypervisor());
    }

    private static DiskLimits diskLimits(LimitsConfiguration limits) {
        return new DiskLimits(
                limits.bandwidth(), limits.burst(), limits.operations(), limits.operationsBurst());
    }

    private BootSpec boot(Configuration configuration) {
        GuestKernel kernel = kernel(configuration.boot().kernel());
        return new BootSpec(kernel.file(), kernel.initrd(), parameters(configuration, kernel));
    }

    /** {@return what is booted if a configuration names this kernel} */
    public GuestKernel kernel(Path named) {
        GuestKernel other = kernels.get(named);
        return other != null
                ? other
                : new GuestKernel(
                        named,
                        Optional.of(named.resolveSibling(GuestKernel.INITRD)).filter(Files::exists),
                        "configured");
    }

    /** The configuration's come last: where the kernel takes the last of two, the user's wins. */
    private List<String> parameters(Configuration configuration, GuestKernel kernel) {
        List<String> all = new ArrayList<>(kernelParameters);
        if (kernel.initrd().isEmpty()
                && configuration.boot().root() instanceof BootConfiguration.Root.Image image) {
            all.add("root=" + ROOT_DEVICE + (ImageLayout.isPartitioned(image.path()) ? "1" : ""));
            all.add("rootfstype=" + image.fileSystem());
            all.add("ro");
        }
        all.add("agent.log=" + (configuration.agent().debug() ? "debug" : "info"));
        all.addAll(configuration.boot().kernelParameters());
        return all;
    }
}
