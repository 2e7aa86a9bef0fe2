// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.testkit.MemoryLink;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.wire.Request;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A whole pod's life as bytes, in the order in which Kata's runtime calls: what was once recorded
 * is sent again, and the agent has to answer the same bytes. It fails if the wire format changes in
 * any way, in either direction.
 *
 * <p>To record it anew: {@code ./mvnw -pl guest/agent -am test -Dtest=RecordedExchangeTest
 * -Dsurefire.failIfNoSpecifiedTests=false -Dbunkai.update=true}, and look at the difference.
 */
class RecordedExchangeTest {
    private static final boolean UPDATE = Boolean.getBoolean("bunkai.update");
    private static final String NAME = "kata-client-order.exchange";
    private static final Path SOURCE =
            Path.of("src/test/resources/io/bunkai/agent").resolve(NAME).toAbsolutePath();

    /** Paths are part of what is sent, so this one is always the same. */
    private static final Path BASE = Path.of("/tmp/bunkai-recorded-exchange");

    private static final int HEADER_BYTES = 10;
    private static final byte REQUEST = 1;

    private AgentFixture agent;

    @BeforeEach
    void startAgent() throws IOException {
        deleteBase();
        Files.createDirectories(BASE);
        agent = AgentFixture.withFakeCrun(BASE);
    }

    @AfterEach
    void endAgent() throws IOException {
        agent.close();
        deleteBase();
    }

