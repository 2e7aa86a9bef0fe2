// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where things are in the guest. Elsewhere in tests and when the agent is trained.
 *
 * @param containers everything that belongs to containers: bundles, roots, volumes; the only place
 *     where requests can have something mounted
 * @param work files that live as long as one request; a short path, for sockets
 * @param crun the program that makes containers
 * @param crunState where it keeps what it knows
 * @param cgroups where the control groups are
 * @param sys where sysfs is
 * @param proc where procfs is
 * @param dev where device nodes are
 * @param resolvConf the guest's own resolver configuration, which containers' is bound from
 * @param hotplugTimeout how long to wait for a device that a request names
 */
record GuestLayout(
        Path containers,
        Path work,
        Path crun,
        Path crunState,
        Path cgroups,
        Path sys,
        Path proc,
        Path dev,
        Path resolvConf,
        Duration hotplugTimeout) {
    private static final Duration DEFAULT_HOTPLUG_TIMEOUT = Duration.ofSeconds(3);

    /** {@return the places of Bunkai's image and of Kata's} */
    static GuestLayout standard() {
        return new GuestLayout(
                Path.of("/run/kata-containers"),
                Path.of("/run/bunkai-agent"),
                Path.of("/usr/bin/crun"),
                Path.of("/run/crun"),
                Path.of("/sys/fs/cgroup"),
                Path.of("/sys"),
                Path.of("/proc"),
                Path.of("/dev"),
                Path.of("/etc/resolv.conf"),
                DEFAULT_HOTPLUG_TIMEOUT);
    }

    GuestLayout withHotplugTimeout(Duration timeout) {
        return new GuestLayout(
                containers, work, crun, crunState, cgroups, sys, proc, dev, resolvConf, timeout);
    }
}
