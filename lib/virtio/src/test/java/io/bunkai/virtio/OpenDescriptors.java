// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What this process has open and mapped, as the kernel tells it. */
final class OpenDescriptors {
    private OpenDescriptors() {}

    /** {@return how many descriptors are open that are no regular files: jars come and go} */
    static long count() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(OpenDescriptors::isOurs).count();
        }
    }

    private static boolean isOurs(Path descriptor) {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            return target.startsWith("socket:")
                    || target.startsWith("anon_inode:")
                    || target.startsWith("pipe:")
                    || target.startsWith("/memfd:");
        } catch (IOException e) {
            return false; // the one by which the list was read
        }
    }

    /** {@return how many mappings there are of memory that a front-end shares} */
    static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("/memfd:guest-memory")).count();
        }
    }
}
