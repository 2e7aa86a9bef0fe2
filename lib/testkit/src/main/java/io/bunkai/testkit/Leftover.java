// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.util.Locale;

/**
 * Something that was not there before.
 *
 * @param kind what kind of thing
 * @param identity what distinguishes it from others of its kind
 * @param description what it is, and who owns it
 */
public record Leftover(Kind kind, String identity, String description) {
    /** Kinds of things that a test can leave behind. */
    public enum Kind {
        /** A process. */
        PROCESS,
        /** A mount in this process's mount namespace. */
        MOUNT,
        /** A folder of a cgroup hierarchy. */
        CGROUP,
        /** A network namespace with a name. */
        NETWORK_NAMESPACE,
        /** A network link in this process's network namespace. */
        LINK,
        /** A loop device with a file behind it. */
        LOOP_DEVICE,
        /** A file or folder. */
        FILE,
        /** An open descriptor of a watched process. */
        DESCRIPTOR
    }

    /** {@return kind and description} */
    @Override
    public String toString() {
        return kind.name().toLowerCase(Locale.ROOT).replace('_', ' ') + ": " + description;
    }
}
