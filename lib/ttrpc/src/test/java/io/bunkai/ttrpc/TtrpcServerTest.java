// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import static io.bunkai.testkit.Hex.hex;
import static io.bunkai.ttrpc.Echo.SAY;
import static io.bunkai.ttrpc.Echo.WAIT;
import static io.bunkai.ttrpc.Echo.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.MemoryLink;
import io.bunkai.ttrpc.wire.KeyValue;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server against a client that the test plays by hand, frame by frame. */
@Timeout(60)
class TtrpcServerTest {
    private final CountDownLatch released = new CountDownLatch(1);
    private final BlockingQueue<Call> waiting = new LinkedBlockingQueue<>();
    private final TtrpcServer server =
            TtrpcServer.builder()
                    .method(SAY, this::say)
                    .method(WAIT, this::await)
                    .maxConcurrentCalls(3)
                    .build();
    private final MemoryLink link = MemoryLink.create(64 << 10);
    private final MemoryLink.End peer = link.left();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Future<?> serving =
            threads.submit(() -> {
                server.serve(
                        link.right().in(),
                        link.right().out(),
                        Thread.ofPlatform().daemon().factory());
                return null;
            });

    private KeyValue say(KeyValue request, Call call) throws Exception {
        return switch (request.getValue()) {
            case "fault" -> throw Fault.alreadyExists("it is there").withHint("take another");
            case "exception" -> throw new IOException("broken");
            case "error" -> throw new StackOverflowError("deep");
            case "null" -> null;
            case "huge" ->
                    KeyValue.newBuilder()
                            .setValueBytes(ByteString.copyFrom(new byte[Frames.MAX_DATA]))
                            .build();
            case "deadline" -> message(Long.toString(call.deadline().remaining().toDays()));
            default -> message("echo " + request.getValue());
        };
    }

    private KeyValue await(KeyValue request, Call call) throws InterruptedException {
        waiting.add(call);
        released.await();
        return message("done " + request.getValue());
    }

    @AfterEach
    void close() throws IOException {
        released.countDown();
        peer.close();
        threads.close();
    }

    private void send(int stream, Method<?, ?> method, String value) throws IOException {
        send(stream, request(method, message(value)).build());
    }

    private void send(int stream, MessageLite request) throws IOException {
        Frames.write(peer.out(), Frames.encode(stream, Frames.REQUEST, (byte) 0, request));
    }

    private static Request.Builder request(Method<?, ?> method, MessageLite payload) {
        return Request.newBuilder()
                .setService(method.service())
                .setMethod(method.name())
                .setPayload(payload.toByteString());
    }

    private record Answer(int stream, Response response) {
        String value() throws IOException {
            assertThat(response.getStatus().getCode()).isZero();
            return KeyValue.parseFrom(response.getPayload()).getValue();
        }

        FaultCode code() {
            return FaultCode.ofNumber(response.getStatus().getCode());
        }

        String text() {
            return response.getStatus().getMessage();
        }
    }

    private Answer receive() throws IOException {
        Frames.Header header = Frames.readHeader(peer.in());
        assertThat(header.type()).isEqualTo(Frames.RESPONSE);
        return new Answer(header.stream(), Response.parseFrom(Frames.readData(peer.in(), header)));
    }

    @Test
    void answersByteByByteAsTheSpecificationSays() throws Exception {
        peer.out()
                .write(
                        hex(
                                """
                                00000016 00000001 01 00  // 22 bytes, stream 1, request, no flags
                                0a 09 746573742e4563686f  // 1 service: "test.Echo"
                                12 03 536179  // 2 method: "Say"
                                1a 04 1202 6869  // 3 payload: 2 value "hi"
                                """));
        assertThat(peer.in().readNBytes(21))
                .isEqualTo(
                        hex(
                                """
                                0000000b 00000001 02 00  // 11 bytes, stream 1, response, no flags
                                12 09 1207 6563686f206869  // 2 payload: 2 value "echo hi"
                                """));
    }

