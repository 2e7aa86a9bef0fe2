// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Everything that a start will make, named before anything is touched. {@code bunkai explain}
 * prints this very value, and the teardown needs nothing else to find all of it again.
 *
 * @param id of the container and of its machine
 * @param sizing how the machine's size came about
 * @param machine the machine
 * @param launch what will be executed for it
 * @param cgroups the host's control groups that it lives in
 * @param image what the container's root file system is made of
 * @param host what there is on the host besides the machine
 * @param guest what the agent is asked for before there is a container
 * @param storages what the agent mounts for the container, in this order
 * @param devices what of the host's the container gets as devices of its own
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
        Host host,
        Guest guest,
        List<Storage> storages,
        List<Device> devices,
        RuntimeSpec process,
        String user,
        int stopSignal) {
    public Plan {
        cgroups = List.copyOf(cgroups);
        storages = List.copyOf(storages);
        devices = List.copyOf(devices);
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
                host,
                guest,
                storages,
                devices,
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
     * What the container's root file system is made of.
     *
     * @param reference the image, as the user named it; empty if nobody has said
     * @param digest of the image's manifest; empty if nobody has said
     * @param disks the EROFS disks that hold its files, lowest first
     */
    public record Image(String reference, String digest, List<Path> disks) {
        public Image {
            disks = List.copyOf(disks);
        }
    }

    /**
     * What there is on the host besides the machine.
     *
     * @param bundle the folder with the owner's {@code config.json}; hooks are told of it
     * @param holder stands for the container among the host's processes
     * @param hooks the owner's programs
     * @param ownDisks disks of this container alone; they go with its machine
     * @param sharing what of the host the guest can mount
     */
    public record Host(
            Optional<Path> bundle,
            Optional<Holder> holder,
            Hooks hooks,
            List<OwnDisk> ownDisks,
            Optional<Sharing> sharing) {
        /** What a container has that belongs to nobody else: nothing. */
        public static final Host NOTHING =
                new Host(
                        Optional.empty(),
                        Optional.empty(),
                        Hooks.NONE,
                        List.of(),
                        Optional.empty());

        public Host {
            ownDisks = List.copyOf(ownDisks);
        }

        Host withSharing(Sharing shared) {
            return new Host(bundle, holder, hooks, ownDisks, Optional.of(shared));
        }
    }

    /**
     * Folders and files of the host that a process of their own serves to the guest, as entries of
     * one folder.
     *
     * @param server the file server's program and its arguments
     * @param weight when what several pods have together is divided; empty for the usual one
     */
    public record Sharing(List<Share> shares, List<String> server, Optional<Integer> weight) {
        public Sharing {
            shares = List.copyOf(shares);
            server = List.copyOf(server);
        }

        Sharing weighing(int among) {
            return new Sharing(shares, server, Optional.of(among));
        }
    }

    /**
     * A folder or a file of the host, for the guest.
     *
     * @param source on the host
     * @param name of its entry
     * @param readOnly whether the guest cannot change it, whatever it does; all that is mounted
     *     beneath it then included
     * @param follows whether what is mounted beneath it later is seen, too
     */
    public record Share(Path source, String name, boolean readOnly, boolean follows) {}

    /**
     * A process that does nothing and is in the container's network namespace, so that whoever is
     * told its number finds that namespace.
     *
     * @param networkNamespace the path of an existing one; empty for a new one
     */
    public record Holder(String networkNamespace) {}

    /**
     * Programs that run on the host at steps of the container's life, in this order.
     *
     * @param afterCreate once the container exists and its process has not been started
     * @param afterStart once its process runs
     * @param afterStop once nothing of it runs any more
     */
    public record Hooks(
            List<RuntimeSpec.Hook> afterCreate,
            List<RuntimeSpec.Hook> afterStart,
            List<RuntimeSpec.Hook> afterStop) {
        /** No programs. */
        public static final Hooks NONE = new Hooks(List.of(), List.of(), List.of());

        public Hooks {
            afterCreate = List.copyOf(afterCreate);
            afterStart = List.copyOf(afterStart);
            afterStop = List.copyOf(afterStop);
        }
    }

    /**
     * A disk that is made when the machine is.
     *
     * @param folders what it is made of, lowest first
     * @param file where it is
     */
    public record OwnDisk(List<Path> folders, Path file) {
        public OwnDisk {
            folders = List.copyOf(folders);
        }
    }

    /**
     * What the agent is told about the machine.
     *
     * @param hostname of the machine and of the container
     * @param dns lines of resolv.conf
     * @param files copies of the host's files, made before there is a container
     * @param storages what the agent mounts before there is a container, in this order
     */
    public record Guest(
            String hostname, List<String> dns, List<GuestFile> files, List<Storage> storages) {
        public Guest {
            dns = List.copyOf(dns);
            files = List.copyOf(files);
            storages = List.copyOf(storages);
        }
    }

    /**
     * A file of the host that the guest gets a copy of.
     *
     * @param source on the host
     * @param path in the guest
     */
    public record GuestFile(Path source, String path) {}

    /**
     * One storage, in the words of the agent's protocol.
     *
     * @param driver {@code blk}, {@code ephemeral}, {@code overlayfs}, {@code virtio-fs}
     * @param source what is mounted; a PCI path for {@code blk}, a tag for {@code virtio-fs}
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

    /**
     * A block device of the host, in the words of the agent's protocol. The agent writes the
     * numbers that the disk has in the guest into the container's specification, in the place of
     * the host's.
     *
     * @param source the PCI path of the disk
     * @param path of its node in the container
     */
    public record Device(String source, String path) {}
}
