// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Packages by way of the system's apt: its sources, its pins, its proxies, its keys. Files are kept
 * in a cache and used again as long as apt names the same digest. Used by one thread.
 *
 * @spec https://manpages.debian.org/bookworm/apt/apt-get.8.en.html apt-get(8)
 */
final class AptPackages implements PackageSource {
    private final CommandRunner commands;
    private final Path cache;
    private final Map<String, Optional<DebianPackage>> known = new TreeMap<>();

    /** Keeps downloaded files in {@code cache}, which is made when it is needed. */
    AptPackages(CommandRunner commands, Path cache) {
        this.commands = commands;
        this.cache = cache;
    }

    @Override
    public void prepare(Collection<String> roots) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("apt-cache", "depends", "--recurse"));
        for (String kind :
                List.of("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")) {
            command.add("--no-" + kind);
        }
        command.add("--");
        command.addAll(new TreeSet<>(roots));
        // Names of packages begin a line; what is indented or in brackets explains them.
        learn(
                commands.run(Path.of("/"), command)
                        .output()
                        .lines()
                        .filter(line -> !line.startsWith(" ") && !line.startsWith("<"))
                        .toList());
    }

    @Override
    public Map<String, DebianPackage> find(Collection<String> names)
            throws IOException, InterruptedException {
        learn(names);
        Map<String, DebianPackage> found = new TreeMap<>();
        for (String name : names) {
            known.getOrDefault(name, Optional.empty())
                    .ifPresent(candidate -> found.put(name, candidate));
        }
        return found;
    }

    /** Every question costs apt most of a second, so each name is asked for once. */
    private void learn(Collection<String> names) throws IOException, InterruptedException {
        List<String> open = names.stream().filter(name -> !known.containsKey(name)).toList();
        if (open.isEmpty()) {
            return;
        }
        Map<String, DebianPackage> found = new TreeMap<>(show(open, "--no-all-versions"));
        // The version that apt prefers may be one that is installed and offered nowhere any more.
        List<String> missing = open.stream().filter(name -> !found.containsKey(name)).toList();
        if (!missing.isEmpty()) {
            show(missing, "--all-versions").forEach(found::putIfAbsent);
        }
        for (String name : open) {
            known.put(name, Optional.ofNullable(found.get(name)));
        }
    }

    @Override
    public Map<String, Path> fetch(Collection<DebianPackage> packages)
            throws IOException, InterruptedException {
        Files.createDirectories(cache);
        Map<String, Path> files = new LinkedHashMap<>();
        List<DebianPackage> missing = new ArrayList<>();
        for (DebianPackage wanted : packages) {
            Path file = cache.resolve(wanted.fileName());
            files.put(wanted.name(), file);
            if (!Files.exists(file) || !Digests.sha256(file).equals(wanted.sha256())) {
                missing.add(wanted);
            }
        }
        if (!missing.isEmpty()) {
            download(missing);
        }
        return files;
    }

    private Map<String, DebianPackage> show(Collection<String> names, String versions)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("apt-cache", "show", versions, "--"));
        command.addAll(new TreeSet<>(names));
        // Its status tells only that one of the names is unknown; the others are printed all the
        // same.
        return parse(commands.run(Path.of("/"), command).output());
    }

    /** {@return the first version of each package that apt could download} */
    static Map<String, DebianPackage> parse(String stanzas) {
        Map<String, DebianPackage> packages = new TreeMap<>();
        for (String stanza : stanzas.split("\n\n+")) {
            Map<String, String> fields = fields(stanza);
            String name = fields.get("Package");
            String digest = fields.get("SHA256");
            if (name != null && digest != null && fields.containsKey("Filename")) {
                List<List<String>> depends = new ArrayList<>();
                depends.addAll(dependencies(fields.get("Pre-Depends")));
                depends.addAll(dependencies(fields.get("Depends")));
                packages.putIfAbsent(
                        name,
                        new DebianPackage(
                                name,
                                fields.getOrDefault("Version", ""),
                                fields.getOrDefault("Architecture", ""),
                                digest,
                                depends));
            }
        }
        return packages;
    }

    private static Map<String, String> fields(String stanza) {
        Map<String, String> fields = new LinkedHashMap<>();
        String last = "";
        for (String line : stanza.split("\n", -1)) {
            int colon = line.indexOf(':');
            if (line.startsWith(" ")) {
                fields.merge(last, line, String::concat);
            } else if (colon > 0) {
                last = line.substring(0, colon);
                fields.put(last, line.substring(colon + 1).strip());
            }
        }
        return fields;
    }

    private static List<List<String>> dependencies(@Nullable String field) {
        List<List<String>> dependencies = new ArrayList<>();
        for (String dependency : field == null ? new String[0] : field.split(",", -1)) {
            List<String> alternatives = new ArrayList<>();
            for (String alternative : dependency.split("\\|", -1)) {
                String name = alternative.strip().split("[\\s(:\\[]", 2)[0];
                if (!name.isEmpty()) {
                    alternatives.add(name);
                }
            }
            if (!alternatives.isEmpty()) {
                dependencies.add(alternatives);
            }
        }
        return dependencies;
    }

    private void download(List<DebianPackage> packages) throws IOException, InterruptedException {
        Path arriving = Files.createTempDirectory(cache, "arriving-");
        try {
            List<String> command =
                    new ArrayList<>(
                            List.of(
                                    "apt-get",
                                    "--quiet",
                                    "--option",
                                    // The unprivileged user cannot write to our folder.
                                    "APT::Sandbox::User=root",
                                    "download",
                                    "--"));
            packages.forEach(wanted -> command.add(wanted.name() + "=" + wanted.version()));
            CommandRunner.Result result = commands.run(arriving, command);
            if (result.status() != 0) {
                throw Fault.unavailable("the guest's packages could not be downloaded")
                        .causedBy(HostCommands.failed(command, result))
                        .withHint("check the network, run: apt-get update, and try again");
            }
            Map<String, Path> arrived = byDigest(arriving);
            for (DebianPackage wanted : packages) {
                Path file = arrived.get(wanted.sha256());
                if (file == null) {
                    throw Fault.unavailable(
                                    "apt downloaded something else than package %s %s",
                                    wanted.name(), wanted.version())
                            .withHint("run: apt-get update, and try again");
                }
                Files.move(
                        file,
                        cache.resolve(wanted.fileName()),
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Trees.delete(arriving);
        }
    }

    private static Map<String, Path> byDigest(Path folder) throws IOException {
        Map<String, Path> files = new TreeMap<>();
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                if (Files.isRegularFile(entry)) {
                    files.put(Digests.sha256(entry), entry);
                }
            }
        }
        return files;
    }
}
