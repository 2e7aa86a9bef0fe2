// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** containerd's protocol, byte by byte, against its field tables and another encoder. */
class ContainerdMessagesTest {
    private static final Path PROTOS = Path.of("src/main/protobuf/containerd");
    private static final Pattern PACKAGE = Pattern.compile("(?m)^package (.*);");
    private static final Pattern MESSAGE = Pattern.compile("(?m)^message (\\w+) ");

    private static Protoc protoc;
    private static String[] files;

    @BeforeAll
    static void findTheOtherEncoder(@TempDir Path directory) throws IOException {
        protoc = new Protoc(directory);
        try (Stream<Path> all = Files.list(PROTOS)) {
            files = all.map(file -> "containerd/" + file.getFileName()).toArray(String[]::new);
        }
    }

    static Stream<ContainerdGolden> goldens() {
        return ContainerdGolden.ALL.stream();
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void encodesAsTheFieldTablesSay(ContainerdGolden golden) {
        assertThat(HexFormat.of().formatHex(golden.message().toByteArray()))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void decodesWhatTheFieldTablesSay(ContainerdGolden golden)
            throws InvalidProtocolBufferException {
        assertThat(golden.message().getParserForType().parseFrom(golden.bytes()))
                .isEqualTo(golden.message());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void anotherEncoderAgrees(ContainerdGolden golden) throws Exception {
        byte[] encoded = protoc.encode(golden.type(), golden.text(), files);
        assertThat(HexFormat.of().formatHex(encoded))
                .isEqualTo(HexFormat.of().formatHex(golden.bytes()));
    }

    /** What the metrics are made of has no example of its own: the two big ones have it all. */
    @Test
    void everyMessageHasAnExample() throws IOException {
        Set<String> specified = new TreeSet<>();
        for (String file : files) {
            String text = Files.readString(PROTOS.getParent().resolve(file));
            String prefix = PACKAGE.matcher(text).results().findFirst().orElseThrow().group(1);
            MESSAGE.matcher(text).results().forEach(m -> specified.add(prefix + "." + m.group(1)));
        }
        specified.removeIf(type -> type.contains(".cgroups.") && !type.endsWith(".Metrics"));
        assertThat(goldens().map(ContainerdGolden::type).collect(Collectors.toSet()))
                .isEqualTo(specified);
    }
}
