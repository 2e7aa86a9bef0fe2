// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/**
 * The runtime itself.
 *
 * @param debug whether it logs in detail
 * @param logLevel what it logs
 * @param guestSeccomp whether containers' seccomp profiles are applied inside the guest
 * @param sandboxCgroupOnly whether everything that serves a pod stays in the pod's own cgroup
 * @param templates which pods may be clones of one template
 * @param rootfsSharing how a container's root file system reaches the guest
 */
public record RuntimeConfiguration(
        boolean debug,
        LogLevel logLevel,
        boolean guestSeccomp,
        boolean sandboxCgroupOnly,
        TemplateScope templates,
        RootfsSharing rootfsSharing) {
    /** Which pods may be clones of one template, and share pages of its memory. */
    public enum TemplateScope {
        /** Those of one namespace. */
        NAMESPACE,
        /** All of the node. */
        NODE,
        /** None: every machine boots. */
        NONE
    }

    /** How a container's root file system reaches the guest. */
    public enum RootfsSharing {
        /** The cheapest way that does what the pod needs. */
        AUTO,
        /** As read-only disks with an overlay in the guest. */
        BLOCK
    }
}
