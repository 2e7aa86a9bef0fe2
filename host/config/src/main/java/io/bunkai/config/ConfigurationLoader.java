// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds, reads, merges and checks {@code configuration.toml} and its drop-ins. Immutable, and safe
 * for any thread.
 */
public final class ConfigurationLoader {
    private static final String DROP_INS = "config.d";

    /** The sections of Kata's other hypervisors: known, and of no use here. */
    private static final List<String> OTHER_HYPERVISORS =
            List.of(
                    "hypervisor.clh",
                    "hypervisor.cloud-hypervisor",
                    "hypervisor.dragonball",
                    "hypervisor.firecracker",
                    "hypervisor.openvmm",
                    "hypervisor.remote",
                    "hypervisor.stratovirt",
                    "hypervisor.virtframework");

    private final KeyCatalogue catalogue = KeyCatalogue.standard();
    private final Defaults defaults;
    private final HostCapacity host;

    /**
     * Makes a loader.
     *
     * @param defaults what the installation provides
     * @param host how large a machine can be
     */
    public ConfigurationLoader(Defaults defaults, HostCapacity host) {
        this.defaults = defaults;
        this.host = host;
    }

    /**
     * Loads a configuration.
     *
     * @throws Fault NOT_FOUND if a named file is not there, PERMISSION_DENIED if one may not be
     *     read, INVALID_ARGUMENT, with the place of every reason, if something in it cannot hold
     */
    public LoadedConfiguration load(ConfigurationSource source) {
        List<Path> files = filesOf(source);
        Collected collected = new Collected();
        for (Path file : files) {
            collected.add(TomlSource.read(file, collected.problems));
        }
        return collected.finish(files);
    }

    private static List<Path> filesOf(ConfigurationSource source) {
        return switch (source) {
            case ConfigurationSource.BuiltIn _ -> List.of();
            case ConfigurationSource.Explicit(Path file) -> withDropIns(file);
            case ConfigurationSource.KataSearch search -> withDropIns(firstOf(search));
            case ConfigurationSource.Search(Path administrator, Optional<Path> packaged) ->
                    searched(administrator, packaged);
        };
    }

    private static Path firstOf(ConfigurationSource.KataSearch search) {
        return search.places().stream()
                .filter(Files::exists)
                .findFirst()
                .orElseThrow(() ->
                        Fault.notFound(
                                        "no configuration of Kata's was found at %s",
                                        String.join(
                                                ", ",
                                                search.places().stream()
                                                        .map(Path::toString)
                                                        .toList()))
                                .withHint("name the file"));
    }

    private static List<Path> searched(Path administrator, Optional<Path> packaged) {
        Path own = administrator.resolve(ConfigurationSource.FILE_NAME);
        if (Files.exists(own)) {
            return withDropIns(own);
        }
        List<Path> files = new ArrayList<>();
        packaged.map(folder -> folder.resolve(ConfigurationSource.FILE_NAME))
                .filter(Files::exists)
                .ifPresent(file -> files.addAll(withDropIns(file)));
        files.addAll(dropIns(administrator));
        return files;
    }

    private static List<Path> withDropIns(Path file) {
        List<Path> files = new ArrayList<>(List.of(file));
        files.addAll(dropIns(file.toAbsolutePath().getParent()));
        return files;
    }

    private static List<Path> dropIns(@Nullable Path folder) {
        if (folder == null) {
            return List.of();
        }
        Path dropIns = folder.resolve(DROP_INS);
        try (Stream<Path> files = Files.list(dropIns)) {
            return files.filter(ConfigurationLoader::isDropIn)
                    .sorted(Comparator.comparing(file -> String.valueOf(file.getFileName())))
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw Fault.invalidArgument(
                            "the configuration was not loaded: the folder %s cannot be read",
                            dropIns)
                    .causedBy(e);
        }
    }

    /** Editors leave hidden and backup files behind; folders are nobody's drop-in. */
    private static boolean isDropIn(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.endsWith(".toml") && !name.startsWith(".") && !Files.isDirectory(file);
    }

