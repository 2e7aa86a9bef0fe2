// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where a configuration is looked for. */
public sealed interface ConfigurationSource {
    /** A file that somebody named; it has to be there. */
    record Explicit(Path file) implements ConfigurationSource {}

    /**
     * The administrator's {@code configuration.toml}, else the packaged one, else none. The
     * administrator's drop-ins are merged whichever of the two is found.
     *
     * @param administrator folder of the administrator's file: {@code /etc/bunkai}
     * @param packaged folder of the packaged one, if there is one
     */
    record Search(Path administrator, Optional<Path> packaged) implements ConfigurationSource {}

    /**
     * The first file at the places where Kata's runtimes look; one has to be there.
     *
     * @param root what the places are relative to: {@code /}
     */
    record KataSearch(Path root) implements ConfigurationSource {
        /**
         * {@return the places, in the order in which they are tried: the administrator's before
         * packaged ones, those of Kata's present runtime before those of the former one}
         */
        public List<Path> places() {
            return List.of(
                            "etc/kata-containers/runtime-rs",
                            "etc/kata-containers",
                            "usr/share/defaults/kata-containers/runtime-rs",
                            "opt/kata/share/defaults/kata-containers/runtime-rs",
                            "usr/share/defaults/kata-containers",
                            "opt/kata/share/defaults/kata-containers")
                    .stream()
                    .map(place -> root.resolve(place).resolve(FILE_NAME))
                    .toList();
        }
    }

    /** No file at all: the built-in defaults. */
    record BuiltIn() implements ConfigurationSource {}

    /** Name of the file in each of these folders. */
    String FILE_NAME = "configuration.toml";

    /** {@return the search on a real machine} */
    static ConfigurationSource standard(Optional<Path> packaged) {
        return new Search(Path.of("/etc/bunkai"), packaged);
    }

    /** {@return Kata's places on a real machine} */
    static ConfigurationSource kata() {
        return new KataSearch(Path.of("/"));
    }
}
