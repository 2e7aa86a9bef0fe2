// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything that a machine is made of, decided before anything is touched.
 *
 * @param id names the machine in logs, errors and process lists
 * @param directory where its sockets live: its own, made if it is missing, and reduced to its
 *     owner's use; an absolute path of at most {@link #LONGEST_DIRECTORY} bytes
 * @param accelerator how its instructions are carried out
 * @param machineType the kind of machine, in the hypervisor's words; {@code q35}
 * @param machineOptions properties of the machine, in the hypervisor's words, with commas between
 *     them; may be empty
 * @param cpu its processors
 * @param memory its memory
 * @param boot what it boots
 * @param disks its disks
 * @param diskLimits what it may read and write of those that are limited, at its beginning
 * @param fileSystem what it can mount of the host; empty: nothing. Its memory is shared then
 * @param entropySource a file from which the guest is given randomness; empty: it is given none
 * @param agentPort the name under which the guest finds the port that leads to {@link #agentSocket}
 * @param security how its process is confined
 * @param cgroupProcsFiles the {@code cgroup.procs} files of the cgroups in which the process begins
 *     its life
 * @param hypervisor the hypervisor's program, an absolute path
 */
public record VirtualMachineSpec(
        String id,
        Path directory,
        Accelerator accelerator,
        String machineType,
        String machineOptions,
        CpuSpec cpu,
        MemorySpec memory,
        BootSpec boot,
        List<Disk> disks,
        DiskLimits diskLimits,
        Optional<FileSystemDevice> fileSystem,
        Optional<Path> entropySource,
        String agentPort,
        SecuritySpec security,
        List<Path> cgroupProcsFiles,
        Path hypervisor) {
    /** A unix socket's address has 107 bytes; the rest is for the sockets' own names. */
    public static final int LONGEST_DIRECTORY = 90;

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}");
    private static final Pattern MACHINE_TYPE = Pattern.compile("[a-z0-9][a-z0-9.-]*");
    private static final Pattern MACHINE_OPTIONS =
            Pattern.compile("([a-z0-9-]+=[A-Za-z0-9_.:-]+(,[a-z0-9-]+=[A-Za-z0-9_.:-]+)*)?");
    private static final Pattern PORT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

    /**
     * Checks and copies.
     *
     * @throws Fault INVALID_ARGUMENT if a part is not as described, two disks have the same name,
     *     serial number or slot, or there is a file system and the memory is not shared
     */
    public VirtualMachineSpec {
        disks = List.copyOf(disks);
        cgroupProcsFiles = List.copyOf(cgroupProcsFiles);
        require(ID, id, "a machine's name");
        require(MACHINE_TYPE, machineType, "a machine type");
        require(MACHINE_OPTIONS, machineOptions, "a list of machine options");
        require(PORT, agentPort, "a port's name");
        requireDirectory(directory);
        if (!hypervisor.isAbsolute()) {
            throw Fault.invalidArgument("the hypervisor's path %s is not absolute", hypervisor);
        }
        requireDistinct(disks);
        if (fileSystem.isPresent() && !memory.shared()) {
            throw Fault.invalidArgument(
                    "the memory of machine %s is not shared, so nobody can serve it files", id);
        }
    }

    private static void require(Pattern form, String text, String what) {
        if (!form.matcher(text).matches()) {
            throw Fault.invalidArgument("'%s' is not %s", text, what);
        }
    }

    private static void requireDirectory(Path directory) {
        int length = directory.toString().getBytes(StandardCharsets.UTF_8).length;
        if (!directory.isAbsolute() || length > LONGEST_DIRECTORY) {
            throw Fault.invalidArgument(
                            "a machine's sockets cannot live in %s: %d bytes, and %d fit",
                            directory, length, LONGEST_DIRECTORY)
                    .withHint("give a shorter, absolute state root");
        }
    }

    private static void requireDistinct(List<Disk> disks) {
        Set<Object> seen = new HashSet<>();
        for (Disk disk : disks) {
            if (!seen.add("id " + disk.id())
                    || !seen.add("serial " + disk.serial())
                    || !seen.add("slot " + disk.slot())) {
                throw Fault.invalidArgument(
                        "disk %s has the name, the serial number or the slot of another one",
                        disk.id());
            }
        }
    }

    /** {@return whether it has a disk that {@link #diskLimits} hold for} */
    public boolean hasLimitedDisk() {
        return disks.stream().anyMatch(Disk::isLimited);
    }

    /** {@return where whoever serves the guest's agent connects, one at a time} */
    public Path agentSocket() {
        return directory.resolve("agent.sock");
    }

    /** {@return where whoever reads the guest's serial console connects, one at a time} */
    public Path consoleSocket() {
        return directory.resolve("console.sock");
    }

    /** {@return where the server of {@link #fileSystem} is waited for} */
    public Path fileServerSocket() {
        return directory.resolve("fs.sock");
    }
}
