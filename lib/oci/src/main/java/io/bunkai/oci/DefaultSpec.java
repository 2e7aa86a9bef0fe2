// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import io.bunkai.oci.RuntimeSpec.Capabilities;
import io.bunkai.oci.RuntimeSpec.ContainerProcess;
import io.bunkai.oci.RuntimeSpec.DeviceRule;
import io.bunkai.oci.RuntimeSpec.Linux;
import io.bunkai.oci.RuntimeSpec.Mount;
import io.bunkai.oci.RuntimeSpec.Namespace;
import io.bunkai.oci.RuntimeSpec.Resources;
import io.bunkai.oci.RuntimeSpec.Root;
import io.bunkai.oci.RuntimeSpec.User;
import java.util.List;
import java.util.Map;

/**
 * What a container gets when nobody asks for anything else: Docker's defaults, so that an image
 * behaves as its maker saw it. It has no network namespace: the machine that it runs in is its own,
 * and so is that machine's network.
 */
public final class DefaultSpec {
    /** Docker's default capabilities. */
    public static final List<String> CAPABILITIES =
            List.of(
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_FSETID",
                    "CAP_FOWNER",
                    "CAP_MKNOD",
                    "CAP_NET_RAW",
                    "CAP_SETGID",
                    "CAP_SETUID",
                    "CAP_SETFCAP",
                    "CAP_SETPCAP",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_SYS_CHROOT",
                    "CAP_KILL",
                    "CAP_AUDIT_WRITE");

    /** What a container must not see of the kernel. */
    public static final List<String> MASKED_PATHS =
            List.of(
                    "/proc/asound",
                    "/proc/acpi",
                    "/proc/interrupts",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/proc/sched_debug",
                    "/proc/scsi",
                    "/sys/firmware",
                    "/sys/devices/virtual/powercap");

    /** What a container must not change of the kernel. */
    public static final List<String> READONLY_PATHS =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    /** Where programs are looked for if neither image nor caller says so. */
    public static final String PATH =
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static final List<Mount> MOUNTS =
            List.of(
                    Mount.of("/proc", "proc", "proc", List.of("nosuid", "noexec", "nodev")),
                    Mount.of(
                            "/dev",
                            "tmpfs",
                            "tmpfs",
                            List.of("nosuid", "strictatime", "mode=755", "size=65536k")),
                    Mount.of(
                            "/dev/pts",
                            "devpts",
                            "devpts",
                            List.of(
                                    "nosuid",
                                    "noexec",
                                    "newinstance",
                                    "ptmxmode=0666",
                                    "mode=0620",
                                    "gid=5")),
                    Mount.of(
                            "/dev/shm",
                            "tmpfs",
                            "shm",
                            List.of("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
                    Mount.of(
                            "/dev/mqueue",
                            "mqueue",
                            "mqueue",
                            List.of("nosuid", "noexec", "nodev")),
                    Mount.of("/sys", "sysfs", "sysfs", List.of("nosuid", "noexec", "nodev", "ro")),
                    Mount.of(
                            "/sys/fs/cgroup",
                            "cgroup",
                            "cgroup",
                            List.of("ro", "nosuid", "noexec", "nodev")));

    private static final List<Namespace> NAMESPACES =
            List.of(
                    Namespace.fresh("pid"),
                    Namespace.fresh("ipc"),
                    Namespace.fresh("uts"),
                    Namespace.fresh("mount"),
                    Namespace.fresh("cgroup"));

    /** Null, zero, full, tty, urandom, random, ptmx, console, pts; everything else is denied. */
    private static final List<DeviceRule> DEVICE_RULES =
            List.of(
                    new DeviceRule(false, null, null, null, "rwm"),
                    device(1, 3),
                    device(1, 5),
                    device(1, 7),
                    device(1, 8),
                    device(1, 9),
                    device(5, 0),
                    device(5, 1),
                    device(5, 2),
                    new DeviceRule(true, "c", 136L, null, "rwm"),
                    new DeviceRule(true, "c", null, null, "m"),
                    new DeviceRule(true, "b", null, null, "m"));

    private DefaultSpec() {}

    /**
     * {@return the specification of a container that runs {@code args} in {@code rootPath} as root,
     * with the default path as its only environment}
     *
     * @param rootPath where the guest has mounted the container's root file system
     * @param cgroupsPath the container's cgroup, beneath the guest's cgroup root
     */
    public static RuntimeSpec of(String rootPath, String cgroupsPath, List<String> args) {
        return new RuntimeSpec(
                RuntimeSpec.VERSION,
                process(args),
                new Root(rootPath, false),
                null,
                null,
                MOUNTS,
                null,
                Map.of(),
                linux(cgroupsPath));
    }

    /** {@return a process with the default capabilities, run by root in {@code /}} */
    public static ContainerProcess process(List<String> args) {
        return new ContainerProcess(
                false,
                null,
                User.ROOT,
                args,
                List.of(PATH),
                "/",
                new Capabilities(CAPABILITIES, CAPABILITIES, List.of(), CAPABILITIES, List.of()),
                List.of(),
                false,
                "",
                null,
                "");
    }

    private static Linux linux(String cgroupsPath) {
        return new Linux(
                List.of(),
                List.of(),
                Map.of(),
                Resources.of(DEVICE_RULES, null, null, null),
                cgroupsPath,
                NAMESPACES,
                List.of(),
                null,
                "",
                MASKED_PATHS,
                READONLY_PATHS,
                "");
    }

    private static DeviceRule device(long major, long minor) {
        return new DeviceRule(true, "c", major, minor, "rwm");
    }
}
