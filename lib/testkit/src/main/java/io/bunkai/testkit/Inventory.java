// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.testkit.Leftover.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What is there at one moment, of all kinds but processes. */
final class Inventory {
    private static final Path SYS_BLOCK = Path.of("/sys/block");

    /** What a virtual machine of Java opens at its leisure and keeps. */
    private static final Pattern OF_THE_JVM =
            Pattern.compile(
                    ".*\\.jar|.*\\.jmod|.*\\.jsa|.*\\.aot|.*/lib/modules|/dev/u?random|/proc/.*|/sys/fs/cgroup/.*");

    private final List<Leftover> items;

    private Inventory(List<Leftover> items) {
        this.items = items;
    }

    static Inventory take(List<Path> roots, List<Long> watched) {
        List<Leftover> items = new ArrayList<>();
        List<MountTable.Mount> mounts = MountTable.read();
        mounts.forEach(mount ->
                items.add(new Leftover(Kind.MOUNT, mount.toString(), mount.description())));
        cgroups(mounts, items);
        networkNamespaces(items);
        links(items);
        loopDevices(items);
        roots.forEach(root -> files(root, mounts, items));
        watched.forEach(pid -> descriptors(pid, items));
        return new Inventory(items);
    }

    /** {@return what is here and was not there; of equal things, as many as there are more now} */
    List<Leftover> minus(Inventory before) {
        Map<String, Integer> known = new HashMap<>();
        before.items.forEach(item -> known.merge(key(item), 1, Integer::sum));
        List<Leftover> fresh = new ArrayList<>();
        for (Leftover item : items) {
            if (known.merge(key(item), -1, Integer::sum) < 0) {
                fresh.add(item);
            }
        }
        return fresh;
    }

    private static String key(Leftover item) {
        return item.kind() + " " + item.identity();
    }

    private static void cgroups(List<MountTable.Mount> mounts, List<Leftover> items) {
        Set<String> points =
                mounts.stream()
                        .filter(mount -> mount.fileSystem().startsWith("cgroup"))
                        .map(MountTable.Mount::point)
                        .collect(Collectors.toSet());
        for (String point : points) {
            for (Path folder : foldersBeneath(Path.of(point), Set.of())) {
                items.add(new Leftover(Kind.CGROUP, folder.toString(), folder.toString()));
            }
        }
    }

    private static void networkNamespaces(List<Leftover> items) {
        for (Path name : ProcFiles.list(Path.of("/run/netns"))) {
            items.add(new Leftover(Kind.NETWORK_NAMESPACE, name.toString(), name.toString()));
        }
    }

    /** The table has two lines of headings; a link's name ends with a colon. */
    private static void links(List<Leftover> items) {
        for (String line : ProcFiles.lines(Path.of("/proc/self/net/dev"))) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                String name = line.substring(0, colon).strip();
                boolean tap = Files.exists(Path.of("/sys/class/net", name, "tun_flags"));
                items.add(new Leftover(Kind.LINK, name, name + (tap ? ", a tap" : "")));
            }
        }
    }

    private static void loopDevices(List<Leftover> items) {
        for (Path device : ProcFiles.list(SYS_BLOCK)) {
            ProcFiles.text(device.resolve("loop/backing_file"))
                    .map(String::strip)
                    .ifPresent(file -> {
                        String what = "/dev/" + ProcFiles.name(device) + " of " + file;
                        items.add(new Leftover(Kind.LOOP_DEVICE, what, what));
                    });
        }
    }

    private static void descriptors(long pid, List<Leftover> items) {
        for (String target : ProcessTable.openFiles(pid)) {
            String kind = target.replaceFirst("^(socket|pipe):\\[[0-9]+\\]$", "$1");
            if (!OF_THE_JVM.matcher(target).matches()) {
                items.add(new Leftover(Kind.DESCRIPTOR, kind, target + " in process " + pid));
            }
        }
    }

    /** What is mounted beneath a root is a leftover as a mount, and not looked into. */
    private static void files(Path root, List<MountTable.Mount> mounts, List<Leftover> items) {
        Set<Path> points =
                mounts.stream().map(mount -> Path.of(mount.point())).collect(Collectors.toSet());
        points.remove(root);
        walk(
                root,
                points,
                (path, isFolder) -> {
                    if (!path.equals(root)) {
                        String name = path + (isFolder ? "/" : "");
                        items.add(new Leftover(Kind.FILE, name, name));
                    }
                });
    }

    private static Set<Path> foldersBeneath(Path root, Set<Path> excluded) {
        Set<Path> folders = new HashSet<>();
        walk(
                root,
                excluded,
                (path, isFolder) -> {
                    if (isFolder && !path.equals(root)) {
                        folders.add(path);
                    }
                });
        return folders;
    }

    /** Sees what a walk comes by. */
    private interface Sight {
        void see(Path path, boolean isFolder);
    }

    private static void walk(Path root, Set<Path> excluded, Sight sight) {
        if (!Files.isDirectory(root)) {
            return;
        }
        try {
            Files.walkFileTree(
                    root,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult preVisitDirectory(
                                Path folder, BasicFileAttributes attributes) {
                            sight.see(folder, true);
                            return excluded.contains(folder)
                                    ? FileVisitResult.SKIP_SUBTREE
                                    : FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFile(
                                Path file, BasicFileAttributes attributes) {
                            sight.see(file, false);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException failure) {
                            return FileVisitResult.CONTINUE; // gone since its folder was read
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
