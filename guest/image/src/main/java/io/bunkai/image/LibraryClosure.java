// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Finds the shared libraries that programs need, and no others, in a tree of unpacked packages.
 * What a program loads by name while it runs ({@code dlopen}) is not seen here.
 */
final class LibraryClosure {
    /** Where Debian's loader looks: these folders, and one folder per architecture in them. */
    private static final String[] FOLDERS = {"lib", "usr/lib", "lib64", "usr/lib64"};

    private final Path root;
    private final Map<String, Path> available = new TreeMap<>();

    /** Looks for libraries in the tree beneath {@code root}. */
    LibraryClosure(Path root) throws IOException {
        this.root = root;
        for (String folder : FOLDERS) {
            index(root.resolve(folder), true);
        }
    }

    /**
     * {@return the libraries needed by {@code programs}, by the name they are asked for, each with
     * the file that holds it; the loader is among them}
     *
     * @param programs ELF files; libraries they bring themselves are not looked for
     * @throws Fault NOT_FOUND if a library is in none of the packages
     */
    Map<String, Path> of(Collection<Path> programs) throws IOException {
        Map<String, Path> found = new TreeMap<>();
        Map<String, Path> own = new TreeMap<>();
        for (Path program : programs) {
            own.put(String.valueOf(program.getFileName()), program);
        }
        Deque<Path> open = new ArrayDeque<>(programs);
        while (!open.isEmpty()) {
            Path program = open.remove();
            ElfFile elf = ElfFile.read(program);
            for (String needed : elf.neededLibraries()) {
                if (!found.containsKey(needed) && !own.containsKey(needed)) {
                    Path library = find(needed, program, elf.machine());
                    found.put(needed, library);
                    open.add(library);
                }
            }
            if (elf.interpreter().isPresent()) {
                String loader = String.valueOf(Path.of(elf.interpreter().get()).getFileName());
                if (!found.containsKey(loader)) {
                    found.put(loader, find(loader, program, elf.machine()));
                }
            }
        }
        return found;
    }

    private Path find(String name, Path wantedBy, int machine) throws IOException {
        Path library = available.get(name);
        if (library == null || ElfFile.read(library).machine() != machine) {
            throw Fault.notFound(
                            "no package holds the library %s that %s needs",
                            name, wantedBy.getFileName())
                    .withHint("the package that holds it is not among the dependencies");
        }
        return library;
    }

    private void index(Path folder, boolean withArchitectures) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path entry : (Iterable<Path>) entries.sorted()::iterator) {
                String name = String.valueOf(entry.getFileName());
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    if (withArchitectures && name.contains("-linux-")) {
                        index(entry, false);
                    }
                } else if (name.contains(".so")) {
                    Path file = PackageTree.resolve(root, root.relativize(entry).toString());
                    if (Files.isRegularFile(file) && ElfFile.isElf(file)) {
                        available.putIfAbsent(name, file);
                    }
                }
            }
        }
    }
}
