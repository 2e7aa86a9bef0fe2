// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.util.List;

/**
 * A package that can be downloaded.
 *
 * @param name its name
 * @param version the version apt would choose
 * @param architecture what it was built for: {@code amd64}, {@code all}
 * @param sha256 digest of its file, in hexadecimal
 * @param depends what it depends on, each with its alternatives, the preferred one first
 */
record DebianPackage(
        String name,
        String version,
        String architecture,
        String sha256,
        List<List<String>> depends) {
    DebianPackage {
        depends = depends.stream().map(List::copyOf).toList();
    }

    /** {@return the name of its file in a cache; a colon would have a meaning for some programs} */
    String fileName() {
        return "%s_%s_%s.deb".formatted(name, version.replace(":", "%3a"), architecture);
    }
}
