// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Some versions of Linux.
 *
 * @param from first version that is meant; null for all before {@code until}
 * @param until first version that is not meant any more; null for all after {@code from}
 */
record VersionRange(@Nullable KernelVersion from, @Nullable KernelVersion until) {
    /** {@return the versions between two, either of which may be an empty text} */
    static VersionRange of(String from, String until) {
        return new VersionRange(version(from), version(until));
    }

    private static @Nullable KernelVersion version(String text) {
        return text.isEmpty() ? null : KernelVersion.parse(text);
    }

    boolean contains(KernelVersion version) {
        return (from == null || version.compareTo(from) >= 0)
                && (until == null || version.compareTo(until) < 0);
    }
}
