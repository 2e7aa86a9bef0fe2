// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * What a kernel is for, beyond running pods.
 *
 * @param nvidia NVIDIA's accelerators, whose driver comes as modules
 * @param confidential guests that do not trust their host
 * @param measured a root file system that the kernel verifies
 * @param debug whatever helps to find out what went wrong
 */
record Variant(boolean nvidia, boolean confidential, boolean measured, boolean debug) {
    /** Runs pods. */
    static final Variant PLAIN = new Variant(false, false, false, false);

    /** {@return what its files' names end in: as in Kata Containers, but for the measured one} */
    String suffix() {
        return (nvidia ? "-nvidia-gpu" : "")
                + (confidential ? "-confidential" : "")
                + (measured ? "-measured" : "")
                + (debug ? "-debug" : "");
    }

    /** {@return the names of its fragments, in an order in which later ones win} */
    List<String> fragments(Architecture architecture) {
        List<String> names =
                new ArrayList<>(
                        List.of(
                                "common",
                                architecture.label(),
                                "virtio",
                                "filesystems",
                                "network",
                                "cgroups",
                                "security",
                                "vmgenid"));
        if (measured) {
            names.add("measured");
        }
        if (confidential) {
            names.add("confidential");
            names.add("confidential-" + architecture.label());
        }
        if (nvidia) {
            names.add("gpu-nvidia");
        }
        if (debug) {
            names.add("debug");
        }
        return names;
    }
}
