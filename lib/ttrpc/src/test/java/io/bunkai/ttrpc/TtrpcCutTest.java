// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import static io.bunkai.ttrpc.Echo.SAY;
import static io.bunkai.ttrpc.Echo.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.MemoryLink;
import io.bunkai.ttrpc.wire.KeyValue;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A connection that ends at every single byte, in either direction, with several calls on their
 * way: each call is answered with its own answer or with the loss of the connection, and what the
 * server does was asked of it in full, once.
 */
@Timeout(300)
class TtrpcCutTest {
    /** Lengths differ, so that no two frames end at the same place. */
    private static final List<String> CALLS = List.of("a", "bb".repeat(20), "fault", "d".repeat(7));

    private static final int WHOLE = Integer.MAX_VALUE;

    private final ConcurrentLinkedQueue<String> done = new ConcurrentLinkedQueue<>();
    private final TtrpcServer server =
            TtrpcServer.builder()
                    .method(
                            SAY,
                            (request, _) -> {
                                done.add(request.getValue());
                                if (request.getValue().equals("fault")) {
                                    throw Fault.alreadyExists("it is there")
                                            .withHint("take another");
                                }
                                return message("echo " + request.getValue());
                            })
                    .build();

    // ---- both sides ----

    /** An end of a connection that is lost once so many bytes have passed in a direction. */
    private record CutEnd(MemoryLink.End end, AtomicInteger toRead, AtomicInteger toWrite) {
        CutEnd(MemoryLink.End end, int toRead, int toWrite) {
            this(end, new AtomicInteger(toRead), new AtomicInteger(toWrite));
        }

        private void lose() throws IOException {
            end.close();
        }

        InputStream in() {
            return new InputStream() {
                @Override
                public int read() throws IOException {
                    if (toRead.get() == 0) {
                        lose();
                        return -1;
                    }
                    int next = end.in().read();
                    toRead.decrementAndGet();
                    return next;
                }

                // One byte each time: nobody may rely on more.
                @Override
                public int read(byte[] buffer, int offset, int length) throws IOException {
                    if (length == 0) {
                        return 0;
                    }
                    int next = read();
                    if (next < 0) {
                        return -1;
                    }
                    buffer[offset] = (byte) next;
                    return 1;
                }
            };
        }

        OutputStream out() {
            return new OutputStream() {
                @Override
                public void write(int value) throws IOException {
                    write(new byte[] {(byte) value}, 0, 1);
                }

                @Override
                public void write(byte[] buffer, int offset, int length) throws IOException {
                    int before = toWrite.getAndUpdate(n -> Math.max(0, n - length));
                    end.out().write(buffer, offset, Math.min(length, before));
                    if (before < length) {
                        end.out().close(); // what was written arrives
                        throw new IOException("lost");
                    }
                }
            };
        }
    }

    /** {@return what each call came to, over a connection that is cut} */
    private Map<String, Object> exchange(int toClient, int toServer) throws Exception {
        done.clear();
        MemoryLink link = MemoryLink.create(64 << 10);
        CutEnd near = new CutEnd(link.left(), toClient, toServer);
        try (ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> _ =
                    threads.submit(() -> {
                        try (MemoryLink.End far = link.right()) {
                            server.serveOn(far.in(), far.out(), handlers);
                        }
                        return null;
                    });
            try (TtrpcClient client =
                    TtrpcClient.over(near.in(), near.out(), "the peer", link.left())) {
                Map<String, Future<Object>> calls = new LinkedHashMap<>();
                CALLS.forEach(value -> calls.put(value, threads.submit(() -> call(client, value))));
                Map<String, Object> answers = new LinkedHashMap<>();
                for (Map.Entry<String, Future<Object>> call : calls.entrySet()) {
                    answers.put(call.getKey(), get(call.getValue()));
                }
                return answers;
            }
        }
    }

    private static Object get(Future<Object> call) throws InterruptedException {
        try {
            return call.get();
        } catch (ExecutionException e) {
            throw new AssertionError("a call came to something else", e.getCause());
        }
    }

