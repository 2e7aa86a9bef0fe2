// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The host's control groups for machines: one group per machine in every hierarchy that accounts
 * for or limits something. They tell what a machine costs, and which processes belong to it even if
 * the journal does not know.
 *
 * @spec https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html cgroup v1
 * @spec https://docs.kernel.org/admin-guide/cgroup-v2.html cgroup v2
 */
public final class HostCgroups {
    private static final System.Logger LOG = System.getLogger(HostCgroups.class.getName());
    private static final List<String> V1_CONTROLLERS = List.of("cpu", "cpuacct", "memory", "pids");
    private static final String PROCS = "cgroup.procs";

    private final List<Path> parents;

    private HostCgroups(List<Path> parents) {
        this.parents = parents;
    }

    /**
     * Finds the hierarchies of this machine that can be written to; machines live without a group
     * where there is none.
     *
     * @param mountPoint normally {@code /sys/fs/cgroup}
     * @param parent name of the group above all machines' groups
     */
    public static HostCgroups find(Path mountPoint, String parent) {
        List<Path> hierarchies = new ArrayList<>();
        if (Files.exists(mountPoint.resolve("cgroup.controllers"))) {
            if (Files.isWritable(mountPoint.resolve(PROCS))) {
                hierarchies.add(mountPoint);
            }
        } else {
            for (String controller : V1_CONTROLLERS) {
                Path hierarchy = mountPoint.resolve(controller);
                if (Files.isWritable(hierarchy.resolve(PROCS))) {
                    hierarchies.add(hierarchy);
                }
            }
        }
        return new HostCgroups(
                hierarchies.stream().map(hierarchy -> hierarchy.resolve(parent)).toList());
    }

    /** {@return the groups of a machine, whether or not they exist} */
    public List<Path> of(String machine) {
        return parents.stream().map(parent -> parent.resolve(machine)).toList();
    }

    /** {@return the files that a process is written to in order to enter the groups} */
    public static List<Path> procsFiles(List<Path> groups) {
        return groups.stream().map(group -> group.resolve(PROCS)).toList();
    }

    /**
     * Makes the groups. Idempotent.
     *
     * @throws Fault INTERNAL if the host does not allow it
     */
    public static void create(List<Path> groups) {
        for (Path group : groups) {
            try {
                Files.createDirectories(group);
            } catch (IOException e) {
                throw Fault.internal("control group %s could not be made", group)
                        .causedBy(e)
                        .withHint("run as root, with the cgroup hierarchy mounted read-write");
            }
        }
    }

    /**
     * Gives the processes of these groups a tenth of the processor time that those of another group
     * get, where both want it. Where the processor is not shared out by groups, nothing changes.
     */
    public static void putIntoBackground(List<Path> groups) {
        for (Path group : groups) {
            write(group.resolve("cpu.weight"), "10"); // of 100, v2
            write(group.resolve("cpu.shares"), "102"); // of 1024, v1
        }
    }

    private static void write(Path knob, String value) {
        try {
            if (Files.exists(knob)) {
                Files.writeString(knob, value);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "{0} stays as it is: {1}", knob, e.getMessage());
        }
    }

    /** {@return the processes in the groups; empty if the groups do not exist} */
    public static List<Integer> processes(List<Path> groups) {
        List<Integer> pids = new ArrayList<>();
        for (Path group : groups) {
            try {
                for (String line : Files.readAllLines(group.resolve(PROCS))) {
                    int pid = Integer.parseInt(line.strip());
                    if (!pids.contains(pid)) {
                        pids.add(pid);
                    }
                }
            } catch (IOException e) {
                // the group is gone, and with it the last of its processes
            }
        }
        return pids;
    }

    /**
     * Removes the groups, once their last process has gone. Idempotent.
     *
     * @throws Fault INTERNAL if one is still in use when the deadline passes
     */
    public static void remove(List<Path> groups, Deadline deadline) {
        for (Path group : groups) {
            while (!removed(group)) {
                if (deadline.hasPassed()) {
                    throw Fault.internal(
                            "control group %s is still in use by %s",
                            group, processes(List.of(group)));
                }
                pause();
            }
        }
    }

    private static boolean removed(Path group) {
        try {
            Files.delete(group);
            return true;
        } catch (NoSuchFileException e) {
            return true;
        } catch (DirectoryNotEmptyException e) {
            throw Fault.internal("control group %s has groups of its own", group).causedBy(e);
        } catch (IOException e) {
            return false; // EBUSY: a process that was killed has not quite gone
        }
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "interrupted").causedBy(e);
        }
    }
}
