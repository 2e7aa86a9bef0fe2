// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import io.bunkai.images.Inode.Directory;
import io.bunkai.images.Inode.Metadata;
import io.bunkai.images.Inode.Name;
import io.bunkai.images.Inode.Symlink;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files of an image while its layers are laid over each other, in memory only: a name in a
 * layer is resolved here and never by a kernel.
 *
 * <p>A parent directory that is a symbolic link is followed within the image, as a program in the
 * container would see it; one that climbs above the image's root is refused. The last component of
 * a name is never followed. This is what {@code umoci unpack} does, apart from the refusal.
 *
 * <p>Used by one thread.
 */
final class FileTree {
    static final String WHITEOUT = ".wh.";

    private static final String OPAQUE = ".wh..wh..opq";
    private static final int MAX_LINKS_FOLLOWED = 255;
    private static final int MAX_PATH_BYTES = 4096;
    private static final int MAX_NAME_BYTES = 255;

    private final Directory root = new Directory(Metadata.OF_IMPLIED_DIRECTORY);
    private final int mostNames;
    private final int deepest;
    private int namesMade;
    private int layer;

    /** Where a member goes: the path of its directory without links, and the last component. */
    private record Place(List<String> parent, String last) {}

    FileTree(int mostNames, int deepest) {
        this.mostNames = mostNames;
        this.deepest = deepest;
    }

    Directory root() {
        return root;
    }

    /**
     * What follows belongs to the next layer: whiteouts in it do not hide what it brings itself.
     */
    void beginLayer() {
        layer++;
    }

    /** {@return whether a member of this name removes something instead of bringing it} */
    static boolean isWhiteout(String path) {
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        return path.startsWith(WHITEOUT, path.lastIndexOf('/', end - 1) + 1);
    }

    /** Puts a directory there; one that exists keeps its files and gets the new metadata. */
    void addDirectory(String path, Metadata metadata) {
        List<String> components = components(path);
        if (components.isEmpty()) {
            root.metadata = metadata;
            return;
        }
        Place place = place(components, path);
        putDirectory(makeDirectories(place.parent(), path), place.last(), metadata);
    }

    /** Puts a file of any other type there, instead of whatever was there. */
    void add(String path, Inode inode) {
        Place place = place(nonRoot(path), path);
        put(makeDirectories(place.parent(), path), place.last(), inode);
    }

    /** Gives the file at {@code target} another name. */
    void addHardLink(String path, String target) {
        Place place = place(nonRoot(path), path);
        Directory parent = makeDirectories(place.parent(), path);
        parent.names.remove(place.last());
        Place source = place(nonRoot(target), target);
        Directory sourceParent = find(source.parent());
        Name name = sourceParent == null ? null : sourceParent.names.get(source.last());
        if (name == null) {
            throw Fault.invalidArgument(
                    "%s is a hard link to %s, which is not in the image",
                    Bytes.shown(path), Bytes.shown(target));
        }
        if (name.inode instanceof Directory) {
            throw Fault.invalidArgument(
                    "%s is a hard link to the directory %s",
                    Bytes.shown(path), Bytes.shown(target));
        }
        put(parent, place.last(), name.inode);
    }

    /** Removes what a whiteout hides, as far as lower layers brought it. */
    void whiteOut(String path) {
        Place place = place(components(path), path);
        String hidden = place.last().substring(WHITEOUT.length());
        if (hidden.isEmpty() || hidden.equals(".") || hidden.equals("..")) {
            throw Fault.invalidArgument("%s is a whiteout of no file", Bytes.shown(path));
        }
        Directory parent = find(place.parent());
        if (parent == null) {
            return;
        }
        if (place.last().equals(OPAQUE)) {
            removeLower(parent);
        } else {
            hide(parent, hidden);
        }
    }

    // By directory and name: for whoever knows that no link is on the way.

    /**
     * Puts a directory there; one that exists keeps its files and gets the new metadata.
     *
     * @return the directory
     */
    Directory putDirectory(Directory parent, String name, Metadata metadata) {
        Name existing = parent.names.get(name);
        if (existing != null && existing.inode instanceof Directory directory) {
            directory.metadata = metadata;
            existing.layer = layer;
            return directory;
        }
        Directory directory = new Directory(metadata);
        directory.parent = parent;
        put(parent, name, directory);
        return directory;
    }

    /** Removes what has this name, as far as lower layers brought it. */
    void hide(Directory parent, String hidden) {
        Name name = parent.names.get(hidden);
        if (name == null) {
            return;
        }
        if (name.layer != layer) {
            parent.names.remove(hidden);
        } else if (name.inode instanceof Directory directory) {
            removeLower(directory);
        }
    }

    /** Removes what is beneath a directory, as far as lower layers brought it. */
    void removeLower(Directory directory) {
        Iterator<Name> names = directory.names.values().iterator();
        while (names.hasNext()) {
            Name name = names.next();
            if (name.layer != layer) {
                names.remove();
            } else if (name.inode instanceof Directory below) {
                removeLower(below); // as deep as the limit on depth allows
            }
        }
    }

