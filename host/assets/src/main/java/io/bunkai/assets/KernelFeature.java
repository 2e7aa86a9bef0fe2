// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What somebody may need of a guest's kernel, by the name that an image's manifest has for it, and
 * the kernel's options behind it.
 */
public enum KernelFeature {
    BINFMT_SCRIPT("binfmt-script", option("BINFMT_SCRIPT")),
    CGROUP2(
            "cgroup2",
            option("CGROUPS"),
            option("MEMCG"),
            option("CGROUP_PIDS"),
            option("CPUSETS"),
            option("CFS_BANDWIDTH"),
            option("CGROUP_BPF")),
    DEVPTS("devpts", option("UNIX98_PTYS")),
    DEVTMPFS("devtmpfs", option("DEVTMPFS")),
    EROFS("erofs", module("EROFS_FS", "erofs")),
    EROFS_LZ4("erofs-lz4", option("EROFS_FS_ZIP")),
    EXT4("ext4", module("EXT4_FS", "ext4")),
    INET("inet", option("INET")),
    MQUEUE("mqueue", option("POSIX_MQUEUE")),
    NAMESPACES(
            "namespaces", option("UTS_NS"), option("IPC_NS"), option("PID_NS"), option("NET_NS")),
    OVERLAYFS("overlayfs", module("OVERLAY_FS", "overlay")),
    PARTITIONS("msdos-partitions", option("MSDOS_PARTITION")),
    PROC("proc", option("PROC_FS")),
    SECCOMP("seccomp", option("SECCOMP_FILTER")),
    SYSFS("sysfs", option("SYSFS")),
    TMPFS("tmpfs", option("TMPFS")),
    UNIX_SOCKETS("unix-sockets", module("UNIX", "unix")),
    USER_NAMESPACES("user-namespaces", option("USER_NS")),
    VIRTIO_BLK("virtio-blk", module("VIRTIO_BLK", "virtio_blk")),
    VIRTIO_CONSOLE("virtio-console", module("VIRTIO_CONSOLE", "virtio_console")),
    VIRTIO_FS("virtio-fs", module("VIRTIO_FS", "virtiofs")),
    VIRTIO_NET("virtio-net", module("VIRTIO_NET", "virtio_net")),
    VIRTIO_PCI("virtio-pci", module("VIRTIO_PCI", "virtio_pci")),
    VIRTIO_PMEM("virtio-pmem", module("VIRTIO_PMEM", "virtio_pmem")),
    VIRTIO_RNG("virtio-rng", module("HW_RANDOM_VIRTIO", "virtio_rng")),
    VSOCK("vsock", module("VIRTIO_VSOCKETS", "vmw_vsock_virtio_transport")),
    XFS("xfs", module("XFS_FS", "xfs"));

    private final String label;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<Part> parts;

    KernelFeature(String label, Part... parts) {
        this.label = label;
        this.parts = List.of(parts);
    }

    /**
     * An option of the kernel's configuration.
     *
     * @param option its name without {@code CONFIG_}
     * @param module what is loaded if the option is {@code m}; empty if it cannot be
     */
    record Part(String option, String module) {}

    private static Part option(String name) {
        return new Part(name, "");
    }

    private static Part module(String name, String module) {
        return new Part(name, module);
    }

    /** {@return its name in manifests and on the command line} */
    public String label() {
        return label;
    }

    List<Part> parts() {
        return parts;
    }

    /** {@return the feature of that name; nothing if this version knows none} */
    public static Optional<KernelFeature> of(String label) {
        return Arrays.stream(values()).filter(feature -> feature.label.equals(label)).findFirst();
    }
}
