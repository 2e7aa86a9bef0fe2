// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The values that files and annotations set, merged; each checked against its key alone. */
final class Settings {
    private final Map<String, Setting> byPath;

    /** A value that was set, and where. */
    record Setting(ConfigurationKey key, Object value, Origin origin) {
        String assignment() {
            return key.label() + " = " + shown(TomlText.shortened(value));
        }

        EffectiveValue effective() {
            boolean honoured = key.honoured().covers(value);
            return new EffectiveValue(key.path(), shown(TomlText.of(value)), origin, honoured);
        }

        private String shown(String text) {
            return key.type() == KeyType.SECRET ? "(not shown)" : text;
        }
    }

    Settings() {
        this(Map.of());
    }

    private Settings(Map<String, Setting> settings) {
        byPath = new LinkedHashMap<>(settings);
    }

    Settings copy() {
        return new Settings(byPath);
    }

    void put(Setting setting) {
        byPath.put(setting.key().path(), setting);
    }

    void remove(String path) {
        byPath.remove(path);
    }

    Optional<Setting> find(String path) {
        return Optional.ofNullable(byPath.get(path));
    }

    /** {@return what was set, in the order of the catalogue} */
    List<Setting> all(KeyCatalogue catalogue) {
        return catalogue.keys().stream()
                .map(key -> byPath.get(key.path()))
                .filter(Objects::nonNull)
                .toList();
    }

    /** {@return the value that holds: the one that was set, if it is honoured, else our default} */
    Optional<Object> effective(KeyCatalogue catalogue, String path) {
        ConfigurationKey key = catalogue.get(path);
        @Nullable Setting setting = byPath.get(path);
        return setting != null && key.honoured().covers(setting.value())
                ? Optional.of(setting.value())
                : key.ownDefault();
    }

    /** Calls {@code action} if a value was set, whether or not it is honoured. */
    void ifSet(String path, Consumer<Setting> action) {
        find(path).ifPresent(action);
    }

    /** {@return the value that was set, or Kata's first default: for checks across keys} */
    Object said(KeyCatalogue catalogue, String path) {
        @Nullable Setting setting = byPath.get(path);
        return setting != null ? setting.value() : catalogue.get(path).kataDefaults().getFirst();
    }
}
