// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The folders that a root file system consists of, read off the mounts that a snapshotter asks for.
 * Nothing is mounted for that: the guest gets the folders as disks and lays them over each other
 * itself.
 *
 * @param layers folders that do not change any more, lowest first
 * @param changing folders above them that may still change, and serve this container alone
 * @spec https://docs.kernel.org/filesystems/overlayfs.html overlayfs
 */
record RootFolders(List<Path> layers, List<Path> changing) {
    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
    private static final String OVERLAY = "overlay";

    /** Fields of a line of mountinfo, see proc(5): the mount point, and those after the dash. */
    private static final int MOUNT_POINT = 4;

    RootFolders {
        layers = List.copyOf(layers);
        changing = List.copyOf(changing);
    }

    /**
     * {@return the folders of a bundle's root file system}
     *
     * @throws Fault INVALID_ARGUMENT if the mounts make no sense, UNIMPLEMENTED if they are none of
     *     folders
     */
    static RootFolders of(BundleRequest request) {
        List<BundleRequest.RootMount> mounts = request.rootMounts();
        if (mounts.isEmpty()) {
            return ofFolder(folderOf(request));
        }
        if (mounts.size() > 1) {
            throw unsupported("%d mounts".formatted(mounts.size()));
        }
        BundleRequest.RootMount mount = mounts.getFirst();
        if (mount.type().equals(OVERLAY)) {
            return ofOverlay(mount.options());
        }
        if (mount.type().equals("bind")
                || mount.options().contains("bind")
                || mount.options().contains("rbind")) {
            List<Path> folder = List.of(absolute(mount.source()));
            return mount.options().contains("ro")
                    ? new RootFolders(folder, List.of())
                    : new RootFolders(List.of(), folder);
        }
        throw unsupported("a mount of type '%s'".formatted(GuestText.printable(mount.type())));
    }

    private static Fault unsupported(String what) {
        return Fault.unimplemented("the root file system is given as %s, not as folders", what)
                .withHint("use containerd's overlayfs or native snapshotter");
    }

    private static Path folderOf(BundleRequest request) {
        RuntimeSpec.Root root = request.spec().root();
        if (root == null || root.path().isEmpty()) {
            throw Fault.invalidArgument(
                            "neither the request nor %s/config.json names a root file system",
                            request.bundle())
                    .withHint("set root.path in config.json");
        }
        return request.bundle().resolve(root.path());
    }

    /** Docker mounts the overlay itself: its layers are the kernel's to tell. */
    private static RootFolders ofFolder(Path folder) {
        return overlayAt(folder)
                .map(RootFolders::ofOverlay)
                .orElseGet(() -> new RootFolders(List.of(), List.of(folder)));
    }

    private static Optional<List<String>> overlayAt(Path folder) {
        try {
            String real = folder.toRealPath().toString();
            Optional<List<String>> last = Optional.empty(); // what is mounted last is on top
            for (String line : Files.readAllLines(MOUNTS)) {
                String[] halves = line.split(" - ", 2);
                String[] before = halves[0].split(" ");
                String[] after = halves.length < 2 ? new String[0] : halves[1].split(" ");
                if (before.length > MOUNT_POINT && before[MOUNT_POINT].equals(real)) {
                    boolean understood =
                            after.length > 2
                                    && after[0].equals(OVERLAY)
                                    && !after[2].contains("\\") // escapes
                                    && after[2].contains("lowerdir=/");
                    last =
                            understood
                                    ? Optional.of(List.of(after[2].split(",")))
                                    : Optional.empty();
                }
            }
            return last;
        } catch (IOException e) {
            return Optional.empty(); // whoever reads the folder tells what is wrong with it
        }
    }

    private static RootFolders ofOverlay(List<String> options) {
        List<Path> layers = new ArrayList<>();
        List<Path> changing = new ArrayList<>();
        for (String option : options) {
            if (option.startsWith("lowerdir=")) {
                for (String folder : splitFolders(option.substring("lowerdir=".length()))) {
                    layers.addFirst(absolute(folder));
                }
            } else if (option.startsWith("upperdir=")) {
                Path upper = absolute(option.substring("upperdir=".length()));
                if (!isEmpty(upper)) {
                    changing.add(upper);
                }
            } else if (option.equals("userxattr")) {
                throw Fault.unimplemented(
                                "the layers are those of an unprivileged containerd (userxattr)")
                        .withHint("use a containerd that runs as root");
            }
        }
        if (layers.isEmpty()) {
            throw Fault.invalidArgument("an overlay without lowerdir cannot be mounted");
        }
        return new RootFolders(layers, changing);
    }

    /** A colon that belongs to a name has a backslash before it. */
    private static List<String> splitFolders(String text) {
        List<String> folders = new ArrayList<>();
        StringBuilder folder = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                i++;
                folder.append(text.charAt(i));
            } else if (c == ':') {
                folders.add(folder.toString());
                folder.setLength(0);
            } else {
                folder.append(c);
            }
        }
        folders.add(folder.toString());
        return folders;
    }

    private static Path absolute(String text) {
        if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
            throw Fault.invalidArgument(
                    "the root file system names the folder '%s', which is no absolute path",
                    GuestText.printable(text));
        }
        return Path.of(text);
    }

    private static boolean isEmpty(Path folder) {
        try (var entries = Files.newDirectoryStream(folder)) {
            return !entries.iterator().hasNext();
        } catch (IOException e) {
            throw Fault.notFound("the folder %s of the root file system cannot be read", folder)
                    .causedBy(e);
        }
    }
}
