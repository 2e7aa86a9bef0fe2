// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;

/** Where a value comes from. */
public sealed interface Origin {
    /** The key is absent everywhere: Bunkai's own default. */
    record BuiltIn() implements Origin {
        @Override
        public String toString() {
            return "built-in";
        }
    }

    /**
     * A configuration file.
     *
     * @param path the file
     * @param line counted from 1
     * @param column counted from 1
     */
    record InFile(Path path, int line, int column) implements Origin {
        @Override
        public String toString() {
            return path + ":" + line + ":" + column;
        }
    }

    /**
     * An annotation of the pod.
     *
     * @param name its full name
     */
    record Annotation(String name) implements Origin {
        @Override
        public String toString() {
            return "annotation " + name;
        }
    }

    /** {@return the origin of defaults} */
    static Origin builtIn() {
        return new BuiltIn();
    }
}
