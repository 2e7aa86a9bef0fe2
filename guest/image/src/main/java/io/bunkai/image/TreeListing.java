// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Everything in a tree.
 *
 * @param digest of the whole: names, kinds, permissions, contents
 * @param files digests of the regular files, by path
 */
record TreeListing(String digest, SortedMap<String, String> files) {
    static TreeListing of(Path root) throws IOException {
        StringBuilder text = new StringBuilder();
        SortedMap<String, String> files = new TreeMap<>();
        List<Path> paths;
        try (Stream<Path> all = Files.walk(root)) {
            paths = all.sorted().toList();
        }
        for (Path path : paths) {
            String name = root.relativize(path).toString();
            if (Files.isSymbolicLink(path)) {
                text.append("link " + name + " -> " + Files.readSymbolicLink(path) + "\n");
                continue;
            }
            String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
            if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                text.append("folder " + mode + " " + name + "\n");
            } else {
                String digest = Digests.sha256(path);
                files.put(name, digest);
                text.append("file " + mode + " " + name + " " + digest + "\n");
            }
        }
        return new TreeListing(Digests.sha256(text.toString()), files);
    }
}
