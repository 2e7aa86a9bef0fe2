// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What kernel is wanted.
 *
 * @param source where its source comes from
 * @param version what the source has to be; empty if whatever it is
 * @param architecture what it is to run on
 * @param variant what it is for
 * @param config a whole configuration to use instead of the fragments; null for the fragments
 * @param patches files to apply to the source, in this order
 * @param check whether an option that was asked for and did not stick is an error
 */
record KernelRequest(
        KernelSource source,
        String version,
        Architecture architecture,
        Variant variant,
        @Nullable Path config,
        List<Path> patches,
        boolean check) {
    /** Debian's package of the series that the fragments are made for. */
    static final String DEBIAN_SOURCE = "linux-source-6.1";

    /** The series that this package holds. */
    static final String DEBIAN_SERIES = "6.1";

    KernelRequest {
        patches = List.copyOf(patches);
    }

    /** {@return the kernel that machines boot if nobody asks for another} */
    static KernelRequest ofDefault() {
        return new KernelRequest(
                new KernelSource.Debian(DEBIAN_SOURCE),
                DEBIAN_SERIES,
                Architecture.ofThisMachine(),
                Variant.PLAIN,
                null,
                List.of(),
                true);
    }
}
