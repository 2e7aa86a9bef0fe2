// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What QEMU programs have said about themselves. One is asked again when its file is another one:
 * to load it takes 50 ms, and every command asks. Usable from any thread.
 */
final class QemuVersions {
    /** Asks a program. */
    interface Question {
        String ask(Path program, Deadline deadline);
    }

    private final Question question;
    private final Map<Path, Answer> answers = new HashMap<>();

    QemuVersions(Question question) {
        this.question = question;
    }

    /** {@return the program's name and version} */
    String of(Path program, Deadline deadline) {
        Map<String, Object> file = look(program);
        synchronized (answers) {
            Answer known = answers.get(program);
            if (known != null && known.file.equals(file)) {
                return known.text;
            }
        }
        String text = question.ask(program, deadline);
        if (file != null) {
            synchronized (answers) {
                answers.put(program, new Answer(file, text));
            }
        }
        return text;
    }

    /** What differs once a file was written to or replaced; null if there is none. */
    private static @Nullable Map<String, Object> look(Path program) {
        try {
            return Files.readAttributes(program, "unix:dev,ino,size,lastModifiedTime,ctime");
        } catch (IOException e) {
            return null; // the question says so better
        }
    }

    private record Answer(Map<String, Object> file, String text) {}
}
