// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Paths that must stay beneath a directory.
 *
 * <p>Two questions are answered. Where the host names a place for the agent to mount on, nothing on
 * the way may be a symbolic link, since only the agent makes directories there. Where a container's
 * own file is looked up, its links are followed as the container would see them: with its root as
 * "/".
 */
final class Beneath {
    private static final int MOST_LINKS = 40;

    private Beneath() {}

    /**
     * {@return {@code text} as a path beneath {@code root}; it need not exist}
     *
     * @throws Fault INVALID_ARGUMENT if it is not absolute, climbs, does not lie beneath the root,
     *     or has a symbolic link among the parts that exist
     */
    static Path strictly(Path root, String text) {
        Path path = text.indexOf('\0') < 0 ? Path.of(text) : Path.of("");
        if (!path.isAbsolute() || !path.equals(path.normalize())) {
            throw Fault.invalidArgument("'%s' is not a plain absolute path", Log.printable(text));
        }
        if (!path.startsWith(root) || path.equals(root)) {
            throw Fault.invalidArgument("'%s' does not lie beneath %s", Log.printable(text), root);
        }
        Path at = root;
        for (Path part : root.relativize(path)) {
            at = at.resolve(part);
            if (Files.isSymbolicLink(at)) {
                throw Fault.invalidArgument(
                        "'%s' is a symbolic link", Log.printable(at.toString()));
            }
        }
        return path;
    }

    /**
     * {@return the file that a process with {@code root} as its root would find at {@code inside},
     * if there is one}
     */
    static Optional<Path> lookup(Path root, String inside) throws IOException {
        Deque<String> rest = new ArrayDeque<>();
        push(rest, inside);
        Path at = root;
        int links = 0;
        while (!rest.isEmpty()) {
            String part = rest.pop();
            if (part.equals("..")) {
                Path parent = at.getParent();
                at = at.equals(root) || parent == null ? root : parent;
                continue;
            }
            Path next = at.resolve(part);
            if (Files.isSymbolicLink(next)) {
                if (++links > MOST_LINKS) {
                    return Optional.empty();
                }
                String target = Files.readSymbolicLink(next).toString();
                if (target.startsWith("/")) {
                    at = root;
                }
                push(rest, target);
            } else if (Files.exists(next, LinkOption.NOFOLLOW_LINKS)) {
                at = next;
            } else {
                return Optional.empty();
            }
        }
        return Optional.of(at);
    }

    private static void push(Deque<String> rest, String path) {
        String[] parts = path.split("/");
        for (int i = parts.length - 1; i >= 0; i--) {
            if (!parts[i].isEmpty() && !parts[i].equals(".")) {
                rest.push(parts[i]);
            }
        }
    }
}
