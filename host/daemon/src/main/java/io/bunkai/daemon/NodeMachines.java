// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Deadline;
import io.bunkai.config.Configuration;
import io.bunkai.runtime.GuestManifest;
import io.bunkai.runtime.MachineAssembly;
import io.bunkai.runtime.Planner;
import io.bunkai.runtime.StateRoot;
import io.bunkai.runtime.TimestampCounter;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.qemu.AcceleratorProbe;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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
    private final Map<Accelerator, MachineAssembly> assemblies =
            new EnumMap<>(Accelerator.class); // guarded by this

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
        return assemblies.computeIfAbsent(accelerator(configuration).accelerator(), this::assembly);
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
                        GuestManifest.kernel(guest, accelerator)));
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
