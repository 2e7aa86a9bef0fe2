// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Empty;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Another encoder: Debian's, years older than what the build generates code with. */
final class Protoc {
    private static final Path PROTOS = Path.of("src/main/protobuf");

    /** From Debian's package protobuf-compiler. */
    private static final String PROTOC = "/usr/bin/protoc";

    private final Path wellKnown;

    /**
     * Unpacks the well-known types that our files import.
     *
     * @param directory where to; the caller's, and empty
     */
    Protoc(Path directory) throws IOException {
        wellKnown = directory;
        for (String name : List.of("any", "empty", "timestamp")) {
            String file = "google/protobuf/%s.proto".formatted(name);
            Path target = wellKnown.resolve(file);
            Files.createDirectories(target.getParent());
            try (InputStream in = Empty.class.getResourceAsStream("/" + file)) {
                Files.copy(in, target);
            }
        }
    }

    /** {@return the bytes of a message in text format} */
    byte[] encode(String type, String text, String... files) throws Exception {
        List<String> arguments = new ArrayList<>();
        arguments.addAll(List.of("--deterministic_output", "--encode=" + type));
        arguments.addAll(List.of(files));
        return run(text, arguments);
    }

    /** Fails if one of our files, of which there are at least this many, cannot be compiled. */
    void compileAll(int atLeast) throws Exception {
        List<String> files = new ArrayList<>();
        try (Stream<Path> all = Files.walk(PROTOS)) {
            all.filter(file -> file.toString().endsWith(".proto"))
                    .forEach(file -> files.add(PROTOS.relativize(file).toString()));
        }
        assertThat(files).hasSizeGreaterThanOrEqualTo(atLeast);
        files.add("--descriptor_set_out=/dev/null");
        run("", files);
    }

    private byte[] run(String input, List<String> arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.addAll(List.of(PROTOC, "-I" + PROTOS, "-I" + wellKnown));
        command.addAll(arguments);
        Path errors = Files.createTempFile(wellKnown, "errors", ".txt");
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        byte[] output = process.getInputStream().readAllBytes();
        assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
        return output;
    }
}
