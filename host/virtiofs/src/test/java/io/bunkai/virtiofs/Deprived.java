// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.FileServerCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The server without one of the system calls that it has, as {@code --without=CALL}. */
final class Deprived {
    private static final String WITHOUT = "--without=";

    private Deprived() {}

    /** Serves as the program does. */
    public static void main(String[] arguments) {
        List<String> words = new ArrayList<>();
        String without = "";
        for (String word : arguments) {
            if (word.startsWith(WITHOUT)) {
                without = word.substring(WITHOUT.length());
            } else {
                words.add(word);
            }
        }
        ServerOptions options = OptionParser.parse(words);
        Set<FileServerCall> calls = Surrender.calls(options.files());
        if (!without.isEmpty() && !calls.remove(FileServerCall.valueOf(without))) {
            throw new IllegalArgumentException(without);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(1), "end"));
        DirectoryServer.serve(options, new Surrender(options, calls));
        Runtime.getRuntime().halt(0);
    }
}
