// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import static io.bunkai.testkit.Hex.hex;
import static io.bunkai.ttrpc.Echo.SAY;
import static io.bunkai.ttrpc.Echo.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.MemoryLink;
import io.bunkai.ttrpc.wire.KeyValue;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import io.bunkai.ttrpc.wire.Status;
import java.io.IOException;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against a peer that the test plays by hand, frame by frame. */
@Timeout(60)
class TtrpcClientTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final MemoryLink link = MemoryLink.create(64 << 10);
    private final MemoryLink.End peer = link.right();
    private final TtrpcClient client =
            TtrpcClient.over(link.left().in(), link.left().out(), "the peer", link.left());
    private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void close() {
        client.close();
        callers.close();
    }

    private Future<KeyValue> callLater(String value) {
        return callers.submit(() -> client.call(SAY, message(value), Deadline.never()));
    }

    private record Received(int stream, Request request) {
        String value() throws IOException {
            return KeyValue.parseFrom(request.getPayload()).getValue();
        }
    }

    private Received receive() throws IOException {
        Frames.Header header = Frames.readHeader(peer.in());
        assertThat(header.type()).isEqualTo(Frames.REQUEST);
        return new Received(header.stream(), Request.parseFrom(Frames.readData(peer.in(), header)));
    }

    private void answer(int stream, String value) throws IOException {
        answer(stream, Response.newBuilder().setPayload(message(value).toByteString()).build());
    }

    private void answer(int stream, Response response) throws IOException {
        Frames.write(peer.out(), Frames.encode(stream, Frames.RESPONSE, (byte) 0, response));
    }

    @Test
    void sendsARequestByteByByteAsTheSpecificationSays() throws Exception {
        Future<KeyValue> call = callLater("hi");
        byte[] sent = peer.in().readNBytes(32);
        assertThat(sent)
                .isEqualTo(
                        hex(
                                """
                                00000016 00000001 01 00  // 22 bytes, stream 1, request, no flags
                                0a 09 746573742e4563686f  // 1 service: "test.Echo"
                                12 03 536179  // 2 method: "Say"
                                1a 04 1202 6869  // 3 payload: 2 value "hi"
                                """));
        peer.out()
                .write(
                        hex(
                                """
                                00000006 00000001 02 00  // 6 bytes, stream 1, response, no flags
                                12 04 1202 686f  // 2 payload: 2 value "ho"
                                """));
        assertThat(call.get().getValue()).isEqualTo("ho");
    }

    @Test
    void answersInAnyOrderReachTheirCallers() throws Exception {
        List<Future<KeyValue>> calls = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            calls.add(callLater("call " + i));
        }
        List<Received> received = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            received.add(receive());
        }
        assertThat(received).extracting(Received::stream).doesNotHaveDuplicates().isSorted();
        assertThat(received).allMatch(one -> one.stream() % 2 == 1);
        Collections.reverse(received);
        for (Received one : received) {
            answer(one.stream(), "answer to " + one.value());
        }
        for (int i = 0; i < 50; i++) {
            assertThat(calls.get(i).get().getValue()).isEqualTo("answer to call " + i);
        }
    }

    @Test
    void aStatusBecomesTheFaultThatItWas() throws Exception {
        Future<KeyValue> call = callLater("?");
        answer(
                receive().stream(),
                Response.newBuilder()
                        .setStatus(
                                Status.newBuilder().setCode(5).setMessage("no such thing\nhint: x"))
                        .build());
        assertThatThrownBy(call::get)
                .hasCauseInstanceOf(Fault.class)
                .satisfies(e -> {
                    Fault fault = (Fault) e.getCause();
                    assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
                    assertThat(fault).hasMessage("no such thing");
                    assertThat(fault.hint()).contains("x");
                });
    }

    @Test
    void aStatusWithTheCodeZeroIsASuccess() throws Exception {
        Future<KeyValue> call = callLater("?");
        answer(
                receive().stream(),
                Response.newBuilder()
                        .setStatus(Status.getDefaultInstance())
                        .setPayload(message("!").toByteString())
                        .build());
        assertThat(call.get().getValue()).isEqualTo("!");
    }

    @Test
    void tellsThePeerHowLongItWaits() throws Exception {
        Deadline deadline = Deadline.after(Duration.ofHours(1), () -> 0);
        Future<KeyValue> call = callers.submit(() -> client.call(SAY, message("?"), deadline));
        Received received = receive();
        assertThat(received.request().getTimeoutNano()).isEqualTo(3_600_000_000_000L);
        answer(received.stream(), "!");
        call.get();
    }

    @Test
    void aDeadlineThatHasPassedSendsNothing() throws Exception {
        assertCode(
                FaultCode.DEADLINE_EXCEEDED,
                () -> client.call(SAY, message("late"), Deadline.after(Duration.ZERO)));
        Future<KeyValue> call = callLater("next");
        Received received = receive();
        assertThat(received.value()).isEqualTo("next");
        answer(received.stream(), "!");
        call.get();
    }

    @Test
    void aLateAnswerIsDroppedAndTheConnectionLivesOn() throws Exception {
        assertCode(
                FaultCode.DEADLINE_EXCEEDED,
                () -> client.call(SAY, message("slow"), Deadline.after(SHORT)));
        int late = receive().stream();
        Future<KeyValue> call = callLater("next");
        int next = receive().stream();
        answer(late, "too late");
        answer(12345, "nobody asked");
        answer(0, "not a client's stream");
        answer(next, "in time");
        assertThat(call.get().getValue()).isEqualTo("in time");
        assertThat(client.ignoredFrames()).isEqualTo(3);
        assertThat(client.isOpen()).isTrue();
    }

    @Test
    void aPeerThatDoesNotReadHoldsNobodyBeyondTheDeadline() throws Exception {
        // Each request is larger than the link: the writer is stuck with the first one, some wait
        // in the queue, the others wait for room in it.
        KeyValue large =
                KeyValue.newBuilder().setValueBytes(ByteString.copyFrom(new byte[3 << 20])).build();
        List<Future<KeyValue>> calls = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            calls.add(callers.submit(() -> client.call(SAY, large, Deadline.after(SHORT))));
        }
        for (Future<KeyValue> call : calls) {
            assertCode(FaultCode.DEADLINE_EXCEEDED, call::get);
        }
        // What was given up while it waited is never written; what was begun is written to its end.
        Future<KeyValue> next = callLater("next");
        Received received = receive();
        if (!received.value().equals("next")) {
            received = receive();
        }
        assertThat(received.value()).isEqualTo("next");
        answer(received.stream(), "!");
        assertThat(next.get().getValue()).isEqualTo("!");
    }

    @Test
    void anInterruptedCallerLeavesTheConnectionToTheOthers() throws Exception {
        CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        Thread caller =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                client.call(SAY, message("?"), Deadline.never());
                            } catch (IOException | RuntimeException e) {
                                stillInterrupted.complete(Thread.currentThread().isInterrupted());
                                thrown.complete(e);
                            }
                        });
        receive();
        caller.interrupt();
        assertThat(((Fault) thrown.get()).code()).isEqualTo(FaultCode.CANCELLED);
        assertThat(stillInterrupted.get()).isTrue();
        Future<KeyValue> call = callLater("next");
        answer(receive().stream(), "!");
        assertThat(call.get().getValue()).isEqualTo("!");
    }

    @Test
    void aRequestThatIsTooLargeIsNotSent() throws Exception {
        KeyValue tooLarge =
                KeyValue.newBuilder()
                        .setValueBytes(ByteString.copyFrom(new byte[Frames.MAX_DATA]))
                        .build();
        assertCode(
                FaultCode.RESOURCE_EXHAUSTED, () -> client.call(SAY, tooLarge, Deadline.never()));
        Future<KeyValue> call = callLater("next");
        answer(receive().stream(), "!");
        call.get();
    }

    @Test
    void anOversizedAnswerFailsItsCallAndNoOther() throws Exception {
        Future<KeyValue> first = callLater("first");
        int stream = receive().stream();
        peer.out().write(hex("00400001 %08x 02 00".formatted(stream)));
        peer.out().write(new byte[0x400001]);
        assertCode(FaultCode.RESOURCE_EXHAUSTED, first::get);
        Future<KeyValue> second = callLater("second");
        answer(receive().stream(), "!");
        assertThat(second.get().getValue()).isEqualTo("!");
    }

    @Test
    void anAnswerLargerThanItsMethodAllowsFailsTheCall() throws Exception {
        Method<KeyValue, KeyValue> small = SAY.withMaxResponseBytes(100);
        Future<KeyValue> first =
                callers.submit(() -> client.call(small, message("?"), Deadline.never()));
        answer(receive().stream(), "x".repeat(100 << 10));
        assertCode(FaultCode.RESOURCE_EXHAUSTED, first::get);
        Future<KeyValue> second =
                callers.submit(() -> client.call(small, message("?"), Deadline.never()));
        answer(receive().stream(), "!");
        assertThat(second.get().getValue()).isEqualTo("!");
    }

    @Test
    void anAnswerThatCannotBeDecodedFailsItsCallAndNoOther() throws Exception {
        for (String garbage : List.of("12 05 00", "ffffffff", "12 02 1205", "12 02 0aff")) {
            Future<KeyValue> call = callLater("?");
            int stream = receive().stream();
            byte[] data = hex(garbage);
            peer.out().write(hex("%08x %08x 02 00".formatted(data.length, stream)));
            peer.out().write(data);
            assertCode(FaultCode.DATA_LOSS, call::get);
        }
        assertThat(client.isOpen()).isTrue();
    }

    /** Each level would be a frame of the parser's stack: here are a hundred thousand. */
    @Test
    void anAnswerThatNestsWithoutEndFailsItsCall() throws Exception {
        Future<KeyValue> call = callLater("?");
        int stream = receive().stream();
        byte[] groups = new byte[100_000];
        Arrays.fill(groups, (byte) (9 << 3 | 3)); // the begin of a group that nobody knows
        peer.out().write(hex("%08x %08x 02 00".formatted(groups.length, stream)));
        peer.out().write(groups);
        assertCode(FaultCode.DATA_LOSS, call::get);
        assertThat(client.isOpen()).isTrue();
    }

    @Test
    void aPeerThatSendsWithoutEndWhatNobodyAskedForIsLeft() throws Exception {
        Future<KeyValue> call = callLater("?");
        receive();
        for (int i = 0; i <= 100; i++) {
            answer(2 * i + 1001, "nobody asked");
        }
        assertThatThrownBy(call::get).hasRootCauseInstanceOf(ProtocolException.class);
        assertThat(client.isOpen()).isFalse();
    }

    /** Each of them may yet be answered, and that is no offence. */
    @Test
    void aPeerThatIsSlowMayAnswerHoweverManyCallsWereGivenUp() throws Exception {
        List<Integer> given = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            Future<KeyValue> call = callLater("?");
            given.add(receive().stream());
            call.cancel(true);
        }
        Future<KeyValue> call = callLater("!");
        int last = receive().stream();
        for (int stream : given) {
            answer(stream, "too late");
        }
        answer(last, "in time");
        assertThat(call.get().getValue()).isEqualTo("in time");
    }

    @Test
    void framesThatAreNotForAClientAreSkipped() throws Exception {
        Future<KeyValue> call = callLater("?");
        int stream = receive().stream();
        peer.out().write(hex("00000003 %08x 01 00 010203".formatted(stream)));
        peer.out().write(hex("00000003 %08x 7f ff 010203".formatted(stream)));
        peer.out().write(hex("00000003 %08x 03 00 010203".formatted(stream + 2)));
        answer(stream, "!");
        assertThat(call.get().getValue()).isEqualTo("!");
        assertThat(client.ignoredFrames()).isEqualTo(3);
    }

    @Test
    void aStreamInsteadOfAnAnswerFailsTheCall() throws Exception {
        Future<KeyValue> call = callLater("?");
        int stream = receive().stream();
        peer.out().write(hex("00000003 %08x 03 00 010203".formatted(stream)));
        assertCode(FaultCode.UNIMPLEMENTED, call::get);
    }

    @Test
    void theEndOfTheConnectionFailsEveryPendingCall() throws Exception {
        List<Future<KeyValue>> calls = List.of(callLater("1"), callLater("2"), callLater("3"));
        for (int i = 0; i < 3; i++) {
            receive();
        }
        peer.close();
        for (Future<KeyValue> call : calls) {
            assertThatThrownBy(call::get).hasCauseInstanceOf(IOException.class);
        }
        assertThat(client.isOpen()).isFalse();
        assertThatThrownBy(() -> client.call(SAY, message("?"), Deadline.never()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the peer")
                .hasMessageContaining("/test.Echo/Say");
    }

    @Test
    void anAnswerCutAnywhereFailsTheCall() throws Exception {
        byte[] answer =
                Frames.encode(
                        1,
                        Frames.RESPONSE,
                        (byte) 0,
                        Response.newBuilder().setPayload(message("!").toByteString()).build());
        for (int cut = 0; cut < answer.length; cut++) {
            MemoryLink link = MemoryLink.create(1024);
            try (TtrpcClient client =
                    TtrpcClient.over(
                            link.left().in(), link.left().out(), "the peer", link.left())) {
                Future<KeyValue> call =
                        callers.submit(() -> client.call(SAY, message("?"), Deadline.never()));
                Frames.skipData(link.right().in(), Frames.readHeader(link.right().in()));
                link.right().out().write(answer, 0, cut);
                link.right().out().close();
                assertThatThrownBy(call::get)
                        .as("cut after %d bytes", cut)
                        .hasCauseInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void whatCannotBeAFrameEndsTheConnection() throws Exception {
        Future<KeyValue> call = callLater("?");
        receive();
        peer.out().write(hex("48545450 2f312e31 20 34 3030"));
        assertThatThrownBy(call::get)
                .hasCauseInstanceOf(IOException.class)
                .hasRootCauseMessage("not a ttrpc frame: a length of 1213486160");
    }

    @Test
    void closingFailsPendingCallsClosesTheTransportAndTellsTheListenersOnce() throws Exception {
        AtomicInteger told = new AtomicInteger();
        client.onClosed(told::incrementAndGet);
        Future<KeyValue> call = callLater("?");
        receive();
        client.close();
        client.close();
        assertThatThrownBy(call::get).hasCauseInstanceOf(IOException.class);
        assertThat(told).hasValue(1);
        assertThat(peer.in().read()).isEqualTo(-1);
        client.onClosed(told::incrementAndGet);
        assertThat(told).hasValue(2);
    }

    @Test
    void listenersAreToldWhenThePeerGoes() throws Exception {
        CountDownLatch told = new CountDownLatch(2);
        client.onClosed(() -> {
            told.countDown();
            throw new IllegalStateException("one listener does not silence the next");
        });
        client.onClosed(told::countDown);
        peer.close();
        told.await();
        assertThat(client.isOpen()).isFalse();
    }

    /** Fails unless the action, or the task it waits for, fails with a fault of this code. */
    private static void assertCode(
            FaultCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
        assertThatThrownBy(action)
                .extracting(e -> e instanceof ExecutionException ? e.getCause() : e)
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.code()).isEqualTo(code));
    }
}