    /** Puts a file of any other type, or another name of one, there instead of whatever was. */
    void put(Directory parent, String name, Inode inode) {
        if (++namesMade > mostNames) {
            throw Fault.resourceExhausted("the image has more than %d files", mostNames)
                    .withHint("raise the limit on entries if you trust the image");
        }
        parent.names.put(name, new Name(inode, layer));
    }

    private static List<String> nonRoot(String path) {
        List<String> components = components(path);
        if (components.isEmpty()) {
            throw Fault.invalidArgument(
                    "%s names the root directory and is no directory", Bytes.shown(path));
        }
        return components;
    }

    /**
     * Splits a path, which is relative to the image's root whether it begins with a slash or not.
     * {@code ..} is taken back as text, before any link is looked at.
     */
    private static List<String> components(String path) {
        if (path.length() > MAX_PATH_BYTES) {
            throw tooLong(path);
        }
        List<String> components = new ArrayList<>();
        for (String component : path.split("/")) {
            switch (component) {
                case "", "." -> {}
                case ".." -> {
                    if (components.isEmpty()) {
                        throw climbs(path);
                    }
                    components.removeLast();
                }
                default -> {
                    if (component.length() > MAX_NAME_BYTES) {
                        throw tooLong(path);
                    }
                    components.add(component);
                }
            }
        }
        return components;
    }

    private Place place(List<String> components, String path) {
        List<String> parents = components.subList(0, components.size() - 1);
        if (parents.stream().anyMatch(parent -> parent.startsWith(WHITEOUT))) {
            throw Fault.invalidArgument(
                    "%s stands beneath a name that is reserved for whiteouts", Bytes.shown(path));
        }
        return new Place(followLinks(parents, path), components.getLast());
    }

    /** {@return the same directory as a path without links; its end need not exist} */
    private List<String> followLinks(List<String> path, String shown) {
        Deque<String> ahead = new ArrayDeque<>(path);
        List<String> behind = new ArrayList<>();
        List<@Nullable Inode> inodes = new ArrayList<>();
        int followed = 0;
        int bytes = 0;
        while (!ahead.isEmpty()) {
            String component = ahead.pop();
            if (component.equals("..")) {
                if (behind.isEmpty()) {
                    throw climbs(shown);
                }
                behind.removeLast();
                inodes.removeLast();
                continue;
            }
            Inode at = inodes.isEmpty() ? root : inodes.getLast();
            Name name = at instanceof Directory directory ? directory.names.get(component) : null;
            if (name != null && name.inode instanceof Symlink link) {
                bytes += link.target.length();
                if (++followed > MAX_LINKS_FOLLOWED || bytes > 16 * MAX_PATH_BYTES) {
                    throw Fault.invalidArgument(
                            "%s leads through too many symbolic links", Bytes.shown(shown));
                }
                if (link.target.startsWith("/")) {
                    behind.clear();
                    inodes.clear();
                }
                prepend(link.target, ahead);
            } else {
                behind.add(component);
                inodes.add(name == null ? null : name.inode);
            }
        }
        return behind;
    }

    private static void prepend(String target, Deque<String> ahead) {
        String[] components = target.split("/");
        for (int i = components.length - 1; i >= 0; i--) {
            if (!components[i].isEmpty() && !components[i].equals(".")) {
                ahead.push(components[i]);
            }
        }
    }

    private @Nullable Directory find(List<String> path) {
        Directory directory = root;
        for (String component : path) {
            Name name = directory.names.get(component);
            if (name == null || !(name.inode instanceof Directory below)) {
                return null;
            }
            directory = below;
        }
        return directory;
    }

    /** Goes to a directory, makes what is missing, and marks all of it as touched by this layer. */
    private Directory makeDirectories(List<String> path, String shown) {
        if (path.size() >= deepest) {
            throw Fault.resourceExhausted(
                    "%s is nested more than %d directories deep", Bytes.shown(shown), deepest);
        }
        Directory directory = root;
        int bytes = 0;
        for (String component : path) {
            bytes += component.length() + 1;
            if (component.length() > MAX_NAME_BYTES || bytes > MAX_PATH_BYTES) {
                throw tooLong(shown);
            }
            Name name = directory.names.get(component);
            if (name == null) {
                Directory made = new Directory(Metadata.OF_IMPLIED_DIRECTORY);
                made.parent = directory;
                put(directory, component, made);
                directory = made;
            } else if (name.inode instanceof Directory below) {
                name.layer = layer;
                directory = below;
            } else {
                throw Fault.invalidArgument(
                        "%s stands beneath %s, which is no directory",
                        Bytes.shown(shown), Bytes.shown(component));
            }
        }
        return directory;
    }

    private static Fault climbs(String path) {
        return Fault.invalidArgument("%s climbs out of the image", Bytes.shown(path))
                .withHint("do not run this image: it was made to write outside of a container");
    }

    private static Fault tooLong(String path) {
        return Fault.resourceExhausted("%s is longer than a name may be", Bytes.shown(path));
    }
}