    private static Object call(TtrpcClient client, String value) {
        try {
            return client.call(SAY, message(value), Deadline.never()).getValue();
        } catch (Fault e) {
            return e.code() + " " + e.getMessage() + " " + e.hint().orElse("");
        } catch (IOException e) {
            return e; // lost, and the caller knows
        }
    }

    private static String answerTo(String value) {
        return value.equals("fault")
                ? FaultCode.ALREADY_EXISTS + " it is there take another"
                : "echo " + value;
    }

    private void assertNothingWrong(int cut, Map<String, Object> answers) {
        answers.forEach((value, answer) -> {
            if (!(answer instanceof IOException)) {
                assertThat(answer).as("cut at byte %d", cut).isEqualTo(answerTo(value));
                assertThat(done).contains(value);
            }
        });
        assertThat(done).as("cut at byte %d", cut).doesNotHaveDuplicates();
        assertThat(CALLS).as("cut at byte %d", cut).containsAll(done);
    }

    /** A whole exchange has more bytes than this, and not so many more, in either direction. */
    private static final int FEWEST_BYTES = 100;

    private static final int MOST_BYTES = 1000;

    private interface Exchange {
        Map<String, Object> cutAt(int bytes) throws Exception;
    }

    private void cutEverywhere(Exchange exchange) throws Exception {
        int cut = 0;
        for (boolean lost = true; lost; cut++) {
            Map<String, Object> answers = exchange.cutAt(cut);
            assertNothingWrong(cut, answers);
            lost = answers.values().stream().anyMatch(IOException.class::isInstance);
            assertThat(cut).isLessThan(MOST_BYTES);
        }
        assertThat(cut).isGreaterThan(FEWEST_BYTES);
    }

    @Test
    void aCutOnTheWayToTheServerLeadsToNoWrongAnswer() throws Exception {
        cutEverywhere(cut -> exchange(WHOLE, cut));
    }

    @Test
    void aCutOnTheWayToTheClientLeadsToNoWrongAnswer() throws Exception {
        cutEverywhere(cut -> exchange(cut, WHOLE));
    }

    // ---- the server alone: what it makes of a part of the bytes ----

    private static Request request(String value) {
        return Request.newBuilder()
                .setService(SAY.service())
                .setMethod(SAY.name())
                .setPayload(message(value).toByteString())
                .build();
    }

    @Test
    void aServerDoesWhatItWasAskedInFullAndTellsACutFromAnEnd() throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        List<Integer> ends = new ArrayList<>(List.of(0));
        for (int i = 0; i < CALLS.size(); i++) {
            all.write(Frames.encode(2 * i + 1, Frames.REQUEST, (byte) 0, request(CALLS.get(i))));
            ends.add(all.size());
        }
        for (int cut = 0; cut <= all.size(); cut++) {
            int whole = 0;
            while (whole < CALLS.size() && ends.get(whole + 1) <= cut) {
                whole++;
            }
            done.clear();
            ByteArrayOutputStream answers = new ByteArrayOutputStream();
            InputStream part = new ByteArrayInputStream(all.toByteArray(), 0, cut);
            try (ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor()) {
                if (ends.contains(cut)) {
                    assertThatCode(() -> server.serveOn(part, answers, handlers))
                            .doesNotThrowAnyException();
                } else {
                    assertThatThrownBy(() -> server.serveOn(part, answers, handlers))
                            .isInstanceOf(EOFException.class);
                }
            }
            assertThat(done)
                    .as("cut at byte %d", cut)
                    .containsExactlyInAnyOrderElementsOf(CALLS.subList(0, whole));
            assertAnswersAreWhole(answers.toByteArray());
        }
    }

    private static void assertAnswersAreWhole(byte[] answers) throws IOException {
        InputStream in = new ByteArrayInputStream(answers);
        for (Frames.Header header = Frames.readHeader(in);
                header != null;
                header = Frames.readHeader(in)) {
            String value = CALLS.get(header.stream() / 2);
            Response response = Response.parseFrom(Frames.readData(in, header));
            if (response.getStatus().getCode() == 0) {
                assertThat(KeyValue.parseFrom(response.getPayload()).getValue())
                        .isEqualTo(answerTo(value));
            } else {
                assertThat(value).isEqualTo("fault");
            }
        }
    }
}
