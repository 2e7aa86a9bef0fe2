// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.groups.Tuple.tuple;

import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.PidsStats;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.MetricsRequest;
import io.bunkai.api.control.StatsRequest;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FakeNode;
import io.bunkai.runtime.ScriptedProcess;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The methods as a client sees them, with the runtime behind them. */
@Timeout(120)
class StatsMethodsTest {
    private final FakeNode node = new FakeNode();
    private final Containers containers = node.open();
    private ControlServer server;
    private TtrpcClient client;

    @BeforeEach
    void serve() throws IOException {
        node.hypervisor().program(ScriptedProcess::readStdin);
        server =
                ControlServer.open(
                        node.stateRoot().controlSocket(),
                        new StatsMethods(containers).offer(TtrpcServer.builder()).build());
        SocketChannel channel =
                SocketChannel.open(UnixDomainSocketAddress.of(node.stateRoot().controlSocket()));
        client =
                TtrpcClient.over(
                        Channels.newInputStream(channel),
                        Channels.newOutputStream(channel),
                        "the daemon",
                        channel);
    }

    @AfterEach
    void end() {
        client.close();
        server.close();
        containers.close();
        node.close();
    }

    private <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request)
            throws IOException {
        return client.call(method, request, FakeNode.soon());
    }

    private List<ContainerStats> stats(StatsRequest.Builder request) throws IOException {
        return call(ControlMethods.STATS, request.build()).getContainersList();
    }

    private Container create(String name) {
        return containers.create(new FakeNode.Wish().name(name).stdin().request()).container();
    }

    private Container start(String name) {
        Container container = create(name);
        container.start(FakeNode.soon());
        return container;
    }

    @Test
    void whatRunsIsAskedIfNobodyIsNamed() throws Exception {
        create("idle");
        start("gone").kill();
        Container web = start("web");
        start("frozen").pause(FakeNode.soon());
        assertThat(stats(StatsRequest.newBuilder()))
                .extracting(ContainerStats::getName, ContainerStats::getState)
                .containsExactlyInAnyOrder(tuple("web", "running"), tuple("frozen", "paused"));
        assertThat(stats(StatsRequest.newBuilder().addContainers(web.id().substring(0, 8))))
                .extracting(ContainerStats::getId)
                .containsExactly(web.id());
    }

    @Test
    void whoIsNamedTwiceIsToldOnceAndInTheOrderOfTheNames() throws Exception {
        Container idle = create("idle");
        Container web = start("web");
        assertThat(
                        stats(
                                StatsRequest.newBuilder()
                                        .addContainers("web")
                                        .addContainers("idle")
                                        .addContainers(web.id())))
                .extracting(ContainerStats::getId)
                .containsExactly(web.id(), idle.id());
    }

    @Test
    void whoDoesNotExistIsAnErrorOrIsSkipped() throws Exception {
        start("web");
        StatsRequest.Builder request =
                StatsRequest.newBuilder().addContainers("nobody").addContainers("web");
        assertThat(catchThrowableOfType(Fault.class, () -> stats(request)).code())
                .isEqualTo(FaultCode.NOT_FOUND);
        assertThat(stats(request.setSkipMissing(true)))
                .extracting(ContainerStats::getName)
                .containsExactly("web");
    }

    @Test
    void figuresArriveAsTheyAre() throws Exception {
        Container web = start("web");
        node.hypervisor()
                .machine(web.id())
                .agent()
                .answer(
                        AgentMethods.STATS_CONTAINER,
                        (_, _) ->
                                StatsContainerResponse.newBuilder()
                                        .setCgroupStats(
                                                CgroupStats.newBuilder()
                                                        .setPidsStats(
                                                                PidsStats.newBuilder()
                                                                        .setCurrent(5)))
                                        .addNetworkStats(
                                                NetworkStats.newBuilder()
                                                        .setName("eth0")
                                                        .setRxBytes(6)
                                                        .setTxBytes(7))
                                        .build());
        ContainerStats stats = stats(StatsRequest.newBuilder()).getFirst();
        assertThat(stats.getGuest().getProcesses()).isEqualTo(5);
        assertThat(stats.getGuest().getNetworkReceivedBytes()).isEqualTo(6);
        assertThat(stats.getGuest().getNetworkSentBytes()).isEqualTo(7);
        assertThat(stats.getGuest().getAtNanos()).isNotZero();
        assertThat(stats.getHost().getMemoryBytes()).isPositive();
        assertThat(stats.getHypervisor().getPid()).isPositive();
        assertThat(stats.getHypervisor().getResidentBytes()).isPositive();
        assertThat(stats.hasFileServer()).isFalse();
        assertThat(stats.hasFiles()).isFalse();
        assertThat(stats.getMemoryBytes()).isEqualTo(web.plan().machine().memory().size().bytes());
        assertThat(stats.getVcpus()).isEqualTo(web.plan().sizing().vcpus());
    }

    @Test
    void metricsAreTheText() throws Exception {
        Container web = start("web");
        assertThat(call(ControlMethods.METRICS, MetricsRequest.getDefaultInstance()).getText())
                .contains("bunkai_sandboxes{state=\"running\"} 1.0\n")
                .contains("bunkai_guest_up{sandbox=\"" + web.id() + "\"} 1.0\n");
    }
}