    @Test
    void aCallThatWaitsHoldsUpNoOther() throws Exception {
        send(1, WAIT, "a");
        send(3, SAY, "b");
        Answer first = receive();
        assertThat(first.stream()).isEqualTo(3);
        assertThat(first.value()).isEqualTo("echo b");
        released.countDown();
        Answer second = receive();
        assertThat(second.stream()).isEqualTo(1);
        assertThat(second.value()).isEqualTo("done a");
    }

    @Test
    void failuresBecomeStatuses() throws Exception {
        send(1, SAY, "fault");
        Answer fault = receive();
        assertThat(fault.code()).isEqualTo(FaultCode.ALREADY_EXISTS);
        assertThat(fault.text()).isEqualTo("it is there\nhint: take another");
        send(3, SAY, "exception");
        Answer exception = receive();
        assertThat(exception.code()).isEqualTo(FaultCode.INTERNAL);
        assertThat(exception.text()).isEqualTo("internal error: java.io.IOException: broken");
        send(5, SAY, "error");
        assertThat(receive().code()).isEqualTo(FaultCode.INTERNAL);
        send(7, SAY, "null");
        assertThat(receive().code()).isEqualTo(FaultCode.INTERNAL);
        send(9, SAY, "x");
        assertThat(receive().value()).isEqualTo("echo x");
    }

    @Test
    void failuresAreToldOnOneLineIfThePeerWantsThat() throws Exception {
        MemoryLink other = MemoryLink.create(64 << 10);
        TtrpcServer oneLine =
                TtrpcServer.builder().method(SAY, this::say).failuresOnOneLine().build();
        Future<?> served =
                threads.submit(() -> {
                    oneLine.serve(
                            other.right().in(), other.right().out(), Thread.ofVirtual().factory());
                    return null;
                });
        try (TtrpcClient client =
                TtrpcClient.over(other.left().in(), other.left().out(), "the echo", other.left())) {
            assertThatThrownBy(() -> client.call(SAY, message("fault"), Deadline.never()))
                    .hasMessage("it is there (take another)");
        }
        served.get();
    }

    @Test
    void anUnknownMethodIsNamed() throws Exception {
        send(1, Request.newBuilder().setService("grpc.AgentService").setMethod("Fly").build());
        Answer answer = receive();
        assertThat(answer.code()).isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(answer.text()).isEqualTo("/grpc.AgentService/Fly is not implemented");
        send(3, Request.newBuilder().setService("x".repeat(1 << 20)).setMethod("Say").build());
        assertThat(receive().text()).hasSizeLessThan(1000);
    }

    @Test
    void aSlashInANameDoesNotMakeItAnotherMethod() throws Exception {
        send(1, Request.newBuilder().setService("test.Echo/Say").build());
        assertThat(receive().code()).isEqualTo(FaultCode.UNIMPLEMENTED);
    }

