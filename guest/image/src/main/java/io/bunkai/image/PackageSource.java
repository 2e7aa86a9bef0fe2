// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;

/** Where packages come from. */
interface PackageSource {
    /** Says that these packages and what they depend on are going to be looked for. */
    default void prepare(Collection<String> roots) throws IOException, InterruptedException {}

    /**
     * {@return the packages of these names that could be downloaded, by name; names that nothing is
     * known of are absent}
     */
    Map<String, DebianPackage> find(Collection<String> names)
            throws IOException, InterruptedException;

    /**
     * {@return the file of each package, complete and with the right digest, by the package's name}
     *
     * @throws io.bunkai.base.Fault UNAVAILABLE if one could not be had
     */
    Map<String, Path> fetch(Collection<DebianPackage> packages)
            throws IOException, InterruptedException;
}
