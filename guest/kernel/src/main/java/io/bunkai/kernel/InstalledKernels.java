// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The kernels of an installation: a folder of files under Kata Containers' names, with links to the
 * one of each variant that is in use. Every file appears whole or not at all, and the manifest's
 * link, which is what a machine's start looks at, changes last.
 *
 * @param directory the folder
 */
record InstalledKernels(Path directory) {
    /** Kernels that are not this machine's lie beneath it, in a folder of their architecture. */
    static Path of(Path directory, Architecture architecture) {
        return architecture == Architecture.ofThisMachine()
                ? directory
                : directory.resolve(architecture.label());
    }

    /**
     * One kernel.
     *
     * @param directory where it is
     * @param manifest what it is
     * @param damage what is wrong with its files; empty if nothing is
     * @param inUse whether the links of its variant lead to it
     */
    record Entry(Path directory, KernelManifest manifest, String damage, boolean inUse) {
        /** {@return whether machines boot it if nobody names another} */
        boolean isDefault() {
            return inUse
                    && manifest.variant().isEmpty()
                    && manifest.architecture().equals(Architecture.ofThisMachine().label());
        }
    }

    /** {@return the name of the link to the manifest in use} */
    static String manifestLink(String variant) {
        return "kernel" + variant + ".container.json";
    }

    /** {@return the name of the link to the kernel that is started as it is} */
    static String unpackedLink(String variant) {
        return "vmlinux" + variant + ".container";
    }

    /** {@return the name of the link to the kernel that unpacks itself} */
    static String packedLink(String variant) {
        return "vmlinuz" + variant + ".container";
    }

    /**
     * Copies a kernel here, and makes it the one in use.
     *
     * @param finished folder of its files and of its manifest
     */
    void install(Path finished, KernelManifest manifest) throws IOException {
        Files.createDirectories(directory);
        removeLeftovers();
        for (String file : manifest.files().keySet()) {
            put(finished.resolve(file), directory.resolve(file));
        }
        put(finished.resolve(manifest.file()), directory.resolve(manifest.file()));
        String variant = manifest.variant();
        link(unpackedLink(variant), "vmlinux-" + manifest.name());
        link(packedLink(variant), "vmlinuz-" + manifest.name());
        link(manifestLink(variant), manifest.file());
    }

    /** {@return whether this very kernel is here, whole and in use} */
    boolean has(KernelManifest manifest) throws IOException {
        for (Entry entry : list()) {
            if (entry.manifest().equals(manifest) && entry.inUse() && entry.damage().isEmpty()) {
                return true;
            }
        }
        return false;
    }

    /** {@return what is here and in folders of other architectures, by name} */
    List<Entry> list() throws IOException {
        List<Entry> entries = new ArrayList<>(listOf(directory));
        for (Architecture architecture : Architecture.values()) {
            Path other = of(directory, architecture);
            if (!other.equals(directory)) {
                entries.addAll(listOf(other));
            }
        }
        return entries;
    }

    private static List<Entry> listOf(Path folder) throws IOException {
        List<Entry> entries = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return entries;
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files =
                    all.filter(file -> isManifest(String.valueOf(file.getFileName())))
                            .filter(file -> !Files.isSymbolicLink(file))
                            .sorted()
                            .toList();
        }
        for (Path file : files) {
            KernelManifest manifest = KernelManifest.read(file);
            Path link = folder.resolve(manifestLink(manifest.variant()));
            boolean inUse =
                    Files.isSymbolicLink(link)
                            && Files.readSymbolicLink(link).equals(file.getFileName());
            entries.add(new Entry(folder, manifest, damageOf(folder, manifest), inUse));
        }
        return entries;
    }

    private static boolean isManifest(String name) {
        return name.startsWith("kernel-") && name.endsWith(".json");
    }

    private static String damageOf(Path folder, KernelManifest manifest) throws IOException {
        for (var file : manifest.files().entrySet()) {
            Path path = folder.resolve(file.getKey());
            if (!Files.exists(path)) {
                return file.getKey() + " is missing";
            }
            if (Files.size(path) != file.getValue().bytes()) {
                return file.getKey() + " has another size";
            }
        }
        return "";
    }

    /**
     * Compares the content of a kernel's files with its manifest.
     *
     * @return the first file that is not what it was; nothing if all are
     */
    static Optional<String> changedFile(Entry entry) throws IOException {
        for (var file : entry.manifest().files().entrySet()) {
            Path path = entry.directory().resolve(file.getKey());
            if (!Files.exists(path) || !Digests.sha256(path).equals(file.getValue().sha256())) {
                return Optional.of(file.getKey());
            }
        }
        return Optional.empty();
    }

    /** On the disk before it has its name: a machine that dies leaves no empty kernel. */
    private static void put(Path source, Path target) throws IOException {
        Path staged = staged(target);
        try {
            Files.copy(source, staged, StandardCopyOption.REPLACE_EXISTING);
            try (FileChannel file = FileChannel.open(staged, StandardOpenOption.WRITE)) {
                file.force(true);
            }
            Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(staged);
        }
    }

    private void link(String name, String target) throws IOException {
        Path link = directory.resolve(name);
        Path staged = staged(link);
        Files.deleteIfExists(staged);
        Files.createSymbolicLink(staged, Path.of(target));
        Files.move(staged, link, StandardCopyOption.ATOMIC_MOVE);
    }

    private static Path staged(Path target) {
        return target.resolveSibling("." + target.getFileName() + ".new");
    }

    private void removeLeftovers() throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                String name = String.valueOf(file.getFileName());
                if (name.startsWith(".") && name.endsWith(".new")) {
                    Files.delete(file);
                }
            }
        }
    }

    /** {@return the failure of an installation that nothing was built for} */
    static Fault nothingBuilt(String what) {
        return Fault.notFound("%s has not been built", what)
                .withHint("run the same command line with 'build' first");
    }
}
