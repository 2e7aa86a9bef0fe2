// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.Closeable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Takes what make says: all of it goes to a log, and every object that was made is counted. How
 * many there are going to be nobody knows before, so that no percentage is shown.
 */
final class CompileOutput implements Consumer<String>, Closeable {
    private static final Pattern OBJECT = Pattern.compile("\\s+(?:CC|AS|HOSTCC|AR)\\s+\\S+");

    private final PrintWriter log;
    private final Progress progress;
    private long objects;

    /** Appends to {@code file}: what an interrupted build wrote is still of interest. */
    CompileOutput(Path file, Progress progress) throws IOException {
        this.log =
                new PrintWriter(
                        Files.newBufferedWriter(
                                file,
                                StandardCharsets.UTF_8,
                                StandardOpenOption.CREATE,
                                StandardOpenOption.APPEND),
                        true);
        this.progress = progress;
    }

    @Override
    public void accept(String line) {
        log.println(line);
        if (OBJECT.matcher(line).lookingAt()) {
            objects++;
            progress.detail("%d objects compiled: %s".formatted(objects, line.strip()));
        }
    }

    /** {@return how many objects were made} */
    long objects() {
        return objects;
    }

    @Override
    public void close() {
        log.close();
    }
}
