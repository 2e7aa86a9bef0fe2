// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Paths in a tree that is going to be somebody's root: links lead to places beneath that root. */
final class PackageTree {
    /** As many links as the kernel follows in one path. */
    private static final int MAX_LINKS = 40;

    private PackageTree() {}

    /**
     * {@return where {@code path} leads as seen by a process whose root is {@code root}; it need
     * not exist}
     *
     * @throws Fault INVALID_ARGUMENT if links lead in a circle
     */
    static Path resolve(Path root, String path) throws IOException {
        Deque<String> open = new ArrayDeque<>();
        push(open, path);
        Path at = root;
        int links = 0;
        while (!open.isEmpty()) {
            String name = open.pop();
            if (name.equals("..")) {
                Path parent = at.getParent();
                at = at.equals(root) || parent == null ? root : parent;
                continue;
            }
            Path next = at.resolve(name);
            if (!Files.isSymbolicLink(next)) {
                at = next;
                continue;
            }
            if (++links > MAX_LINKS) {
                throw Fault.invalidArgument("links in %s lead in a circle: %s", root, path);
            }
            String target = Files.readSymbolicLink(next).toString();
            if (target.startsWith("/")) {
                at = root;
            }
            push(open, target);
        }
        return at;
    }

    private static void push(Deque<String> open, String path) {
        String[] names = path.split("/+");
        for (int i = names.length - 1; i >= 0; i--) {
            if (!names[i].isEmpty() && !names[i].equals(".")) {
                open.push(names[i]);
            }
        }
    }
}
