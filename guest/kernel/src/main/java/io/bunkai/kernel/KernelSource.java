// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.net.URI;
import java.nio.file.Path;

/** Where a kernel's source comes from. */
sealed interface KernelSource {
    /** A source package of Debian's, fetched and verified by apt. */
    record Debian(String packageName) implements KernelSource {}

    /**
     * A file of this machine.
     *
     * @param digest its SHA-256, which has to match; empty if the caller trusts the file
     */
    record Tarball(Path file, String digest) implements KernelSource {}

    /** A tree that is unpacked already; it is used where it lies and never written to. */
    record Tree(Path directory) implements KernelSource {}

    /**
     * A file from the network.
     *
     * @param digest its SHA-256; without one nothing is downloaded
     */
    record Download(URI address, String digest) implements KernelSource {}
}
