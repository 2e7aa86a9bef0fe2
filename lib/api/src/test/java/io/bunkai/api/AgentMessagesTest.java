// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The agent's protocol, byte by byte, against the field tables and against another encoder. */
class AgentMessagesTest {
    private static final Path PROTOS = Path.of("src/main/protobuf");

    /** Debian's package protobuf-compiler: years older than what the build generates code with. */
    private static final String PROTOC = "/usr/bin/protoc";

    @TempDir static Path wellKnown;

    @BeforeAll
    static void unpackWellKnownTypes() throws IOException {
        Path empty = wellKnown.resolve("google/protobuf/empty.proto");
        Files.createDirectories(empty.getParent());
        try (InputStream in = Empty.class.getResourceAsStream("/google/protobuf/empty.proto")) {
            Files.copy(in, empty);
        }
    }

    static Stream<AgentGolden> goldens() {
        return AgentGolden.ALL.stream();
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void encodesAsTheFieldTablesSay(AgentGolden golden) {
        assertThat(HexFormat.of().formatHex(golden.message().toByteArray()))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void decodesWhatTheFieldTablesSay(AgentGolden golden) throws InvalidProtocolBufferException {
        assertThat(golden.message().getParserForType().parseFrom(golden.bytes()))
                .isEqualTo(golden.message());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void anotherEncoderAgrees(AgentGolden golden) throws Exception {
        byte[] encoded =
                protoc(
                        golden.text(),
                        "--deterministic_output",
                        "--encode=grpc." + golden.type(),
                        "kata/agent.proto",
                        "kata/health.proto");
        assertThat(HexFormat.of().formatHex(encoded))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }

    @Test
    void anOlderCompilerUnderstandsEveryFile() throws Exception {
        List<String> files = new ArrayList<>();
        try (Stream<Path> all = Files.walk(PROTOS)) {
            all.filter(file -> file.toString().endsWith(".proto"))
                    .forEach(file -> files.add(PROTOS.relativize(file).toString()));
        }
        assertThat(files).hasSizeGreaterThan(4);
        files.add("--descriptor_set_out=/dev/null");
        protoc("", files.toArray(String[]::new));
    }

    private static byte[] protoc(String input, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.addAll(List.of(PROTOC, "-I" + PROTOS, "-I" + wellKnown));
        command.addAll(List.of(arguments));
        Path errors = Files.createTempFile(wellKnown, "errors", ".txt");
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        byte[] output = process.getInputStream().readAllBytes();
        assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
        return output;
    }
}
