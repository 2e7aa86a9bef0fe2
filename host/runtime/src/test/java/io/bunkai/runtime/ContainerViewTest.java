// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

@Timeout(120)
class ContainerViewTest {
    private static final String[] SECRETS = {
        "PLAIN=s3cret", "LINES=s3cret\ns3cret\r\ns3cret", "EQUALS=s3cret=s3cret", "EMPTY="
    };

    private final FakeNode node = new FakeNode();
    private final Containers containers = node.open();

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private Container secretive() {
        return containers
                .create(
                        new FakeNode.Wish()
                                .name("web")
                                .arguments("serve", "--all")
                                .environment(SECRETS)
                                .memory(64L << 20)
                                .annotations(Map.of("io.bunkai.note", "x"))
                                .request())
                .container();
    }

    @Test
    void valuesOfVariablesAreMaskedHoweverManyLinesTheyHave() {
        Container container = secretive();
        String json = ContainerView.of(container).toJson();
        assertThat(json)
                .doesNotContain("s3cret")
                .contains("\"PLAIN=***\"", "\"LINES=***\"", "\"EQUALS=***\"", "\"EMPTY=***\"");
        assertThat(ContainerView.explain(container.plan()))
                .doesNotContain("s3cret")
                .contains("\"LINES=***\"");
        assertThat(ContainerView.of(container).toString()).doesNotContain("s3cret");
        assertThat(container.plan().toString()).doesNotContain("s3cret");
        assertThat(container.record().toString()).doesNotContain("s3cret");
    }

    @Test
    void theGuestGetsTheValuesAllTheSame() throws Exception {
        Container container = secretive();
        container.start(FakeNode.soon());
        container.exit("").get(60, TimeUnit.SECONDS);
        assertThat(
                        node.hypervisor()
                                .machine(container.id())
                                .agent()
                                .container()
                                .getOCI()
                                .getProcess()
                                .getEnvList())
                .contains(SECRETS);
    }

    @Test
    void saysWhatThereIsInEveryState() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        node.hypervisor().prepare(agent -> agent.execProgram(process -> process.exit(0)));
        Container container =
                containers
                        .create(new FakeNode.Wish().arguments("serve").stdin().request())
                        .container();
        ContainerView created = ContainerView.of(container);
        assertThat(created.state()).isEqualTo("created");
        assertThat(created.isActive()).isFalse();
        assertThat(created.vmmPid()).isZero();
        assertThat(created.startedAtMillis()).isZero();
        assertThat(created.command()).containsExactly("serve");

        container.start(FakeNode.soon());
        ContainerView running = ContainerView.of(container);
        assertThat(running.state()).isEqualTo("running");
        assertThat(running.isActive()).isTrue();
        assertThat(running.vmmPid())
                .isEqualTo(node.hypervisor().machine(container.id()).identity().pid());
        assertThat(running.startedAtMillis()).isPositive();

        container.kill();
        ContainerView stopped = ContainerView.of(container);
        assertThat(stopped.state()).isEqualTo("stopped");
        assertThat(stopped.exitCode()).isEqualTo(137);
        assertThat(stopped.vmmPid()).isZero();
        assertThat(stopped.finishedAtMillis()).isPositive();
    }

    @Test
    void itsFieldsAreFixed() {
        JsonNode json = PlanJson.MAPPER.readTree(ContainerView.of(secretive()).toJson());
        assertThat(json.propertyNames())
                .containsExactly(
                        "id",
                        "name",
                        "image",
                        "command",
                        "state",
                        "createdAtMillis",
                        "startedAtMillis",
                        "finishedAtMillis",
                        "exitCode",
                        "oomKilled",
                        "error",
                        "vmmPid",
                        "vcpus",
                        "memoryBytes",
                        "annotations",
                        "plan");
        assertThat(json.path("plan").propertyNames())
                .containsExactlyElementsOf(
                        List.of(
                                "id",
                                "name",
                                "sizing",
                                "machine",
                                "launch",
                                "cgroups",
                                "image",
                                "host",
                                "guest",
                                "storages",
                                "devices",
                                "process",
                                "user",
                                "stopSignal"));
        assertThat(json.path("memoryBytes").asLong()).isEqualTo(224L << 20);
        assertThat(json.path("plan").path("image").path("disks").path(0).asString())
                .isEqualTo(node.image().disk().toString());
    }

    @Test
    void aFailedStartIsNoLoss() {
        node.hypervisor()
                .beforeLaunch(_ -> {
                    throw io.bunkai.base.Fault.unavailable("QEMU exited");
                });
        Container container = secretive();
        try {
            container.start(FakeNode.soon());
        } catch (io.bunkai.base.Fault e) {
            // that is what this is about
        }
        ContainerView view = ContainerView.of(container);
        assertThat(view.state()).isEqualTo("stopped");
        assertThat(view.exitCode()).isEqualTo(125);
        assertThat(view.error()).isEqualTo("QEMU exited");
    }
}
