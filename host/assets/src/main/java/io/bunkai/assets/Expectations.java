// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a runtime and its configuration expect of a guest.
 *
 * @param architecture of the machine, as {@code uname -m} prints it
 * @param agentProtocol the version of the agent's protocol that the runtime speaks
 * @param fileSystem of the image, if the configuration names one
 * @param features what the machine's devices and the containers' root file systems need
 */
public record Expectations(
        String architecture,
        String agentProtocol,
        Optional<String> fileSystem,
        Set<KernelFeature> features) {
    public Expectations {
        features = Set.copyOf(features);
    }

    /**
     * {@return what every start needs on this machine: the disks, the agent's port, and the overlay
     * of EROFS layers that a container's root file system is}
     */
    public static Expectations ofThisMachine(String agentProtocol) {
        return new Expectations(
                architecture(System.getProperty("os.arch", "")),
                agentProtocol,
                Optional.empty(),
                EnumSet.of(
                        KernelFeature.VIRTIO_PCI,
                        KernelFeature.VIRTIO_BLK,
                        KernelFeature.VIRTIO_CONSOLE,
                        KernelFeature.EROFS,
                        KernelFeature.OVERLAYFS,
                        KernelFeature.TMPFS));
    }

    /** {@return the same for an image with this file system} */
    public Expectations withFileSystem(String name) {
        return new Expectations(architecture, agentProtocol, Optional.of(name), features);
    }

    /** {@return the same and these features} */
    public Expectations with(Set<KernelFeature> more) {
        EnumSet<KernelFeature> all = EnumSet.copyOf(features);
        all.addAll(more);
        return new Expectations(architecture, agentProtocol, fileSystem, all);
    }

    /** {@return an architecture's name as the kernel has it} */
    static String architecture(String name) {
        return switch (name) {
            case "amd64" -> "x86_64";
            case "arm64" -> "aarch64";
            default -> name;
        };
    }
}
