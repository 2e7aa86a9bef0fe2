// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CpuStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.base.NanoClock;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Containers with a folder of the host, whose guests and file servers are the test's. */
@Timeout(120)
class UsageSamplerTest {
    private final FakeNode node = new FakeNode();
    private final UsageSampler sampler = new UsageSampler(NanoClock.SYSTEM);
    private final List<ServerSocketChannel> servers = new ArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private Containers containers;

    @BeforeEach
    void open() {
        // The server is a program of the test's, which listens as ours does and answers nothing.
        node.configure("[hypervisor.qemu]\nvirtio_fs_extra_args = [\"--control-fd=4\"]\n");
        node.hypervisor().program(ScriptedProcess::readStdin);
        containers = node.open();
    }

    @AfterEach
    void end() throws IOException {
        over.countDown();
        for (ServerSocketChannel server : servers) {
            server.close();
        }
        containers.close();
        node.close();
    }

    private Container start(String name) {
        Container container =
                containers
                        .create(
                                new FakeNode.Wish()
                                        .name(name)
                                        .stdin()
                                        .mounts(
                                                RuntimeSpec.Mount.of(
                                                        "/x", "bind", "/etc", List.of("rbind")))
                                        .request())
                        .container();
        container.start(FakeNode.soon());
        return container;
    }

    private void guestAnswers(Container container, long cpuNanos) {
        node.hypervisor()
                .machine(container.id())
                .agent()
                .answer(
                        AgentMethods.STATS_CONTAINER,
                        (_, _) ->
                                StatsContainerResponse.newBuilder()
                                        .setCgroupStats(
                                                CgroupStats.newBuilder()
                                                        .setCpuStats(
                                                                CpuStats.newBuilder()
                                                                        .setCpuUsage(
                                                                                CpuUsage
                                                                                        .newBuilder()
                                                                                        .setTotalUsage(
                                                                                                cpuNanos))))
                                        .build());
    }

    private void guestIsSilent(Container container) {
        node.hypervisor()
                .machine(container.id())
                .agent()
                .answer(
                        AgentMethods.STATS_CONTAINER,
                        (_, _) -> {
                            over.await();
                            return StatsContainerResponse.getDefaultInstance();
                        });
    }

    /** Takes the place of the container's file server. */
    private void serverAnswers(Container container, String line) {
        Path socket = container.plan().machine().directory().resolve("fs-control.sock");
        ServerSocketChannel server;
        try {
            Files.delete(socket);
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        servers.add(server);
        Thread.ofVirtual().start(() -> serve(server, line));
    }

    private static void serve(ServerSocketChannel server, String line) {
        while (true) {
            try (SocketChannel client = server.accept()) {
                client.read(ByteBuffer.allocate(4096));
                client.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            } catch (IOException e) {
                if (!server.isOpen()) {
                    return;
                }
            }
        }
    }

    @Test
    void everythingIsAsked() {
        Container web = start("web");
        guestAnswers(web, 77);
        serverAnswers(web, "{\"limits\":{\"a\":\"1\"},\"bytes-read\":5,\"waits\":[1,2]}\n");
        Usage usage = sampler.sample(List.of(web), FakeNode.LONG).getFirst();
        assertThat(usage.id()).isEqualTo(web.id());
        assertThat(usage.name()).isEqualTo("web");
        assertThat(usage.state()).isEqualTo("running");
        assertThat(usage.vcpus()).isPositive();
        assertThat(usage.guest().orElseThrow().cpuNanos()).isEqualTo(77);
        assertThat(usage.files().orElseThrow().readBytes()).hasValue(5);
        assertThat(usage.files().orElseThrow().waits()).containsExactly(1L, 2L);
        ProcessUsage server = usage.fileServer().orElseThrow();
        assertThat(server.residentBytes()).isPositive();
        assertThat(usage.hypervisor().orElseThrow().pid()).isNotEqualTo(server.pid());
        assertThat(usage.host().orElseThrow().memoryBytes())
                .isGreaterThanOrEqualTo(server.residentBytes());
    }

    @Test
    void theSilentHideNothingButTheirOwnFigures() {
        Container mute = start("mute");
        Container web = start("web");
        guestIsSilent(mute); // and its file server accepts no connection
        guestAnswers(web, 77);
        serverAnswers(web, "{\"requests\":5}\n");
        List<Usage> usages = sampler.sample(List.of(mute, web), Duration.ofSeconds(5));
        assertThat(usages).extracting(Usage::name).containsExactly("mute", "web");
        assertThat(usages.getFirst().guest()).isEmpty();
        assertThat(usages.getFirst().files()).isEmpty();
        assertThat(usages.getFirst().host()).isPresent();
        assertThat(usages.getFirst().fileServer()).isPresent();
        assertThat(usages.getLast().guest().orElseThrow().cpuNanos()).isEqualTo(77);
        assertThat(usages.getLast().files().orElseThrow().requests()).hasValue(5);
    }

    @Test
    void allAreAskedBeforeAnyHasAnswered() {
        CyclicBarrier together = new CyclicBarrier(3);
        List<Container> all = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            Container container = start(name);
            node.hypervisor()
                    .machine(container.id())
                    .agent()
                    .answer(
                            AgentMethods.STATS_CONTAINER,
                            (_, _) -> {
                                together.await();
                                return StatsContainerResponse.getDefaultInstance();
                            });
            all.add(container);
        }
        all.forEach(container -> serverAnswers(container, "{}\n"));
        assertThat(sampler.sample(all, FakeNode.LONG))
                .hasSize(3)
                .allMatch(usage -> usage.guest().isPresent());
    }

    @Test
    void anAnswerThatMakesNoSenseIsNone() {
        Container web = start("web");
        guestAnswers(web, 77);
        serverAnswers(web, "no JSON\n");
        Usage usage = sampler.sample(List.of(web), FakeNode.LONG).getFirst();
        assertThat(usage.files()).isEmpty();
        assertThat(usage.guest()).isPresent();
    }

    @Test
    void anEmptyAnswerHasNoFigures() {
        Container web = start("web");
        guestAnswers(web, 77);
        serverAnswers(web, "{}\n");
        Usage usage = sampler.sample(List.of(web), FakeNode.LONG).getFirst();
        assertThat(usage.files().orElseThrow().readBytes()).isEmpty();
        assertThat(usage.files().orElseThrow().limited()).isFalse();
    }

    @Test
    void withoutAMachineThereIsTheStateAlone() throws Exception {
        Container created =
                containers.create(new FakeNode.Wish().name("created").request()).container();
        Container ended = start("ended");
        ended.kill();
        List<Usage> usages = sampler.sample(List.of(created, ended), FakeNode.LONG);
        assertThat(usages).extracting(Usage::state).containsExactly("created", "stopped");
        assertThat(usages)
                .allMatch(usage -> usage.guest().isEmpty())
                .allMatch(usage -> usage.host().isEmpty())
                .allMatch(usage -> usage.hypervisor().isEmpty())
                .allMatch(usage -> usage.fileServer().isEmpty())
                .allMatch(usage -> usage.files().isEmpty());
    }
}
