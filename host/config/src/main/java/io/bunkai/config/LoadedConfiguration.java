// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A configuration together with what its owner should know of it. Immutable. */
public final class LoadedConfiguration {
    private final Configuration configuration;
    private final List<ConfigurationWarning> warnings;
    private final List<Path> files;
    private final Settings settings;
    private final Defaults defaults;
    private final HostCapacity host;

    LoadedConfiguration(
            Configuration configuration,
            List<ConfigurationWarning> warnings,
            List<Path> files,
            Settings settings,
            Defaults defaults,
            HostCapacity host) {
        this.configuration = configuration;
        this.warnings = List.copyOf(warnings);
        this.files = List.copyOf(files);
        this.settings = settings;
        this.defaults = defaults;
        this.host = host;
    }

    /** {@return what holds} */
    public Configuration configuration() {
        return configuration;
    }

    /**
     * {@return what has no effect or hardly the wanted one; after {@link AnnotationPolicy#apply}
     * only what the annotations added}
     */
    public List<ConfigurationWarning> warnings() {
        return warnings;
    }

    /**
     * {@return the files that were read, the configuration first, then its drop-ins in their order}
     */
    public List<Path> files() {
        return files;
    }

    /**
     * {@return every honoured key with the value that holds, and every other key that was set, in
     * the order of the catalogue}
     */
    public List<EffectiveValue> effectiveValues() {
        KeyCatalogue catalogue = KeyCatalogue.standard();
        return catalogue.keys().stream().flatMap(key -> effective(catalogue, key)).toList();
    }

    private Stream<EffectiveValue> effective(KeyCatalogue catalogue, ConfigurationKey key) {
        Optional<Settings.Setting> setting = settings.find(key.path());
        if (setting.isPresent()) {
            return Stream.of(setting.get().effective());
        }
        if (!key.isHonoured()) {
            return Stream.empty();
        }
        Optional<Object> value =
                settings.effective(catalogue, key.path()).or(() -> installed(key.name()));
        return value.stream()
                .map(known ->
                        new EffectiveValue(key.path(), TomlText.of(known), Origin.builtIn(), true));
    }

    private Optional<Object> installed(String name) {
        return switch (name) {
            case "path" -> Optional.of(configuration.machine().hypervisor().toString());
            case "kernel" -> Optional.of(configuration.boot().kernel().toString());
            case "image" ->
                    Optional.of(
                            configuration.boot().root()
                                            instanceof BootConfiguration.Root.Image image
                                    ? image.path().toString()
                                    : "");
            case "rootfs_type" ->
                    configuration.boot().root() instanceof BootConfiguration.Root.Image image
                            ? Optional.of(image.fileSystem())
                            : Optional.empty();
            default -> Optional.empty();
        };
    }

    Settings settings() {
        return settings.copy();
    }

    Defaults defaults() {
        return defaults;
    }

    HostCapacity host() {
        return host;
    }
}
