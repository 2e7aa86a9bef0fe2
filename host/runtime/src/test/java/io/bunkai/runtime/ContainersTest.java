// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ContainersTest {
    private final FakeNode node = new FakeNode();
    private final Containers containers = node.open();

    @AfterEach
    void end() {
        containers.close();
        node.close();
    }

    private Container create(String name) {
        return containers.create(new FakeNode.Wish().name(name).request()).container();
    }

    private static FaultCode codeOf(ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }

    @Test
    void isFoundByIdByNameAndByTheBeginningOfAnId() {
        Container web = create("web");
        assertThat(containers.get(web.id())).isSameAs(web);
        assertThat(containers.get("web")).isSameAs(web);
        assertThat(containers.get(web.id().substring(0, 6))).isSameAs(web);
        assertThat(codeOf(() -> containers.get("nobody"))).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> containers.get(""))).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aBeginningThatSeveralHaveNamesNone() {
        // Seventeen ids cannot all begin with different digits.
        for (int i = 0; i < 17; i++) {
            create("c" + i);
        }
        String digit =
                containers.all().stream()
                        .map(container -> container.id().substring(0, 1))
                        .filter(first ->
                                containers.all().stream()
                                                .filter(other -> other.id().startsWith(first))
                                                .count()
                                        > 1)
                        .findFirst()
                        .orElseThrow();
        assertThat(codeOf(() -> containers.get(digit))).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void aNameGoesBeforeTheBeginningOfAnId() {
        Container first = create("first");
        Container named = create(first.id().substring(0, 4));
        assertThat(containers.get(first.id().substring(0, 4))).isSameAs(named);
    }

    @Test
    void aNameIsGivenOnce() throws Exception {
        Container web = create("web");
        Fault fault = catchThrowableOfType(Fault.class, () -> create("web"));
        assertThat(fault.code()).isEqualTo(FaultCode.ALREADY_EXISTS);
        assertThat(fault.hint().orElseThrow()).contains("bunkai rm web");
        web.remove(false);
        assertThat(create("web").id()).isNotEqualTo(web.id());
    }

    @Test
    void aNameIsMadeUpWhereNoneIsGiven() {
        assertThat(create("").name()).matches("[a-z]+-[a-z]+-[0-9]{1,3}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-a", ".a", "a b", "a/b", "a\n", "ä", "../x", "a:b"})
    void refusesNamesThatAreNone(String name) {
        assertThat(codeOf(() -> create(name))).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void refusesNamesThatAreTooLong() {
        assertThat(create("a".repeat(64)).name()).hasSize(64);
        assertThat(codeOf(() -> create("a".repeat(65)))).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void aNameIsFreeAsSoonAsTheExitOfAContainerThatIsNotKeptIsKnown() throws Exception {
        CountDownLatch mayTearDown = new CountDownLatch(1);
        try (FakeNode other = new FakeNode();
                Containers slow =
                        other.open(point -> {
                            if (point == CrashPoint.STOP_MACHINE_GONE) {
                                await(mayTearDown);
                            }
                        })) {
            FakeNode.Wish wish = new FakeNode.Wish().name("web").remove();
            Container first = slow.create(wish.request()).container();
            first.start(FakeNode.soon());
            first.exit("").get(60, TimeUnit.SECONDS);
            Container second = slow.create(wish.request()).container();
            assertThat(slow.get("web")).isSameAs(second);
            assertThat(slow.all()).containsExactly(second);
            // Its id still leads to the first one, for those who wait.
            assertThat(slow.exit(first.id(), "")).isCompleted();
            mayTearDown.countDown();
            first.kill();
            assertThat(slow.get("web")).isSameAs(second);
            second.remove(true);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void anExitIsToldAfterTheContainerHasGone() throws Exception {
        node.hypervisor().program(process -> process.exit(6));
        Container container = containers.create(new FakeNode.Wish().remove().request()).container();
        container.start(FakeNode.soon());
        container.exit("").get(60, TimeUnit.SECONDS);
        container.kill(); // waits until it has gone
        assertThat(containers.all()).isEmpty();
        assertThat(containers.exit(container.id(), "").get().code()).isEqualTo(6);
        assertThat(codeOf(() -> containers.exit(container.id(), "exec-1")))
                .isEqualTo(FaultCode.NOT_FOUND);
        assertThat(codeOf(() -> containers.get(container.id()))).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void whatCannotBeMadeLeavesNothing() throws IOException {
        // A file in the place of the directory of all kept output.
        Files.deleteIfExists(node.stateRoot().outputs());
        Files.createDirectories(node.stateRoot().outputs().getParent());
        Path inTheWay = Files.createFile(node.stateRoot().outputs());
        assertThat(codeOf(() -> create("web"))).isEqualTo(FaultCode.INTERNAL);
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        Files.delete(inTheWay);
        assertThat(create("web").name()).isEqualTo("web");
    }

    @Test
    void aJournalThatCannotBeWrittenLeavesNothing() throws IOException {
        Files.delete(node.stateRoot().sandboxes());
        Path inTheWay = Files.createFile(node.stateRoot().sandboxes());
        Fault fault = catchThrowableOfType(Fault.class, () -> create("web"));
        assertThat(fault.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        assertThat(fault.hint().orElseThrow()).contains(node.stateRoot().sandboxes().toString());
        Files.delete(inTheWay);
        assertThat(containers.all()).isEmpty();
        assertThat(create("web").name()).isEqualTo("web");
    }

    @Test
    void warningsOfTheConfigurationComeWithTheContainer() {
        assertThat(containers.create(FakeNode.request("true")).warnings()).isEmpty();
    }

    @Test
    void aPlanTouchesNothing() {
        Plan plan = containers.plan(new FakeNode.Wish().name("web").request()).plan();
        assertThat(plan.name()).isEqualTo("web");
        assertThat(containers.all()).isEmpty();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
    }

    @Test
    void idsAreShortHexadecimalNumbers() {
        assertThat(create("").id()).matches("[0-9a-f]{16}");
    }
}
