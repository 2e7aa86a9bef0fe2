// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What one of containerd's stream names stands for. */
sealed interface StreamTarget {
    /** The stream is not connected. */
    record Nothing() implements StreamTarget {}

    /** Something that exists: a FIFO, or else a file or device to write at its end. */
    record Existing(Path path) implements StreamTarget {}

    /** A file to write at its end, created if it is not there. */
    record AppendedFile(Path path) implements StreamTarget {}

    /**
     * A program that is given both outputs.
     *
     * @param arguments in the order in which the name has them
     * @param announces whether it sends a byte when it is ready; others may just close the pipe
     */
    record Logger(Path program, List<String> arguments, boolean announces) implements StreamTarget {
        public Logger {
            arguments = List.copyOf(arguments);
        }
    }

    /** Scheme, authority (which means nothing here), path, query, fragment. */
    Pattern URI =
            Pattern.compile(
                    "([A-Za-z][A-Za-z0-9+.-]*):(?://[^/?#]*)?([^?#]*)(?:\\?([^#]*))?(?:#.*)?");

    /**
     * {@return what a name stands for}
     *
     * @param stream which stream, for messages: "stdout"
     * @throws Fault INVALID_ARGUMENT if the name has no meaning
     */
    static StreamTarget parse(String stream, String name) {
        if (name.isEmpty()) {
            return new Nothing();
        }
        Matcher uri = URI.matcher(name);
        if (name.startsWith("/") || !uri.matches()) {
            return new Existing(path(stream, name));
        }
        Path path = path(stream, decode(stream, uri.group(2).replace("+", "%2B")));
        String scheme = uri.group(1);
        return switch (scheme) {
            case "fifo" -> new Existing(path);
            case "file" -> new AppendedFile(path);
            case "binary" -> new Logger(path, arguments(stream, uri.group(3)), false);
            case "binary-v2" -> new Logger(path, arguments(stream, uri.group(3)), true);
            default ->
                    throw Fault.invalidArgument("%s cannot go to '%s'", stream, name)
                            .withHint("use fifo, file or binary instead of %s", scheme);
        };
    }

    private static Path path(String stream, String text) {
        try {
            Path path = Path.of(text);
            if (path.isAbsolute()) {
                return path;
            }
        } catch (InvalidPathException e) {
            throw Fault.invalidArgument("%s has the path '%s'", stream, text).causedBy(e);
        }
        throw Fault.invalidArgument("%s has the path '%s', which is relative", stream, text)
                .withHint("name it from the root on");
    }

    /** A key comes before its value; of several values only the first counts, as in containerd. */
    private static List<String> arguments(String stream, @Nullable String query) {
        Map<String, String> pairs = new LinkedHashMap<>();
        if (query != null) {
            for (String pair : query.split("&", 0)) {
                if (!pair.isEmpty()) {
                    int equals = pair.indexOf('=');
                    String key = equals < 0 ? pair : pair.substring(0, equals);
                    String value = equals < 0 ? "" : pair.substring(equals + 1);
                    pairs.putIfAbsent(decode(stream, key), decode(stream, value));
                }
            }
        }
        List<String> arguments = new ArrayList<>();
        pairs.forEach((key, value) -> arguments.addAll(List.of(key, value)));
        return arguments;
    }

    private static String decode(String stream, String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw Fault.invalidArgument("%s has '%s' in its name", stream, text).causedBy(e);
        }
    }
}
