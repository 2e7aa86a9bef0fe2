// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The agent's protocol, byte by byte, against the field tables and against another encoder. */
class AgentMessagesTest {
    private static Protoc protoc;

    @BeforeAll
    static void findTheOtherEncoder(@TempDir Path directory) throws IOException {
        protoc = new Protoc(directory);
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
                protoc.encode(
                        "grpc." + golden.type(),
                        golden.text(),
                        "kata/agent.proto",
                        "kata/health.proto");
        assertThat(HexFormat.of().formatHex(encoded))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }

    @Test
    void anOlderCompilerUnderstandsEveryFile() throws Exception {
        protoc.compileAll(15);
    }
}
