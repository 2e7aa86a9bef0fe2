// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Deadline;
import io.bunkai.config.Configuration;
import io.bunkai.runtime.GuestKernel;
import io.bunkai.runtime.GuestManifest;
import io.bunkai.runtime.MachineAssembly;
import io.bunkai.runtime.Planner;
import io.bunkai.runtime.StateRoot;
import io.bunkai.runtime.TimestampCounter;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.qemu.AcceleratorProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What carries out the guests' instructions on this node, and machines to match. Whether KVM works
 * is found out once for each hypervisor.
 */
final class NodeMachines implements Planner.Machines {
    private static final System.Logger LOG = System.getLogger(NodeMachines.class.getName());

    /** How long finding out whether KVM works may take. */
    private static final Duration PROBE = Duration.ofSeconds(20);

    private final Path guest;
    private final StateRoot root;
    private final Map<Path, Chosen> probed = new HashMap<>(); // guarded by this
    private final Map<Accelerator, Assembled> assemblies =
            new EnumMap<>(Accelerator.class); // guarded by this

    /**
     * What assembles machines, and which state of the kernel's manifest it is of; a kernel may be
     * built while the daemon runs.
     */
    private record Assembled(MachineAssembly assembly, Optional<FileTime> kernel) {}

    /** What carries out the guests' instructions, and why. */
    record Chosen(Accelerator accelerator, String reason) {}

    /**
     * Makes machines for this node.
     *
     * @param guest folder of the guest's kernel, image and manifest
     */
    NodeMachines(Path guest, StateRoot root) {
        this.guest = guest;
        this.root = root;
    }

    @Override
    public synchronized MachineAssembly of(Configuration configuration) {
        Accelerator accelerator = accelerator(configuration).accelerator();
        Optional<FileTime> kernel = kernelTime();
        Assembled known = assemblies.get(accelerator);
        if (known == null || !known.kernel().equals(kernel)) {
            known = new Assembled(assembly(accelerator), kernel);
            assemblies.put(accelerator, known);
        }
        return known.assembly();
    }

    /** {@return what a machine that is configured like this boots} */
    GuestKernel kernel(Configuration configuration) {
        return of(configuration).kernel(configuration.boot().kernel());
    }

    /** {@return when the link to the kernel in use was made; nothing if there is none} */
    private Optional<FileTime> kernelTime() {
        try {
            return Optional.of(
                    Files.getLastModifiedTime(
                            GuestKernel.manifestOf(guest), LinkOption.NOFOLLOW_LINKS));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** {@return what carries out the instructions of machines that are configured like this} */
    synchronized Chosen accelerator(Configuration configuration) {
        return switch (configuration.machine().accelerator()) {
            case KVM -> new Chosen(Accelerator.KVM, "configured");
            case TCG -> new Chosen(Accelerator.TCG, "configured");
            case AUTO -> probed.computeIfAbsent(configuration.machine().hypervisor(), this::probe);
        };
    }

    private Chosen probe(Path qemu) {
        AcceleratorProbe.Answer answer =
                new AcceleratorProbe(root.cache().resolve("accelerator"))
                        .kvm(qemu, Deadline.after(PROBE));
        LOG.log(
                System.Logger.Level.INFO,
                "accelerator {0}: {1}",
                answer.accelerator(),
                answer.reason());
        return new Chosen(answer.accelerator(), answer.reason());
    }

    private MachineAssembly assembly(Accelerator accelerator) {
        return new MachineAssembly(
                accelerator,
                kernelParameters(accelerator),
                Map.of(
                        guest.resolve(NodeConfigurations.KERNEL),
                        GuestKernel.choose(guest, accelerator)));
    }

    /** An emulated clock is one of two things: known, or watched and replaced if it goes wrong. */
    private List<String> kernelParameters(Accelerator accelerator) {
        List<String> parameters =
                new ArrayList<>(GuestManifest.kernelParameters(guest, accelerator));
        if (accelerator == Accelerator.TCG) {
            TimestampCounter.kernelParameter()
                    .ifPresentOrElse(parameters::add, () -> parameters.remove("tsc=reliable"));
        }
        return parameters;
    }
}
