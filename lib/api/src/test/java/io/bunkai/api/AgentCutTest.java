// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.base.Deadline;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A host process that dies, or whose bytes end, at every single byte of an exchange: no call is
 * ever answered wrongly, none that was not made reaches the agent, and the next host process is
 * served from its first call on.
 */
@Timeout(300)
class AgentCutTest {
    private static final int PIECE = 20;
    private static final byte[] OUTPUT = text(2 * PIECE);
    private static final byte[] INPUT = text(PIECE);

    private final FakePort port = new FakePort(100_000);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();

    private static byte[] text(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    @BeforeEach
    void startAgent() {
        TtrpcServer server =
                TtrpcServer.builder()
                        .method(GuestMethods.READ_OUTPUT, (request, _) -> read(request))
                        .method(GuestMethods.WRITE_INPUT, (request, _) -> write(request))
                        .method(AgentMethods.WAIT_PROCESS, (request, _) -> await(request))
                        .build();
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        Future<?> _ =
                threads.submit(() -> {
                    while (true) {
                        try (GuestChannel.Session session = channel.accept()) {
                            server.serve(
                                    session.input(),
                                    session.output(),
                                    Thread.ofVirtual().factory());
                        } catch (IOException e) {
                            // the session ended within a message
                        }
                    }
                });
    }

    @AfterEach
    void end() {
        threads.shutdownNow();
        threads.close();
    }

    // ---- the agent: takes note of everything that was never asked ----

    private ReadOutputResponse read(ReadOutputRequest request) {
        int offset = (int) request.getOffset();
        if (!request.getContainerId().equals("c1") || offset % PIECE != 0 || offset > PIECE) {
            wrong.add("output asked for at " + request.getOffset());
        }
        return ReadOutputResponse.newBuilder()
                .setOffset(offset)
                .setData(ByteString.copyFrom(OUTPUT, offset, PIECE))
                .build();
    }

    private WriteInputResponse write(WriteInputRequest request) {
        if (!request.getData().equals(ByteString.copyFrom(INPUT))) {
            wrong.add("input given at " + request.getOffset());
        }
        return WriteInputResponse.newBuilder().setOffset(INPUT.length).build();
    }

    private WaitProcessResponse await(WaitProcessRequest request) {
        if (!request.getExecId().equals("e1")) {
            wrong.add("waited for " + request.getExecId());
        }
        return WaitProcessResponse.newBuilder().setStatus(7).build();
    }

    // ---- the host ----

    /** {@return what each call was answered with, as far as it was answered} */
    private static List<Object> exchange(TtrpcClient agent) {
        List<Object> answers = new ArrayList<>();
        try {
            for (long offset = 0; offset < OUTPUT.length; offset += PIECE) {
                answers.add(
                        agent.call(
                                GuestMethods.READ_OUTPUT,
                                ReadOutputRequest.newBuilder()
                                        .setContainerId("c1")
                                        .setOffset(offset)
                                        .setMaxBytes(PIECE)
                                        .build(),
                                Deadline.never()));
            }
            answers.add(
                    agent.call(
                            GuestMethods.WRITE_INPUT,
                            WriteInputRequest.newBuilder()
                                    .setData(ByteString.copyFrom(INPUT))
                                    .build(),
                            Deadline.never()));
            answers.add(
                    agent.call(
                            AgentMethods.WAIT_PROCESS,
                            WaitProcessRequest.newBuilder().setExecId("e1").build(),
                            Deadline.never()));
        } catch (IOException e) {
            // the connection broke: what was not answered is asked again by whoever comes next
        }
        return answers;
    }

    private static List<Object> expected() {
        List<Object> answers = new ArrayList<>();
        for (int offset = 0; offset < OUTPUT.length; offset += PIECE) {
            answers.add(
                    ReadOutputResponse.newBuilder()
                            .setOffset(offset)
                            .setData(ByteString.copyFrom(OUTPUT, offset, PIECE))
                            .build());
        }
        answers.add(WriteInputResponse.newBuilder().setOffset(INPUT.length).build());
        answers.add(WaitProcessResponse.newBuilder().setStatus(7).build());
        return answers;
    }

    /** Over a connection that is cut after so many bytes of one direction. */
    private List<Object> exchange(int toGuest, int toHost) {
        FakePort.Connection connection = port.connect();
        try {
            HostChannel channel =
                    HostChannel.open(
                            new CutInput(connection, toHost),
                            new CutOutput(connection, toGuest),
                            HostChannel.Wire.USED,
                            Deadline.never());
            try (TtrpcClient agent =
                    TtrpcClient.over(channel.input(), channel.output(), "the agent", channel)) {
                return exchange(agent);
            }
        } catch (IOException e) {
            return List.of(); // cut before there was a session
        } finally {
            connection.close();
        }
    }

    private static final class CutOutput extends OutputStream {
        private final FakePort.Connection connection;
        private final AtomicInteger left;

        CutOutput(FakePort.Connection connection, int bytes) {
            this.connection = connection;
            this.left = new AtomicInteger(bytes);
        }

        @Override
        public void write(int value) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            int before = left.getAndUpdate(n -> Math.max(0, n - length));
            connection.out.write(buffer, offset, Math.min(length, before));
            if (before < length) {
                connection.close();
                throw new IOException("cut");
            }
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    private static final class CutInput extends InputStream {
        private final FakePort.Connection connection;
        private int left; // the reading thread's alone

        CutInput(FakePort.Connection connection, int bytes) {
            this.connection = connection;
            this.left = bytes;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (left == 0) {
                connection.close();
                return -1;
            }
            int n = connection.in.read(buffer, offset, Math.min(length, left));
            left -= Math.max(0, n);
            return n;
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    /** {@return how many bytes a whole exchange has, to the guest and to the host} */
    private int[] sizes() throws IOException {
        FakePort.Connection connection = port.connect();
        ByteArrayOutputStream toGuest = new ByteArrayOutputStream();
        AtomicInteger toHost = new AtomicInteger();
        InputStream in =
                new InputStream() {
                    @Override
                    public int read() {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public int read(byte[] buffer, int offset, int length) throws IOException {
                        int n = connection.in.read(buffer, offset, length);
                        toHost.addAndGet(Math.max(0, n));
                        return n;
                    }

                    @Override
                    public void close() {
                        connection.close();
                    }
                };
        OutputStream out =
                new OutputStream() {
                    @Override
                    public void write(int value) {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public void write(byte[] buffer, int offset, int length) throws IOException {
                        toGuest.write(buffer, offset, length);
                        connection.out.write(buffer, offset, length);
                    }

                    @Override
                    public void close() {
                        connection.close();
                    }
                };
        HostChannel channel = HostChannel.open(in, out, HostChannel.Wire.USED, Deadline.never());
        try (TtrpcClient agent =
                TtrpcClient.over(channel.input(), channel.output(), "the agent", channel)) {
            assertThat(exchange(agent)).isEqualTo(expected());
        }
        return new int[] {toGuest.size(), toHost.get()};
    }

    /** A session begins with zeros, which are all alike. */
    @Test
    void aCutOnTheWayToTheGuestLeadsToNoWrongAnswer() throws Exception {
        int size = sizes()[0];
        int zeros = ChannelFrames.zeros().length;
        assertThat(size).isGreaterThan(zeros + 300);
        assertNothingWrong(0, exchange(0, Integer.MAX_VALUE));
        assertNothingWrong(1, exchange(1, Integer.MAX_VALUE));
        for (int cut = zeros - 1; cut < size; cut++) {
            assertNothingWrong(cut, exchange(cut, Integer.MAX_VALUE));
        }
    }

    @Test
    void aCutOnTheWayToTheHostLeadsToNoWrongAnswer() throws Exception {
        int size = sizes()[1];
        assertThat(size).isGreaterThan(200);
        for (int cut = 0; cut < size; cut++) {
            assertNothingWrong(cut, exchange(Integer.MAX_VALUE, cut));
        }
    }

    private void assertNothingWrong(int cut, List<Object> answers) {
        List<Object> all = expected();
        assertThat(answers)
                .as("cut at byte %d", cut)
                .isEqualTo(all.subList(0, answers.size()))
                .hasSizeLessThan(all.size() + 1);
        assertThat(exchange(Integer.MAX_VALUE, Integer.MAX_VALUE))
                .as("after a cut at byte %d", cut)
                .isEqualTo(all);
        assertThat(wrong).as("cut at byte %d", cut).isEmpty();
    }
}