    /** What has been read so far. */
    private final class Collected {
        private final Settings settings = new Settings();
        private final List<Problem> problems = new ArrayList<>();
        private final Map<String, ConfigurationWarning> unknown = new LinkedHashMap<>();

        void add(TomlSource source) {
            add(source, List.of(), new HashMap<>());
        }

        private void add(
                TomlSource source, List<String> table, Map<String, TomlSource.Entry> seen) {
            for (TomlSource.Entry entry : source.entries(table)) {
                String path = entry.path();
                boolean isSection = catalogue.isSection(path) || catalogue.isAboveSection(path);
                if (isSection && entry.value() instanceof Map<?, ?>) {
                    add(source, entry.names(), seen);
                } else if (isSection) {
                    problems.add(
                            new Problem(
                                    entry.origin(),
                                    path + " is a single value, but a table is wanted",
                                    "write [" + path + "] on a line of its own"));
                } else {
                    addKey(entry, String.join(".", table), seen);
                }
            }
        }

        private void addKey(
                TomlSource.Entry entry, String section, Map<String, TomlSource.Entry> seen) {
            Optional<ConfigurationKey> found = catalogue.find(section, entry.name());
            if (found.isEmpty()) {
                unknown.putIfAbsent(entry.path(), unknown(entry, section));
                return;
            }
            ConfigurationKey key = found.get();
            TomlSource.@Nullable Entry former = seen.put(key.path(), entry);
            if (former != null && !former.value().equals(entry.value())) {
                problems.add(
                        new Problem(
                                entry.origin(),
                                entry.path()
                                        + " contradicts "
                                        + former.path()
                                        + " in line "
                                        + former.origin().line()
                                        + ": they are names of the same key",
                                "keep one of them"));
                return;
            }
            try {
                Object value = ValueReader.fromToml(key, entry.value());
                settings.put(new Settings.Setting(key, value, entry.origin()));
            } catch (BadValue e) {
                problems.add(new Problem(entry.origin(), key.label() + " " + e.what(), e.hint()));
            }
        }

        private ConfigurationWarning unknown(TomlSource.Entry entry, String section) {
            String path = entry.path();
            if (OTHER_HYPERVISORS.contains(path)) {
                return new ConfigurationWarning(
                        ConfigurationWarning.Kind.UNKNOWN_SECTION,
                        path,
                        entry.origin(),
                        "[" + path + "] has no effect: it is for another hypervisor than QEMU");
            }
            if (entry.value() instanceof Map<?, ?>) {
                return new ConfigurationWarning(
                        ConfigurationWarning.Kind.UNKNOWN_SECTION,
                        path,
                        entry.origin(),
                        "unknown section [" + path + "]" + catalogue.guessSection(path));
            }
            String place = section.isEmpty() ? "outside any section" : "in [" + section + "]";
            return new ConfigurationWarning(
                    ConfigurationWarning.Kind.UNKNOWN_KEY,
                    path,
                    entry.origin(),
                    "unknown key '"
                            + entry.name()
                            + "' "
                            + place
                            + catalogue.guess(section, entry.name()));
        }

        LoadedConfiguration finish(List<Path> files) {
            List<ConfigurationWarning> warnings = new ArrayList<>();
            boolean strict =
                    settings.effective(catalogue, "bunkai.strict").equals(Optional.of(true));
            for (ConfigurationWarning warning : unknown.values()) {
                if (strict && !OTHER_HYPERVISORS.contains(warning.key())) {
                    problems.add(
                            new Problem(
                                    warning.origin(),
                                    warning.message(),
                                    "correct or remove it, or set strict = false in [bunkai]"));
                } else {
                    warnings.add(warning);
                }
            }
            for (Settings.Setting setting : settings.all(catalogue)) {
                Treatments.apply(setting, warnings, problems);
            }
            ConfigurationChecks.check(catalogue, settings, warnings, problems);
            if (!problems.isEmpty()) {
                throw Problem.faultOf(problems);
            }
            Configuration configuration =
                    new ConfigurationAssembly(catalogue, settings, defaults, host).assemble();
            return new LoadedConfiguration(
                    configuration, warnings, files, settings, defaults, host);
        }
    }
}
