// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The loadable modules of one kernel release, as they lie in a package: no {@code modules.dep} has
 * been computed yet, so what a module needs is read from the module itself.
 *
 * @spec https://man7.org/linux/man-pages/man5/modules.dep.5.html modules.dep(5)
 */
final class KernelModules {
    private static final String SUFFIX = ".ko";

    private final Path root;
    private final Map<String, Path> files;
    private final Set<String> builtIn;

    private KernelModules(Path root, Map<String, Path> files, Set<String> builtIn) {
        this.root = root;
        this.files = files;
        this.builtIn = builtIn;
    }

    /**
     * Indexes a folder such as {@code lib/modules/6.1.0-1-cloud-amd64}.
     *
     * @throws Fault FAILED_PRECONDITION if its modules are compressed
     */
    static KernelModules index(Path root) throws IOException {
        Map<String, Path> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(root)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith(SUFFIX)) {
                    files.put(moduleName(name), file);
                } else if (name.contains(SUFFIX + ".")) {
                    throw Fault.failedPrecondition("the kernel's modules are compressed: %s", name)
                            .withHint("name a kernel package whose modules end in .ko");
                }
            }
        }
        return new KernelModules(root, files, builtIn(root));
    }

    /** {@return the release of the kernel these modules belong to} */
    String release() {
        return String.valueOf(root.getFileName());
    }

    /**
     * {@return the files to load, in this order, so that all of {@code names} are there: what a
     * module needs stands before it, nothing twice, and what is part of the kernel not at all}
     *
     * @throws Fault NOT_FOUND if there is no such module, FAILED_PRECONDITION if modules need each
     *     other in a circle
     */
    List<Path> loadOrder(Collection<String> names) throws IOException {
        Set<Path> ordered = new LinkedHashSet<>();
        for (String name : names) {
            visit(moduleName(name), "the list of wanted modules", ordered, new LinkedHashSet<>());
        }
        return List.copyOf(ordered);
    }

    /**
     * {@return what {@code modules.dep} says about these modules: a line for each, "path: needed
     * paths", the ones to load first at the end}
     *
     * @param path turns a module's file into the path to print
     */
    String dependencyTable(Collection<Path> modules, java.util.function.Function<Path, String> path)
            throws IOException {
        StringBuilder table = new StringBuilder();
        for (Path module : modules) {
            List<Path> order = loadOrder(List.of(String.valueOf(module.getFileName())));
            table.append(path.apply(module)).append(':');
            for (Path needed : order.reversed().subList(1, order.size())) {
                table.append(' ').append(path.apply(needed));
            }
            table.append('\n');
        }
        return table.toString();
    }

    private void visit(String name, String wantedBy, Set<Path> ordered, Set<String> below)
            throws IOException {
        Path file = files.get(name);
        if (file == null) {
            if (builtIn.contains(name)) {
                return;
            }
            throw Fault.notFound(
                            "kernel %s has no module %s, needed by %s", release(), name, wantedBy)
                    .withHint("choose another kernel with --kernel-package");
        }
        if (ordered.contains(file)) {
            return;
        }
        if (!below.add(name)) {
            throw Fault.failedPrecondition("kernel modules need each other in a circle: %s", below);
        }
        for (String needed : info(file).getOrDefault("depends", List.of())) {
            if (!needed.isEmpty()) {
                visit(moduleName(needed), name, ordered, below);
            }
        }
        below.remove(name);
        ordered.add(file);
    }

    /** {@return the module's description of itself: each key with its values, lists split} */
    static Map<String, List<String>> info(Path module) throws IOException {
        byte[] section =
                ElfFile.read(module)
                        .section(".modinfo")
                        .orElseThrow(() -> Fault.invalidArgument("%s is no kernel module", module));
        Map<String, List<String>> info = new LinkedHashMap<>();
        for (String line : new String(section, StandardCharsets.UTF_8).split("\0", -1)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                info.computeIfAbsent(line.substring(0, equals), key -> new ArrayList<>())
                        .addAll(List.of(line.substring(equals + 1).split(",", -1)));
            }
        }
        return info;
    }

    /** File names have dashes where module names have underscores; both name the same module. */
    private static String moduleName(String text) {
        String name = text.endsWith(SUFFIX) ? text.substring(0, text.length() - 3) : text;
        return name.replace('-', '_');
    }

    private static Set<String> builtIn(Path root) throws IOException {
        Set<String> names = new HashSet<>();
        Path list = root.resolve("modules.builtin");
        if (Files.exists(list)) {
            for (String line : Files.readAllLines(list)) {
                names.add(moduleName(line.substring(line.lastIndexOf('/') + 1)));
            }
        }
        return names;
    }
}