    @Test
    void whatCannotBeDecodedIsAnInvalidArgument() throws Exception {
        peer.out().write(hex("00000002 00000001 01 00 0a05")); // the envelope is cut
        assertThat(receive().code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        send(3, request(SAY, message("")).setPayload(ByteString.copyFrom(hex("1205"))).build());
        Answer answer = receive();
        assertThat(answer.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(answer.text()).contains("/test.Echo/Say");
        send(5, SAY, "x");
        assertThat(receive().value()).isEqualTo("echo x");
    }

    @Test
    void anOversizedRequestIsRefusedAndTheNextOneAnswered() throws Exception {
        peer.out().write(hex("00400001 00000001 01 00"));
        peer.out().write(new byte[0x400001]);
        Answer answer = receive();
        assertThat(answer.stream()).isEqualTo(1);
        assertThat(answer.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        send(3, SAY, "x");
        assertThat(receive().value()).isEqualTo("echo x");
    }

    @Test
    void anOversizedAnswerIsAFailure() throws Exception {
        send(1, SAY, "huge");
        assertThat(receive().code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
    }

    @Test
    void numbersOfStreamsAreOddAndGrow() throws Exception {
        send(7, SAY, "x");
        assertThat(receive().value()).isEqualTo("echo x");
        for (int stream : new int[] {0, 2, 7, 5, 8}) {
            send(stream, SAY, "x");
            Answer answer = receive();
            assertThat(answer.stream()).isEqualTo(stream);
            assertThat(answer.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        }
        for (int stream : new int[] {9, -1}) { // -1 is the last number there is
            send(stream, SAY, "x");
            assertThat(receive().value()).isEqualTo("echo x");
        }
    }

    @Test
    void streamsAreRefusedAndTheirDataSkipped() throws Exception {
        byte[] open =
                Frames.encode(1, Frames.REQUEST, (byte) 2, request(SAY, message("x")).build());
        peer.out().write(open);
        peer.out().write(hex("00000003 00000001 03 00 010203"));
        peer.out().write(hex("00000000 00000001 03 01"));
        assertThat(receive().code()).isEqualTo(FaultCode.UNIMPLEMENTED);
        send(3, SAY, "x");
        Answer answer = receive();
        assertThat(answer.stream()).isEqualTo(3);
        assertThat(answer.value()).isEqualTo("echo x");
    }

    @Test
    void moreCallsAtOnceThanAllowedAreRefused() throws Exception {
        for (int i = 0; i < 3; i++) {
            send(1 + 2 * i, WAIT, "w");
        }
        send(7, SAY, "one too many");
        Answer refused = receive();
        assertThat(refused.stream()).isEqualTo(7);
        assertThat(refused.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        released.countDown();
        for (int i = 0; i < 3; i++) {
            assertThat(receive().value()).isEqualTo("done w");
        }
        send(9, SAY, "x"); // whoever has its answer may ask again at once
        assertThat(receive().value()).isEqualTo("echo x");
    }

    @Test
    void aClientAtItsLimitMayAskAgainAsSoonAsItHasAnAnswer() throws Exception {
        int stream = 1;
        for (int i = 0; i < 3; i++, stream += 2) {
            send(stream, SAY, "x");
        }
        for (int i = 0; i < 500; i++, stream += 2) {
            assertThat(receive().value()).isEqualTo("echo x");
            send(stream, SAY, "x");
        }
        for (int i = 0; i < 3; i++) {
            assertThat(receive().value()).isEqualTo("echo x");
        }
    }

    @Test
    void aPeerThatDoesNotReadIsNotReadFromForEver() throws Exception {
        AtomicInteger started = new AtomicInteger();
        TtrpcServer echo =
                TtrpcServer.builder()
                        .method(
                                SAY,
                                (request, call) -> {
                                    started.incrementAndGet();
                                    return request;
                                })
                        .maxConcurrentCalls(3)
                        .build();
        MemoryLink narrow = MemoryLink.create(16);
        Future<?> server =
                threads.submit(() -> {
                    echo.serve(
                            narrow.right().in(),
                            narrow.right().out(),
                            Thread.ofVirtual().factory());
                    return null;
                });
        Future<?> writer =
                threads.submit(() -> {
                    for (int stream = 1; ; stream += 2) {
                        Frames.write(
                                narrow.left().out(),
                                Frames.encode(
                                        stream,
                                        Frames.REQUEST,
                                        (byte) 0,
                                        request(SAY, message("twenty letters of it")).build()));
                    }
                });
        // Answers to the first few fill the link; then reading stops, and with it the writer.
        Frames.Header first = Frames.readHeader(narrow.left().in());
        Frames.skipData(narrow.left().in(), first);
        narrow.left().close();
        assertThatThrownBy(writer::get).isInstanceOf(ExecutionException.class);
        try {
            server.get();
        } catch (ExecutionException e) {
            assertThat(e).hasCauseInstanceOf(IOException.class);
        }
        assertThat(started.get()).isLessThan(20);
    }

    @Test
    void tellsTheHandlerHowLongTheCallerWaits() throws Exception {
        long tenAndABitDays = 10L * 24 * 3600 * 1_000_000_000 + 3_600_000_000_000L;
        send(1, request(SAY, message("deadline")).setTimeoutNano(tenAndABitDays).build());
        assertThat(receive().value()).isEqualTo("10");
        for (long none : new long[] {0, -1}) {
            send(none == 0 ? 3 : 5, request(SAY, message("deadline")).setTimeoutNano(none).build());
            assertThat(Long.parseLong(receive().value())).isGreaterThan(36_000);
        }
    }

    @Test
    void anEndBetweenMessagesIsAnEndAndAnyOtherIsNot() throws Exception {
        send(1, SAY, "x");
        receive();
        peer.out().close();
        serving.get();

        MemoryLink cut = MemoryLink.create(64);
        cut.left().out().write(hex("00000005 00000001 01 00 0102"));
        cut.left().out().close();
        assertThatThrownBy(() ->
                        server.serve(
                                cut.right().in(), cut.right().out(), Thread.ofVirtual().factory()))
                .isInstanceOf(EOFException.class);
    }

    @Test
    void theEndOfTheConnectionWakesHandlersAndRunsCloseActions() throws Exception {
        send(1, WAIT, "a");
        Call call = waiting.take();
        List<String> order = new ArrayList<>();
        call.onAbandoned(() -> order.add("abandoned"));
        call.connection().onClose(() -> order.add("closed"));
        Connection.Registration takenBack = call.connection().onClose(() -> order.add("never"));
        takenBack.close();
        assertThat(call.connection().isOpen()).isTrue();
        peer.close();
        serving.get();
        assertThat(order).containsExactly("abandoned", "closed");
        assertThat(call.connection().isOpen()).isFalse();
        call.connection().onClose(() -> order.add("at once"));
        call.onAbandoned(() -> order.add("at once too"));
        assertThat(order).containsExactly("abandoned", "closed", "at once", "at once too");
    }

    @Test
    void aHandlerThatHasReturnedIsNotToldOfTheEnd() throws Exception {
        send(1, WAIT, "a");
        Call call = waiting.take();
        AtomicInteger told = new AtomicInteger();
        call.onAbandoned(told::incrementAndGet);
        released.countDown();
        receive();
        call.onAbandoned(told::incrementAndGet);
        peer.close();
        serving.get();
        assertThat(told).hasValue(0);
    }

    @Test
    void aThreadThatCannotBeMadeIsAnAnswerToo() throws Exception {
        MemoryLink link = MemoryLink.create(1024);
        CompletableFuture<Response> answer = new CompletableFuture<>();
        Frames.write(
                link.left().out(),
                Frames.encode(1, Frames.REQUEST, (byte) 0, request(SAY, message("x")).build()));
        link.left().out().close();
        server.serveOn(
                link.right().in(),
                link.right().out(),
                task -> {
                    throw new RejectedExecutionException();
                });
        Frames.Header header = Frames.readHeader(link.left().in());
        answer.complete(Response.parseFrom(Frames.readData(link.left().in(), header)));
        assertThat(answer.get().getStatus().getCode())
                .isEqualTo(FaultCode.RESOURCE_EXHAUSTED.number());
    }

    @Test
    void manyCallsFromManyThreadsMeetTheirAnswers() throws Exception {
        MemoryLink link = MemoryLink.create(4096);
        TtrpcServer many = TtrpcServer.builder().method(SAY, this::say).build();
        Future<?> served =
                threads.submit(() -> {
                    many.serve(link.right().in(), link.right().out(), Thread.ofVirtual().factory());
                    return null;
                });
        Map<String, Future<KeyValue>> calls = new HashMap<>();
        try (TtrpcClient client =
                TtrpcClient.over(link.left().in(), link.left().out(), "server", link.left())) {
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 100; i++) {
                    String value = round + "/" + i + "x".repeat(i * 10);
                    calls.put(
                            value,
                            threads.submit(
                                    () -> client.call(SAY, message(value), Deadline.never())));
                }
                for (var call : calls.entrySet()) {
                    assertThat(call.getValue().get().getValue()).isEqualTo("echo " + call.getKey());
                }
                calls.clear();
            }
        }
        served.get();
    }

    @Test
    void aMethodIsOfferedOnce() {
        TtrpcServer.Builder builder = TtrpcServer.builder().method(SAY, this::say);
        assertThatThrownBy(() -> builder.method(SAY, this::say))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("/test.Echo/Say");
    }
}
