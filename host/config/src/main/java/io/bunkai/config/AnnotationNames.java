// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The names of Kata's configuration annotations, and of Bunkai's own. */
final class AnnotationNames {
    private static final String KATA = "io.katacontainers.config.";
    private static final String OWN = "io.bunkai.";

    /** A name that Kata's Go runtime has outside its classes. */
    private static final String ODD_PINNING = "io.katacontainers.enable_vcpus_pinning";

    /** Annotations that carry the expected hash of a file, with that file. */
    private static final List<String> HASHES =
            List.of(
                    "kernel_hash",
                    "image_hash",
                    "initrd_hash",
                    "hypervisor_hash",
                    "path_hash",
                    "jailer_hash",
                    "firmware_hash",
                    "firmware_volume_hash",
                    "asset_hash_type");

    private AnnotationNames() {}

    /** The classes of annotations, each with the section whose keys it changes. */
    enum AnnotationClass {
        HYPERVISOR(KATA, "hypervisor", "hypervisor.qemu"),
        AGENT(KATA, "agent", "agent.kata"),
        RUNTIME(KATA, "runtime", "runtime"),
        LIMITS(OWN, "limits", "bunkai.limits");

        private final String prefix;
        private final String word;
        private final String section;

        AnnotationClass(String whose, String word, String section) {
            this.prefix = whose + word + ".";
            this.word = word;
            this.section = section;
        }

        String word() {
            return word;
        }

        String section() {
            return section;
        }
    }

    /** The name of an annotation without the prefix that all have. */
    record Name(AnnotationClass kind, String suffix) {
        /** {@return class and suffix with a dot between} */
        String qualified() {
            return kind.word() + "." + suffix;
        }

        /**
         * {@return whether this pattern enables it} A pattern has to match the whole qualified
         * name; for the hypervisor's annotations, which are all that Kata gates, the suffix alone
         * will do.
         */
        boolean isMatchedBy(Pattern pattern) {
            return pattern.matcher(qualified()).matches()
                    || (kind == AnnotationClass.HYPERVISOR && pattern.matcher(suffix).matches());
        }

        boolean isHash() {
            return kind == AnnotationClass.HYPERVISOR && HASHES.contains(suffix);
        }

        /** {@return what an administrator adds to {@code enable_annotations} to enable it} */
        String pattern() {
            return kind == AnnotationClass.HYPERVISOR ? suffix : qualified();
        }
    }

    /** {@return whether an annotation is one of these, known or not} */
    static boolean isConfiguration(String annotation) {
        return annotation.startsWith("io.katacontainers.config")
                || annotation.startsWith(AnnotationClass.LIMITS.prefix)
                || annotation.equals(ODD_PINNING);
    }

    /** {@return the class and suffix of an annotation, if its class is known} */
    static Optional<Name> parse(String annotation) {
        if (annotation.equals(ODD_PINNING)) {
            return Optional.of(new Name(AnnotationClass.RUNTIME, "enable_vcpus_pinning"));
        }
        for (AnnotationClass kind : AnnotationClass.values()) {
            if (annotation.startsWith(kind.prefix)) {
                return Optional.of(new Name(kind, annotation.substring(kind.prefix.length())));
            }
        }
        return Optional.empty();
    }

    /** {@return the key that an annotation changes} */
    static Optional<ConfigurationKey> keyOf(KeyCatalogue catalogue, Name name) {
        return catalogue.keysOf(name.kind().section()).stream()
                .filter(key ->
                        key.annotation()
                                .filter(rule -> rule.suffix().equals(name.suffix()))
                                .isPresent())
                .findFirst();
    }

    /** {@return all names that are understood} */
    static List<Name> all(KeyCatalogue catalogue) {
        List<Name> names = new ArrayList<>();
        for (AnnotationClass kind : AnnotationClass.values()) {
            catalogue.keysOf(kind.section()).stream()
                    .flatMap(key -> key.annotation().stream())
                    .forEach(rule -> names.add(new Name(kind, rule.suffix())));
        }
        HASHES.forEach(hash -> names.add(new Name(AnnotationClass.HYPERVISOR, hash)));
        return names;
    }
}
