// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the tree that is tested stands, and the programs that were built from it. */
final class SourceTree {
    /** Names the program to test; its neighbours are found beside it. */
    private static final String PROGRAM = "bunkai.bin";

    private SourceTree() {}

    /** {@return the folder of the parent pom} */
    static Path root() {
        Path here = Path.of("").toAbsolutePath();
        for (Path folder = here; folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve("build-support"))
                    && Files.exists(folder.resolve("pom.xml"))) {
                return folder;
            }
        }
        throw new IllegalStateException("no source tree above " + here);
    }

    /** {@return the command line's program} */
    static Path bunkai() {
        String named = System.getProperty(PROGRAM, "");
        return executable(named.isEmpty() ? root().resolve("target/bin/bunkai") : Path.of(named));
    }

    /** {@return the daemon's program} */
    static Path bunkaid() {
        return executable(bunkai().resolveSibling("bunkaid"));
    }

    private static Path executable(Path program) {
        if (!Files.isExecutable(program)) {
            throw new IllegalStateException(
                    "there is no program " + program + "; build it first: ./bunkai version");
        }
        return program.toAbsolutePath();
    }
}
