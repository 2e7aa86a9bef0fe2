// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.HealthCheckResponse;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls to an agent while its hosts come and go. */
@Timeout(120)
class AgentSessionTest {
    private final FakePort port = new FakePort(100_000);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore abandoned = new Semaphore(0);
    private final BlockingQueue<CountDownLatch> waiting = new LinkedBlockingQueue<>();

    @BeforeEach
    void startAgent() {
        TtrpcServer server =
                TtrpcServer.builder()
                        .method(
                                HealthMethods.CHECK,
                                (request, call) ->
                                        HealthCheckResponse.newBuilder()
                                                .setStatus(
                                                        HealthCheckResponse.ServingStatus.SERVING)
                                                .build())
                        .method(AgentMethods.WAIT_PROCESS, this::await)
                        .method(AgentMethods.READ_STDOUT, (request, call) -> read(request))
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
                        }
                    }
                });
    }

    private WaitProcessResponse await(WaitProcessRequest request, Call call)
            throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        call.onAbandoned(() -> {
            abandoned.release();
            ended.countDown();
        });
        waiting.add(ended);
        ended.await();
        return WaitProcessResponse.newBuilder().setStatus(7).build();
    }

    private static ReadStreamResponse read(ReadStreamRequest request) {
        byte[] data = new byte[request.getLen()];
        new Random(request.getLen()).nextBytes(data);
        return ReadStreamResponse.newBuilder().setData(ByteString.copyFrom(data)).build();
    }

    @AfterEach
    void end() {
        threads.shutdownNow();
        threads.close();
    }

    private TtrpcClient connect() throws IOException {
        FakePort.Connection connection = port.connect();
        HostChannel channel =
                HostChannel.open(
                        connection.in, connection.out, HostChannel.Wire.USED, Deadline.never());
        return TtrpcClient.over(channel.input(), channel.output(), "the agent", channel);
    }

    private static void assertServes(TtrpcClient client) throws IOException {
        assertThat(
                        client.call(
                                        HealthMethods.CHECK,
                                        CheckRequest.getDefaultInstance(),
                                        Deadline.never())
                                .getStatus())
                .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    }

    @Test
    void aCallThatWaitsIsAbandonedWithItsHostAndMayBeRepeatedByTheNext() throws Exception {
        TtrpcClient first = connect();
        Future<WaitProcessResponse> lost =
                threads.submit(() ->
                        first.call(
                                AgentMethods.WAIT_PROCESS,
                                WaitProcessRequest.getDefaultInstance(),
                                Deadline.never()));
        waiting.take();
        assertServes(first);
        first.close();
        assertThatThrownBy(lost::get).hasCauseInstanceOf(IOException.class);
        abandoned.acquire();
        try (TtrpcClient second = connect()) {
            Future<WaitProcessResponse> repeated =
                    threads.submit(() ->
                            second.call(
                                    AgentMethods.WAIT_PROCESS,
                                    WaitProcessRequest.getDefaultInstance(),
                                    Deadline.never()));
            waiting.take().countDown();
            assertThat(repeated.get().getStatus()).isEqualTo(7);
            assertServes(second);
        }
    }

    @Test
    void theLargestAnswersPassWhole() throws Exception {
        try (TtrpcClient client = connect()) {
            for (int length : new int[] {0, 1, 65_515, 65_516, 65_517, 1 << 20, (4 << 20) - 100}) {
                ReadStreamRequest request = ReadStreamRequest.newBuilder().setLen(length).build();
                ReadStreamResponse response =
                        client.call(AgentMethods.READ_STDOUT, request, Deadline.never());
                assertThat(response).isEqualTo(read(request));
            }
        }
    }

    @Test
    void whatTheAgentDoesNotOfferIsNamed() throws Exception {
        try (TtrpcClient client = connect()) {
            assertThatThrownBy(() ->
                            client.call(
                                    AgentMethods.START_CONTAINER,
                                    StartContainerRequest.getDefaultInstance(),
                                    Deadline.never()))
                    .isInstanceOfSatisfying(
                            Fault.class,
                            fault -> assertThat(fault.code()).isEqualTo(FaultCode.UNIMPLEMENTED))
                    .hasMessage("/grpc.AgentService/StartContainer is not implemented");
        }
    }
}
