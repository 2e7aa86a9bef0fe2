// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** Runs a program of the host's and expects it to succeed. */
final class Command {
    private Command() {}

    static String run(Object... command) {
        return new String(output(command), UTF_8);
    }

    static byte[] output(Object... command) {
        try {
            Process process = new ProcessBuilder(words(command)).start();
            process.getOutputStream().close();
            // What tools say beside their result is little; it fits into the pipe meanwhile.
            byte[] output = process.getInputStream().readAllBytes();
            String errors = new String(process.getErrorStream().readAllBytes(), UTF_8);
            assertThat(process.waitFor()).as("%s: %s", words(command), errors).isZero();
            return output;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(words(command).toString(), e);
        }
    }

    private static List<String> words(Object... command) {
        return Arrays.stream(command).map(String::valueOf).toList();
    }
}
