// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.bunkai.api.guest.CloseInputRequest;
import io.bunkai.api.guest.CloseInputResponse;
import io.bunkai.api.guest.FeaturesRequest;
import io.bunkai.api.guest.FeaturesResponse;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What our agent adds to the protocol, byte by byte, and against another encoder. */
class GuestMessagesTest {
    private static final List<AgentGolden> ALL =
            List.of(
                    new AgentGolden("features", FeaturesRequest.getDefaultInstance(), "", ""),
                    new AgentGolden(
                            "featuresAnswer",
                            FeaturesResponse.newBuilder()
                                    .addFeatures(GuestMethods.ACKNOWLEDGED_STREAMS)
                                    .build(),
                            """
                            features: "acknowledged-streams"
                            """,
                            """
                            0a14 61636b6e6f776c65646765642d73747265616d73  // 1 features: acknowledged-streams
                            """),
                    new AgentGolden(
                            "readOutput",
                            ReadOutputRequest.newBuilder()
                                    .setContainerId("a1b2")
                                    .setExecId("e1")
                                    .setStream(OutputKind.STDERR)
                                    .setOffset(1L << 40)
                                    .setMaxBytes(65_536)
                                    .build(),
                            """
                            container_id: "a1b2"
                            exec_id: "e1"
                            stream: STDERR
                            offset: 1099511627776
                            max_bytes: 65536
                            """,
                            """
                            0a04 61316232  // 1 container_id: "a1b2"
                            1202 6531  // 2 exec_id: "e1"
                            18 01  // 3 stream: STDERR
                            20 808080808020  // 4 offset: 1099511627776
                            28 808004  // 5 max_bytes: 65536
                            """),
                    new AgentGolden(
                            "readOldestOutput",
                            ReadOutputRequest.newBuilder()
                                    .setContainerId("a1b2")
                                    .setFromOldest(true)
                                    .build(),
                            """
                            container_id: "a1b2"
                            from_oldest: true
                            """,
                            """
                            0a04 61316232  // 1 container_id: "a1b2"
                            30 01  // 6 from_oldest: true
                            """),
                    new AgentGolden(
                            "readOutputAnswer",
                            ReadOutputResponse.newBuilder()
                                    .setOffset(300)
                                    .setData(ByteString.copyFrom(hex("00ff0a")))
                                    .setEnd(true)
                                    .build(),
                            """
                            offset: 300
                            data: "\\x00\\xff\\x0a"
                            end: true
                            """,
                            """
                            08 ac02  // 1 offset: 300
                            1203 00ff0a  // 2 data: 3 bytes
                            18 01  // 3 end: true
                            """),
                    new AgentGolden(
                            "writeInput",
                            WriteInputRequest.newBuilder()
                                    .setContainerId("a1b2")
                                    .setExecId("e1")
                                    .setOffset(300)
                                    .setData(ByteString.copyFrom(hex("00ff0a")))
                                    .build(),
                            """
                            container_id: "a1b2"
                            exec_id: "e1"
                            offset: 300
                            data: "\\x00\\xff\\x0a"
                            """,
                            """
                            0a04 61316232  // 1 container_id: "a1b2"
                            1202 6531  // 2 exec_id: "e1"
                            18 ac02  // 3 offset: 300
                            2203 00ff0a  // 4 data: 3 bytes
                            """),
                    new AgentGolden(
                            "writeInputAnswer",
                            WriteInputResponse.newBuilder().setOffset(303).build(),
                            """
                            offset: 303
                            """,
                            """
                            08 af02  // 1 offset: 303
                            """),
                    new AgentGolden(
                            "closeInput",
                            CloseInputRequest.newBuilder()
                                    .setContainerId("a1b2")
                                    .setExecId("e1")
                                    .build(),
                            """
                            container_id: "a1b2"
                            exec_id: "e1"
                            """,
                            """
                            0a04 61316232  // 1 container_id: "a1b2"
                            1202 6531  // 2 exec_id: "e1"
                            """),
                    new AgentGolden(
                            "closeInputAnswer", CloseInputResponse.getDefaultInstance(), "", ""));

    private static Protoc protoc;

    @BeforeAll
    static void findTheOtherEncoder(@TempDir Path directory) throws IOException {
        protoc = new Protoc(directory);
    }

    static Stream<AgentGolden> goldens() {
        return ALL.stream();
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void encodesAndDecodesAsTheFieldTablesSay(AgentGolden golden)
            throws InvalidProtocolBufferException {
        assertThat(HexFormat.of().formatHex(golden.message().toByteArray()))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
        assertThat(golden.message().getParserForType().parseFrom(golden.bytes()))
                .isEqualTo(golden.message());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void anotherEncoderAgrees(AgentGolden golden) throws Exception {
        byte[] encoded =
                protoc.encode(
                        "bunkai.agent.v1." + golden.type(),
                        golden.text(),
                        "bunkai/agent/v1/agent.proto");
        assertThat(HexFormat.of().formatHex(encoded))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }
}