    private static void deleteBase() throws IOException {
        if (Files.exists(BASE)) {
            try (var files = Files.walk(BASE)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** One call: its name, what goes to the agent, what comes back. */
    private record Exchanged(String name, ByteString request, ByteString response) {}

    @Test
    void theAgentAnswersARecordedPodByteForByte() throws Exception {
        if (UPDATE) {
            Files.writeString(SOURCE, print(record()));
            return; // an agent serves one pod in its life: the next run replays it
        }
        List<Exchanged> recorded = parse(resource());
        assertThat(recorded)
                .extracting(Exchanged::name)
                .contains("CreateSandbox", "DestroySandbox");
        MemoryLink.End host = agent.connectBytes();
        for (Exchanged exchanged : recorded) {
            host.out().write(exchanged.request().toByteArray());
            host.out().flush();
            assertThat(HexFormat.of().formatHex(message(host.in())))
                    .as(exchanged.name())
                    .isEqualTo(HexFormat.of().formatHex(exchanged.response().toByteArray()));
        }
        host.close();
    }

    private static byte[] message(InputStream in) throws IOException {
        byte[] header = in.readNBytes(HEADER_BYTES);
        int length = ByteBuffer.wrap(header).getInt();
        ByteBuffer whole = ByteBuffer.allocate(HEADER_BYTES + length);
        return whole.put(header).put(in.readNBytes(length)).array();
    }

    // ---- recording ----

    private List<Exchanged> record() throws IOException {
        List<Exchanged> recorded = new ArrayList<>();
        MemoryLink.End host = agent.connectBytes();
        int stream = 1;
        for (Call<?> call : calls()) {
            ByteString request = frame(stream, call);
            host.out().write(request.toByteArray());
            host.out().flush();
            recorded.add(
                    new Exchanged(
                            call.method().name(),
                            request,
                            ByteString.copyFrom(message(host.in()))));
            stream += 2;
        }
        host.close();
        return recorded;
    }

    private record Call<Q extends MessageLite>(Method<Q, ?> method, Q request) {}

    /** The order of Kata's runtime: the pod, its container, a process more, and back. */
    private List<Call<?>> calls() {
        return List.of(
                new Call<>(HealthMethods.CHECK, CheckRequest.getDefaultInstance()),
                new Call<>(
                        AgentMethods.GET_GUEST_DETAILS, GuestDetailsRequest.getDefaultInstance()),
                new Call<>(
                        AgentMethods.CREATE_SANDBOX,
                        CreateSandboxRequest.newBuilder()
                                .setSandboxId("pod")
                                .addDns("nameserver 192.0.2.1")
                                .build()),
                new Call<>(
                        AgentMethods.CREATE_CONTAINER,
                        agent.container(
                                "c1",
                                "/bin/sh",
                                "-c",
                                "read x; echo got $x; echo bad >&2; exit 7")),
                new Call<>(
                        AgentMethods.START_CONTAINER,
                        StartContainerRequest.newBuilder().setContainerId("c1").build()),
                new Call<>(
                        AgentMethods.EXEC_PROCESS,
                        ExecProcessRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("e1")
                                .setProcess(AgentFixture.process("/bin/sh", "-c", "exit 3"))
                                .build()),
                new Call<>(
                        AgentMethods.WAIT_PROCESS,
                        WaitProcessRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("e1")
                                .build()),
                new Call<>(
                        AgentMethods.WRITE_STDIN,
                        WriteStreamRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("c1")
                                .setData(ByteString.copyFromUtf8("hello\n"))
                                .build()),
                new Call<>(
                        AgentMethods.CLOSE_STDIN,
                        CloseStdinRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("c1")
                                .build()),
                new Call<>(AgentMethods.READ_STDOUT, read()),
                new Call<>(AgentMethods.READ_STDERR, read()),
                new Call<>(
                        AgentMethods.WAIT_PROCESS,
                        WaitProcessRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("c1")
                                .build()),
                new Call<>(AgentMethods.READ_STDOUT, read()),
                new Call<>(
                        AgentMethods.REMOVE_CONTAINER,
                        RemoveContainerRequest.newBuilder().setContainerId("c1").build()),
                new Call<>(
                        AgentMethods.WAIT_PROCESS,
                        WaitProcessRequest.newBuilder()
                                .setContainerId("c1")
                                .setExecId("c1")
                                .build()),
                new Call<>(
                        AgentMethods.DESTROY_SANDBOX, DestroySandboxRequest.getDefaultInstance()));
    }

    private static ReadStreamRequest read() {
        return ReadStreamRequest.newBuilder()
                .setContainerId("c1")
                .setExecId("c1")
                .setLen(32 * 1024)
                .build();
    }

    private static ByteString frame(int stream, Call<?> call) throws IOException {
        byte[] payload =
                Request.newBuilder()
                        .setService(call.method().service())
                        .setMethod(call.method().name())
                        .setPayload(call.request().toByteString())
                        .build()
                        .toByteArray();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(payload.length);
        out.writeInt(stream);
        out.writeByte(REQUEST);
        out.writeByte(0);
        out.write(payload);
        return ByteString.copyFrom(bytes.toByteArray());
    }

    // ---- the file: a name, then what goes out behind '>' and what comes in behind '<', in
    // hexadecimal ----

    private static String print(List<Exchanged> recorded) {
        StringBuilder text = new StringBuilder();
        for (Exchanged exchanged : recorded) {
            text.append(exchanged.name()).append('\n');
            text.append("> ").append(HexFormat.of().formatHex(exchanged.request().toByteArray()));
            text.append("\n< ")
                    .append(HexFormat.of().formatHex(exchanged.response().toByteArray()));
            text.append('\n');
        }
        return text.toString();
    }

    private static List<Exchanged> parse(String text) {
        List<Exchanged> recorded = new ArrayList<>();
        List<String> lines = text.lines().toList();
        for (int i = 0; i + 2 < lines.size(); i += 3) {
            recorded.add(
                    new Exchanged(
                            lines.get(i),
                            ByteString.copyFrom(hex(lines.get(i + 1).substring(2))),
                            ByteString.copyFrom(hex(lines.get(i + 2).substring(2)))));
        }
        return recorded;
    }

    private static String resource() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(RecordedExchangeTest.class.getResourceAsStream(NAME))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
