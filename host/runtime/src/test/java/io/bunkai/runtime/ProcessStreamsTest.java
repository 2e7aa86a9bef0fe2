// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.agent.WriteStreamResponse;
import io.bunkai.api.guest.CloseInputResponse;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.ManualClock;
import io.bunkai.ttrpc.Method;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ProcessStreamsTest {
    private static final int CHUNK = 64 * 1024;

    private final FakeGuest guest = new FakeGuest();
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1); // differences only
    private final AttachedStreams attached = new AttachedStreams();
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private final CompletableFuture<Void> inputEnded = guest.inputEnded;

    private ProcessStreams streams(boolean terminal) {
        return streams(terminal, Optional.empty());
    }

    private ProcessStreams streams(boolean terminal, Optional<Duration> readerPatience) {
        return new ProcessStreams(
                guest,
                "c1",
                "e1",
                terminal,
                attached,
                new ProcessStreams.Sink() {
                    @Override
                    public long offset(OutputLog.Stream stream) {
                        return 0;
                    }

                    @Override
                    public void accept(OutputLog.Stream stream, long offset, byte[] data) {
                        if (stream == OutputLog.Stream.STDOUT) {
                            assertThat(offset).isEqualTo(guest.oldest + kept.size());
                            kept.writeBytes(data);
                        }
                    }
                },
                readerPatience,
                CrashPoints.NONE,
                clock);
    }

    /** Answers reads from queues, one element each; an empty element is the end. */
    private static final class FakeGuest implements GuestCalls {
        final BlockingQueue<Piece> stdout = new LinkedBlockingQueue<>();
        final BlockingQueue<Piece> stderr = new LinkedBlockingQueue<>();
        final Semaphore reads = new Semaphore(0);
        final ByteArrayOutputStream stdin = new ByteArrayOutputStream();
        final CompletableFuture<Void> inputEnded = new CompletableFuture<>();
        volatile int mostTaken = Integer.MAX_VALUE;
        volatile boolean acknowledged;
        volatile long oldest;
        final List<String> asked = new CopyOnWriteArrayList<>();
        final List<String> violations = new CopyOnWriteArrayList<>();
        final CountDownLatch violated = new CountDownLatch(1);
        volatile OptionalInt taken = OptionalInt.empty();

        @Override
        public void giveUp(String violation) {
            violations.add(violation);
            violated.countDown();
        }

        @Override
        public boolean offers(String feature) {
            return acknowledged && feature.equals(GuestMethods.ACKNOWLEDGED_STREAMS);
        }

        @Override
        public <Q extends MessageLite, R extends MessageLite> R call(
                Method<Q, R> method, Q request, Deadline deadline) throws IOException {
            try {
                // Each method's answer is of the method's own type.
                @SuppressWarnings("unchecked")
                R answer = (R) answer(method.name(), request);
                return answer;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }

        private MessageLite answer(String name, MessageLite request)
                throws InterruptedException, IOException {
            return switch (name) {
                case "ReadStdout" -> read(stdout, (ReadStreamRequest) request);
                case "ReadStderr" -> read(stderr, (ReadStreamRequest) request);
                case "WriteStdin" -> write((WriteStreamRequest) request);
                case "CloseStdin" -> {
                    inputEnded.complete(null);
                    yield Empty.getDefaultInstance();
                }
                case "ReadOutput" -> readOutput((ReadOutputRequest) request);
                case "WriteInput" -> writeInput((WriteInputRequest) request);
                case "CloseInput" -> {
                    inputEnded.complete(null);
                    yield CloseInputResponse.getDefaultInstance();
                }
                default -> throw new IOException("no such method: " + name);
            };
        }

        private ReadOutputResponse readOutput(ReadOutputRequest request)
                throws InterruptedException, IOException {
            assertThat(request.getContainerId()).isEqualTo("c1");
            assertThat(request.getExecId()).isEqualTo("e1");
            assertThat(request.getMaxBytes()).isEqualTo(CHUNK);
            asked.add(request.getFromOldest() ? "oldest" : String.valueOf(request.getOffset()));
            long from = request.getFromOldest() ? oldest : request.getOffset();
            reads.release();
            byte[] data = (request.getStream() == OutputKind.STDERR ? stderr : stdout).take().get();
            return ReadOutputResponse.newBuilder()
                    .setOffset(from)
                    .setData(ByteString.copyFrom(data))
                    .setEnd(data.length == 0)
                    .build();
        }

        private WriteInputResponse writeInput(WriteInputRequest request) throws IOException {
            if (!request.getData().isEmpty()) {
                assertThat(request.getOffset()).isEqualTo(stdin.size());
                int taken = Math.min(mostTaken, request.getData().size());
                stdin.writeBytes(request.getData().substring(0, taken).toByteArray());
            }
            return WriteInputResponse.newBuilder().setOffset(stdin.size()).build();
        }

        private ReadStreamResponse read(BlockingQueue<Piece> from, ReadStreamRequest request)
                throws InterruptedException, IOException {
            assertThat(request.getContainerId()).isEqualTo("c1");
            assertThat(request.getExecId()).isEqualTo("e1");
            assertThat(request.getLen()).isEqualTo(CHUNK);
            reads.release();
            byte[] data = from.take().get();
            return ReadStreamResponse.newBuilder().setData(ByteString.copyFrom(data)).build();
        }

        private WriteStreamResponse write(WriteStreamRequest request) {
            int taken = Math.min(mostTaken, request.getData().size());
            stdin.writeBytes(request.getData().substring(0, Math.max(0, taken)).toByteArray());
            return WriteStreamResponse.newBuilder().setLen(this.taken.orElse(taken)).build();
        }
    }

    /** What a read is answered with. */
    @FunctionalInterface
    private interface Piece {
        byte[] get() throws IOException;
    }

    private static final Piece END = () -> new byte[0];
    private static final Piece LOST =
            () -> {
                throw new IOException("lost");
            };
    private static final Piece OVER =
            () -> {
                throw Fault.of(FaultCode.OUT_OF_RANGE, "EOF");
            };

    private static Piece data(byte[] bytes) {
        return () -> bytes;
    }

    private static Piece data(String text) {
        return data(bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Takes as much as it is allowed to, and tells when it is closed. */
    private static final class SlowReader extends OutputStream {
        final ByteArrayOutputStream got = new ByteArrayOutputStream();
        final Semaphore allowed = new Semaphore(0);
        final Semaphore waiting = new Semaphore(0);
        final CompletableFuture<Void> closed = new CompletableFuture<>();

        @Override
        public void write(int value) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            waiting.release();
            try {
                allowed.acquire();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            if (closed.isDone()) {
                throw new IOException("closed");
            }
            got.write(buffer, offset, length);
        }

        @Override
        public void close() {
            closed.complete(null);
            allowed.release();
        }
    }

    // ---- output ----

    @Test
    void everyByteArrivesInItsOrder() throws Exception {
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        attached.attach(null, stdout, stderr);
        ProcessStreams streams = streams(false);
        guest.stdout.add(data("a"));
        guest.stdout.add(data("b"));
        guest.stdout.add(END);
        guest.stderr.add(data("e"));
        guest.stderr.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(stdout).hasToString("ab");
        assertThat(stderr).hasToString("e");
        assertThat(kept).hasToString("ab");
    }

    @Test
    void whatNobodyIsAttachedToIsReadAndKept() throws Exception {
        ProcessStreams streams = streams(false);
        guest.stdout.add(data("kept"));
        guest.stdout.add(END);
        guest.stderr.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(kept).hasToString("kept");
    }

    @Test
    void aTerminalHasNoStandardError() throws Exception {
        ProcessStreams streams = streams(true);
        guest.stdout.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(guest.reads.availablePermits()).isEqualTo(1);
    }

    @Test
    void aClientThatDoesNotReadStopsTheReadingOfTheGuest() throws Exception {
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true);
        for (int i = 0; i < 100; i++) {
            guest.stdout.add(data("x"));
        }
        streams.start();
        reader.waiting.acquire(); // it has the first piece and does not take it
        assertThat(guest.reads.availablePermits()).isEqualTo(1);
        reader.allowed.release();
        reader.waiting.acquire();
        assertThat(guest.reads.availablePermits()).isEqualTo(2);
        attached.closeAll();
    }

    @Test
    void aSlowClientGetsEveryByteHoweverLongItTakes() throws Exception {
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true);
        byte[] data = new byte[5 * CHUNK];
        new Random(1).nextBytes(data);
        for (int i = 0; i < 5; i++) {
            guest.stdout.add(data(Arrays.copyOfRange(data, i * CHUNK, (i + 1) * CHUNK)));
        }
        guest.stdout.add(END);
        streams.start();
        CompletableFuture<Void> delivered = awaitDelivery(streams);
        for (int i = 0; i < 5; i++) {
            reader.waiting.acquire();
            clock.advance(Duration.ofDays(1)); // of silence, which is the client's
            assertThat(delivered).isNotDone();
            reader.allowed.release();
        }
        delivered.get(60, TimeUnit.SECONDS);
        assertThat(reader.got.toByteArray()).isEqualTo(data);
        assertThat(reader.closed).isDone();
    }

    @Test
    void anOwnersReaderThatTakesNothingAnyMoreIsGivenUpAfterATime() throws Exception {
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true, Optional.of(ProcessStreams.READER_PATIENCE));
        guest.stdout.add(data("never taken"));
        streams.start();
        reader.waiting.acquire();
        CompletableFuture<Void> delivered = awaitDelivery(streams);
        clock.advance(ProcessStreams.READER_PATIENCE.minusSeconds(1));
        assertThat(delivered).isNotDone();
        while (!delivered.isDone()) { // the wait may have begun after the first second
            clock.advance(Duration.ofSeconds(2));
            Thread.onSpinWait();
        }
        assertThat(reader.closed).isDone();
    }

    private static CompletableFuture<Void> awaitDelivery(ProcessStreams streams) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        streams.awaitDelivery();
                        done.complete(null);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }

    @Test
    void aSilentOrphanThatHoldsThePipeIsTheEndAfterAWhile() throws Exception {
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true);
        streams.start();
        guest.reads.acquire();
        CompletableFuture<Void> delivered = awaitDelivery(streams);
        while (!delivered.isDone()) { // it may not have looked at the clock yet
            clock.advance(Duration.ofMillis(500));
            Thread.onSpinWait();
        }
        delivered.get();
        assertThat(reader.closed).isDone();
    }

    @Test
    void silenceBeforeTheEndOfTheProcessMeansNothing() throws Exception {
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        attached.attach(null, stdout, null);
        ProcessStreams streams = streams(true);
        streams.start();
        guest.reads.acquire();
        clock.advance(Duration.ofHours(1)); // it sleeps, then writes and ends at once
        CompletableFuture<Void> delivered = awaitDelivery(streams);
        // Its last words come much later than a look at the clock does.
        for (int i = 0; i < 3; i++) {
            clock.advance(Duration.ofMillis(600));
        }
        guest.stdout.add(data("last words"));
        guest.stdout.add(END);
        delivered.get(60, TimeUnit.SECONDS);
        assertThat(stdout).hasToString("last words");
    }

    @Test
    void aClientThatLeavesIsNotNoticedByTheProcess() throws Exception {
        OutputStream gone =
                new OutputStream() {
                    @Override
                    public void write(int value) throws IOException {
                        throw new IOException("Broken pipe");
                    }
                };
        attached.attach(null, gone, null);
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("one"));
        guest.stdout.add(data("two"));
        guest.stdout.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(kept).hasToString("onetwo");
    }

    @Test
    void theLossOfTheGuestEndsTheOutput() throws Exception {
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true);
        guest.stdout.add(LOST);
        streams.start();
        streams.awaitRest(FakeNode.soon());
        reader.closed.get(60, TimeUnit.SECONDS);
    }

    @Test
    void anErrorOfTheAgentEndsTheOutput() throws Exception {
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        attached.attach(null, stdout, null);
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("all"));
        guest.stdout.add(OVER);
        streams.start();
        streams.awaitDelivery();
        assertThat(stdout).hasToString("all");
    }

    @Test
    void anAgentThatSendsMoreThanItWasAskedForIsGivenUp() throws Exception {
        ProcessStreams streams = streams(true);
        guest.stdout.add(data(new byte[CHUNK + 1]));
        streams.start();
        streams.awaitDelivery();
        assertThat(kept.size()).isZero();
        assertThat(guest.violations).containsExactly("it sent more output than it was asked for");
        assertThat(guest.reads.availablePermits()).isEqualTo(1);
    }

    /** The first two are what a client makes of an answer that is too large, or makes no sense. */
    @ParameterizedTest
    @EnumSource(names = {"RESOURCE_EXHAUSTED", "DATA_LOSS", "UNIMPLEMENTED"})
    void anAgentWhoseAnswersAreNoneIsGivenUp(FaultCode code) throws Exception {
        ProcessStreams streams = streams(true);
        guest.stdout.add(() -> {
            throw Fault.of(code, "no answer");
        });
        streams.start();
        streams.awaitDelivery();
        assertThat(guest.violations).containsExactly("it did not hand out output: no answer");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 2, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void anAgentThatTakesMoreInputThanThereIsIsGivenUp(int taken) throws Exception {
        guest.taken = OptionalInt.of(taken);
        CountDownLatch closed = new CountDownLatch(1);
        attached.attach(
                new ByteArrayInputStream(bytes("x")) {
                    @Override
                    public void close() {
                        closed.countDown();
                    }
                },
                null,
                null);
        guest.stdout.add(END);
        streams(true).start();
        closed.await();
        guest.violated.await();
        assertThat(guest.violations)
                .containsExactly("it took %d of 1 bytes of input".formatted(taken));
    }

    @Test
    void theRestIsNotWaitedForForEver() throws Exception {
        ProcessStreams streams = streams(true);
        streams.start();
        streams.awaitRest(Deadline.after(Duration.ZERO));
    }

    // ---- output that is acknowledged ----

    @Test
    void whatEverybodyHasIsAcknowledgedByTheNextRead() throws Exception {
        guest.acknowledged = true;
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        attached.attach(null, stdout, null);
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("one"));
        guest.stdout.add(data("seven"));
        guest.stdout.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(stdout).hasToString("oneseven");
        assertThat(kept).hasToString("oneseven");
        assertThat(guest.asked).containsExactly("oldest", "3", "8");
    }

    @Test
    void whoGoesOnBeginsWithWhatIsNotAcknowledged() throws Exception {
        guest.acknowledged = true;
        guest.oldest = 1L << 40;
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("rest"));
        guest.stdout.add(END);
        streams.start();
        streams.awaitDelivery();
        assertThat(kept).hasToString("rest");
        assertThat(guest.asked).containsExactly("oldest", String.valueOf((1L << 40) + 4));
    }

    @Test
    void whatAReaderHasNotTakenIsNotAcknowledged() throws Exception {
        guest.acknowledged = true;
        SlowReader reader = new SlowReader();
        attached.attach(null, reader, null);
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("slow"));
        guest.stdout.add(END);
        streams.start();
        reader.waiting.acquire();
        assertThat(guest.asked).containsExactly("oldest");
        reader.allowed.release();
        streams.awaitDelivery();
        assertThat(guest.asked).containsExactly("oldest", "4");
    }

    /** An offset that was not asked for, or that no process comes to. */
    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 2})
    void anAgentThatCountsMoreThanThereCanBeIsGivenUp(long oldest) throws Exception {
        guest.acknowledged = true;
        guest.oldest = oldest;
        ProcessStreams streams = streams(true);
        guest.stdout.add(data("lies"));
        streams.start();
        streams.awaitDelivery();
        assertThat(kept.size()).isZero();
        assertThat(guest.violations).containsExactly("it counts more output than there can be");
    }

    @Test
    void inputIsWrittenByOffsetsFromWhereItHasComeTo() throws Exception {
        guest.acknowledged = true;
        guest.mostTaken = 1000;
        guest.stdin.writeBytes(bytes("before"));
        byte[] data = new byte[CHUNK + 17];
        new Random(3).nextBytes(data);
        attached.attach(new ByteArrayInputStream(data), null, null);
        guest.stdout.add(END);
        streams(true).start();
        inputEnded.get(60, TimeUnit.SECONDS);
        assertThat(Arrays.copyOfRange(guest.stdin.toByteArray(), 6, data.length + 6))
                .isEqualTo(data);
    }

    // ---- input ----

    @Test
    void inputArrivesHoweverLittleTheGuestTakesAtOnce() throws Exception {
        guest.mostTaken = 1000;
        byte[] data = new byte[3 * CHUNK + 17];
        new Random(2).nextBytes(data);
        attached.attach(new ByteArrayInputStream(data), null, null);
        guest.stdout.add(END);
        streams(true).start();
        inputEnded.get(60, TimeUnit.SECONDS);
        assertThat(guest.stdin.toByteArray()).isEqualTo(data);
    }

    @Test
    void aGuestThatTakesNothingEndsTheInput() throws Exception {
        guest.mostTaken = 0;
        CountDownLatch closed = new CountDownLatch(1);
        attached.attach(
                new ByteArrayInputStream(bytes("x")) {
                    @Override
                    public void close() {
                        closed.countDown();
                    }
                },
                null,
                null);
        guest.stdout.add(END);
        streams(true).start();
        closed.await();
        assertThat(inputEnded).isNotDone();
    }

    // ---- what is attached ----

    @Test
    void oneStreamHasOneClient() {
        attached.attach(null, new ByteArrayOutputStream(), null);
        attached.attach(null, null, new ByteArrayOutputStream());
        ByteArrayInputStream input = new ByteArrayInputStream(bytes("x"));
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () ->
                                                attached.attach(
                                                        input, new ByteArrayOutputStream(), null))
                                .code())
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(attached.input()).isNull(); // all or nothing
    }

    @Test
    void nobodyIsAttachedToWhatIsOver() {
        attached.closeAll();
        attached.closeAll();
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () ->
                                                attached.attach(
                                                        null, new ByteArrayOutputStream(), null))
                                .code())
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }
}
