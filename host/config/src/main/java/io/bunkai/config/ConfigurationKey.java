// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;
import java.util.Optional;

/**
 * One key of {@code configuration.toml}: a line of the key table.
 *
 * @param section the table it stands in: {@code hypervisor.qemu}
 * @param name its name
 * @param otherNames other spellings of the same key
 * @param type what its value may be
 * @param words the allowed values of an enumeration
 * @param kataDefaults the values that Kata has where the key is absent; several where its runtimes
 *     differ, none if it has none
 * @param ownDefault what Bunkai takes where the key is absent; empty if the installation decides
 * @param unit of a number; empty if it has none
 * @param range of a number
 * @param honoured the values that have an effect in Bunkai
 * @param security the values that are about security
 * @param annotation how a pod can change it; empty if it cannot
 * @param kata which of Kata's runtimes knows it: {@code both}, {@code Go}, {@code rs}, or {@code -}
 * @param meaning one line
 */
public record ConfigurationKey(
        String section,
        String name,
        List<String> otherNames,
        KeyType type,
        List<String> words,
        List<Object> kataDefaults,
        Optional<Object> ownDefault,
        String unit,
        NumberRange range,
        ValueSet honoured,
        ValueSet security,
        Optional<AnnotationRule> annotation,
        String kata,
        String meaning) {
    public ConfigurationKey {
        otherNames = List.copyOf(otherNames);
        words = List.copyOf(words);
        kataDefaults = List.copyOf(kataDefaults);
    }

    /** What becomes of a value. */
    enum Treatment {
        /** It is Kata's default and says nothing new. */
        DEFAULT,
        /** It has its effect. */
        HONOURED,
        /** It has no effect, and a warning says so. */
        WARNED,
        /** It has no effect and ought to make the node safer: it stops the loading. */
        REFUSED
    }

    /** {@return section and name with a dot between} */
    public String path() {
        return section + "." + name;
    }

    /** {@return the key as people write it: {@code [runtime] enable_debug}} */
    public String label() {
        return "[" + section + "] " + name;
    }

    /** {@return whether some value of it has an effect} */
    public boolean isHonoured() {
        return !honoured.isEmpty();
    }

    /** {@return whether some value of it is about security} */
    public boolean isAboutSecurity() {
        return !security.isEmpty();
    }

    /** {@return whether Kata knows it too} */
    public boolean isKatas() {
        return !kata.equals("-");
    }

    Treatment treatmentOf(Object value) {
        if (honoured.covers(value)) {
            return Treatment.HONOURED;
        }
        if (isDefault(value)) {
            return Treatment.DEFAULT;
        }
        return security.covers(value) ? Treatment.REFUSED : Treatment.WARNED;
    }

    private boolean isDefault(Object value) {
        if (ownDefault.isPresent() && ownDefault.get().equals(value)) {
            return true;
        }
        return kataDefaults.stream().anyMatch(known -> sameDefault(known, value));
    }

    private boolean sameDefault(Object known, Object value) {
        if (type == KeyType.PATH && known instanceof String glob && value instanceof String path) {
            return matchesAnywhere(glob, path);
        }
        return known.equals(value);
    }

    /**
     * A star in the default stands for the installation's prefix, which can be several folders
     * deep.
     */
    private static boolean matchesAnywhere(String glob, String path) {
        return glob.startsWith("*") ? path.endsWith(glob.substring(1)) : glob.equals(path);
    }
}
