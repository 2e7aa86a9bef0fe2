// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What follows the options of {@code run}: {@code [IMAGE] [--] [COMMAND...]}.
 *
 * <p>The first word is the image and the rest the command, as in Docker. After a {@code --} there
 * is nothing but the command; where it comes first, the image is the embedded one.
 *
 * @param image empty for the embedded image, else an absolute path, optionally with a tag behind a
 *     colon
 * @param command empty for the image's own
 */
record ContainerWords(String image, List<String> command) {
    private static final String SEPARATOR = "--";

    /**
     * Stands for the separator while the option parser is at work, which would swallow it: then
     * nobody could tell an image from a command. No caller can send it, since arguments end at a
     * zero byte.
     */
    private static final String MARK = "\0--";

    ContainerWords {
        command = List.copyOf(command);
    }

    /** Hides the separators from the option parser, from {@code start} on. */
    static List<String> keepSeparators(List<String> words, int start) {
        List<String> kept = new ArrayList<>(words);
        for (int i = start; i < kept.size(); i++) {
            if (kept.get(i).equals(SEPARATOR)) {
                kept.set(i, MARK);
            }
        }
        return kept;
    }

    /** {@return a text of the option parser's, with the separators back in place} */
    static String readable(String text) {
        return text.replace(MARK, SEPARATOR);
    }

    /** {@return the words as typed, without the one separator that may stand before them} */
    static List<String> command(List<String> words) {
        return afterSeparator(words.stream().map(ContainerWords::readable).toList());
    }

    /** {@return the words without the one separator that may stand before them} */
    static List<String> afterSeparator(List<String> words) {
        boolean separated = !words.isEmpty() && words.getFirst().equals(SEPARATOR);
        return separated ? words.subList(1, words.size()) : words;
    }

    /**
     * Takes the words apart.
     *
     * @param directory what a relative path of an image starts from
     * @throws Fault NOT_FOUND if the image is no file and no folder
     */
    static ContainerWords parse(List<String> words, Path directory) {
        if (words.isEmpty() || words.getFirst().equals(MARK)) {
            return new ContainerWords("", command(words));
        }
        List<String> behind = words.subList(1, words.size());
        return new ContainerWords(absolute(readable(words.getFirst()), directory), command(behind));
    }

    private static String absolute(String image, Path directory) {
        Path whole = directory.resolve(image).normalize();
        if (Files.exists(whole)) {
            return whole.toString();
        }
        int colon = image.lastIndexOf(':');
        if (colon > 0 && image.indexOf('/', colon) < 0) {
            Path withoutTag = directory.resolve(image.substring(0, colon)).normalize();
            if (Files.exists(withoutTag)) {
                return withoutTag + image.substring(colon);
            }
        }
        throw Fault.notFound("there is no image at %s", whole)
                .withHint(
                        "name an OCI layout or a docker archive on disk; for the embedded image put"
                                + " -- before the command: bunkai run -- %s",
                        image);
    }
}
