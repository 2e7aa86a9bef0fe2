// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything that a start will make, named before anything is touched. {@code bunkai explain}
 * prints this very value, and the teardown needs nothing else to find all of it again.
 *
 * @param id of the container and of its machine
 * @param sizing how the machine's size came about
 * @param machine the machine
 * @param launch what will be executed for it
 * @param cgroups the host's control groups that it lives in
 * @param image the container's image
 * @param guest what the agent is asked for before there is a container
 * @param storages what the agent mounts for the container, in this order
 * @param process the container, as crun gets it
 * @param user {@code name[:group]} or numbers, looked up in the container's own files by the guest;
 *     empty for root
 * @param stopSignal what asks the process to end
 */
public record Plan(
        String id,
        String name,
        Sizing sizing,
        VirtualMachineSpec machine,
        LaunchCommand launch,
        List<Path> cgroups,
        Image image,
        Guest guest,
        List<Storage> storages,
        RuntimeSpec process,
        String user,
        int stopSignal) {
    public Plan {
        cgroups = List.copyOf(cgroups);
        storages = List.copyOf(storages);
    }

    /** {@return this plan with another process; for showing it without its secrets} */
    Plan withProcess(RuntimeSpec other) {
        return new Plan(
                id,
                name,
                sizing,
                machine,
                launch,
                cgroups,
                image,
                guest,
                storages,
                other,
                user,
                stopSignal);
    }

    /**
     * How the machine's size came about.
     *
     * @param vcpus processors of the machine
     * @param memoryMib memory of the machine
     * @param reason for people: which limit or default it follows from
     */
    public record Sizing(int vcpus, long memoryMib, String reason) {}

    /**
     * The container's image.
     *
     * @param reference as the user named it
     * @param digest of its manifest
     * @param disk the EROFS disk that holds its files
     */
    public record Image(String reference, String digest, Path disk) {}

    /**
     * What the agent is told about the machine.
     *
     * @param hostname of the machine and of the container
     * @param dns lines of resolv.conf
     */
    public record Guest(String hostname, List<String> dns) {
        public Guest {
            dns = List.copyOf(dns);
        }
    }

    /**
     * One storage, in the words of the agent's protocol.
     *
     * @param driver {@code blk}, {@code ephemeral}, {@code overlayfs}
     * @param source what is mounted; a PCI path for {@code blk}
     * @param fileSystem its type
     * @param options of the mount
     * @param mountPoint where in the guest
     */
    public record Storage(
            String driver,
            String source,
            String fileSystem,
            List<String> options,
            String mountPoint) {
        public Storage {
            options = List.copyOf(options);
        }
    }
}
