// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.config.BudgetConfiguration;
import io.bunkai.config.BudgetConfiguration.Budget;
import io.bunkai.testkit.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Servers that are none, by a clock moved by hand. */
class BudgetsTest {
    private static final String BANDWIDTH = "fs-share-bw-size";
    private static final String OPERATIONS = "fs-share-ops-size";
    private static final Budget NO_LIMIT = new Budget(0, 0);

    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1);
    private final List<Budgets.Member> members = new ArrayList<>();

    /** What a guest would take of its server if it could, and what it gets. */
    private static final class Server implements Budgets.Control {
        private final Map<String, Long> shares = new ConcurrentHashMap<>();
        private final Map<String, String> lies = new HashMap<>();
        private double wants;
        private double ownLimit = Double.POSITIVE_INFINITY;
        private double done;
        private long held;
        private boolean silent;

        @Override
        public Map<String, String> figures(Deadline deadline) {
            if (silent) {
                throw Fault.deadlineExceeded("the file server did not answer");
            }
            Map<String, String> figures = new HashMap<>();
            figures.put("bytes-read", Long.toString((long) done));
            figures.put("bytes-written", "0");
            figures.put("requests", "0");
            figures.put("held." + BANDWIDTH, Long.toString(held));
            figures.putAll(lies);
            return figures;
        }

        @Override
        public void set(Map<String, String> changes, Deadline deadline) {
            if (silent) {
                throw Fault.deadlineExceeded("the file server did not answer");
            }
            changes.forEach((name, value) -> shares.put(name, Long.valueOf(value)));
        }

        double share() {
            return shares.getOrDefault(BANDWIDTH, 0L);
        }

        void run(Duration time) {
            double mine = Math.min(wants, ownLimit);
            double rate = share() == 0 ? mine : Math.min(mine, share());
            if (rate < mine) {
                held++;
            }
            done += rate * time.toNanos() / 1e9;
        }
    }

    private Server server(String namespace, int weight, double wants) {
        Server server = new Server();
        server.wants = wants;
        String id = "c" + members.size();
        members.add(new Budgets.Member(id, namespace, weight, server));
        return server;
    }

    private Budgets budgets(Budget node, Budget namespace, Map<String, Integer> weights) {
        BudgetConfiguration configuration =
                new BudgetConfiguration(BudgetConfiguration.USUAL_WEIGHT, node, namespace, weights);
        return new Budgets(configuration, () -> List.copyOf(members), clock);
    }

    private Budgets node(long bandwidth) {
        return budgets(new Budget(bandwidth, 0), NO_LIMIT, Map.of());
    }

    private void run(Budgets budgets, int rounds) {
        for (int i = 0; i < rounds; i++) {
            Duration pause = budgets.round();
            clock.advance(pause);
            members.forEach(member -> ((Server) member.control()).run(pause));
        }
    }

    private static void assertShares(double part, Server... servers) {
        for (Server server : servers) {
            assertThat(server.share()).isCloseTo(part, within(part * 0.02));
        }
    }

    @Test
    void twoThatTakeAllGetEqualParts() {
        Server one = server("a", 100, 1e9);
        Server other = server("a", 100, 1e9);
        run(node(10_000_000), 10);
        assertShares(5_000_000, one, other);
    }

    @Test
    void aPodsWeightCounts() {
        Server one = server("a", 100, 1e9);
        Server other = server("a", 300, 1e9);
        run(node(10_000_000), 10);
        assertShares(2_500_000, one);
        assertShares(7_500_000, other);
    }

    @Test
    void podsShareWhatTheirNamespaceGetsHoweverManyTheyAre() {
        Server lonely = server("a", 100, 1e9);
        Server[] crowd = new Server[5];
        for (int i = 0; i < crowd.length; i++) {
            crowd[i] = server("b", 100, 1e9);
        }
        run(budgets(new Budget(10_000_000, 0), NO_LIMIT, Map.of("b", 300)), 10);
        assertShares(2_500_000, lonely);
        assertShares(1_500_000, crowd);
    }

    @Test
    void aNamespaceHasNoMoreThanItsOwnBudget() {
        Server one = server("a", 100, 1e9);
        Server other = server("b", 100, 1e9);
        run(budgets(new Budget(10_000_000, 0), new Budget(6_000_000, 0), Map.of()), 10);
        assertShares(5_000_000, one, other);
        other.wants = 0;
        run(budgets(new Budget(10_000_000, 0), new Budget(6_000_000, 0), Map.of()), 20);
        assertShares(6_000_000, one);
    }

    @Test
    void namespacesWithBudgetsAndNodeWithoutOneAreDividedApart() {
        Server one = server("a", 100, 1e9);
        Server other = server("a", 100, 1e9);
        Server elsewhere = server("b", 100, 1e9);
        run(budgets(NO_LIMIT, new Budget(6_000_000, 0), Map.of()), 10);
        assertShares(3_000_000, one, other);
        assertShares(6_000_000, elsewhere);
    }

    @Test
    void anIdleOnesPartGoesToTheOtherWithinASecondAndComesBack() {
        Server one = server("a", 100, 1e9);
        Server other = server("a", 100, 1e9);
        Budgets budgets = node(10_000_000);
        run(budgets, 30);
        other.wants = 0;
        run(budgets, 10); // a second
        assertThat(one.share()).isGreaterThan(9_500_000);
        run(budgets, 50);
        other.wants = 1e9;
        run(budgets, 10);
        assertShares(5_000_000, one, other);
    }

    @Test
    void whoIsHeldByItsOwnLimitLeavesTheRestToTheOthers() {
        Server one = server("a", 100, 1e9);
        Server slow = server("a", 100, 1e9);
        slow.ownLimit = 1_000_000;
        run(node(10_000_000), 30);
        assertThat(one.share()).isGreaterThan(8_800_000);
        assertThat(slow.share()).isGreaterThanOrEqualTo(1_000_000);
    }

    @Test
    void sharesNeverAddUpToMoreThanTheBudget() {
        Budgets budgets = node(10_000_000);
        for (int i = 0; i < 40; i++) {
            if (i < 10) {
                server("n" + i % 3, 100 + i, 1e9);
            }
            ((Server) members.get(i % members.size()).control()).wants = i % 4 == 0 ? 0 : 1e7;
            run(budgets, 1);
            double sum =
                    members.stream()
                            .mapToDouble(member -> ((Server) member.control()).share())
                            .sum();
            // What changes by less than a hundredth is not told.
            assertThat(sum).isLessThanOrEqualTo(10_000_000 * 1.01);
        }
    }

    @Test
    void whoDoesNotAnswerTakesNothingFromTheOthersThanItsPart() {
        Server one = server("a", 100, 1e9);
        Server silent = server("a", 100, 1e9);
        silent.silent = true;
        Budgets budgets = node(10_000_000);
        run(budgets, 10);
        assertThat(one.share()).isGreaterThan(9_900_000);
        assertThat(silent.share()).isZero();
        silent.silent = false;
        run(budgets, 10);
        assertShares(5_000_000, one, silent);
    }

    @Test
    void aServerThatLiesGetsNoMoreThanItsPart() {
        Server one = server("a", 100, 1e9);
        Server liar = server("a", 100, 1e9);
        liar.lies.putAll(
                Map.of(
                        "bytes-read",
                        "999999999999999999999999",
                        "bytes-written",
                        "-5",
                        "requests",
                        "many",
                        "held." + BANDWIDTH,
                        "9e99",
                        "parked-for." + BANDWIDTH,
                        "1"));
        run(node(10_000_000), 10);
        assertShares(5_000_000, one, liar);
    }

    @Test
    void requestsAreDividedAsBytesAre() {
        Server one = server("a", 100, 0);
        Server other = server("a", 300, 0);
        one.lies.put("parked-for." + OPERATIONS, "1");
        other.lies.put("parked-for." + OPERATIONS, "1");
        run(budgets(new Budget(0, 1000), NO_LIMIT, Map.of()), 3);
        assertThat(one.shares).containsOnly(Map.entry(OPERATIONS, 250L));
        assertThat(other.shares).containsOnly(Map.entry(OPERATIONS, 750L));
    }

    @Test
    void whoIsGoneTakesNothing() {
        Server one = server("a", 100, 1e9);
        server("a", 100, 1e9);
        Budgets budgets = node(10_000_000);
        run(budgets, 5);
        members.removeLast();
        run(budgets, 1);
        assertShares(10_000_000, one);
    }

    @Test
    void withoutBudgetsWhatAFormerDaemonSaidIsTakenBack() {
        Server one = server("a", 100, 1e9);
        one.shares.put(BANDWIDTH, 5L);
        try (Budgets budgets = budgets(NO_LIMIT, NO_LIMIT, Map.of())) {
            budgets.start();
        }
        assertThat(one.shares).containsOnly(Map.entry(BANDWIDTH, 0L), Map.entry(OPERATIONS, 0L));
    }

    @Test
    void itGoesOnByItselfUntilItIsClosedWhateverFails() {
        Server one = server("a", 100, 1e9);
        AtomicBoolean failed = new AtomicBoolean();
        BudgetConfiguration configuration =
                new BudgetConfiguration(100, new Budget(10_000_000, 0), NO_LIMIT, Map.of());
        Supplier<List<Budgets.Member>> failing =
                () -> {
                    if (failed.compareAndSet(false, true)) {
                        throw new IllegalStateException("a defect");
                    }
                    return List.copyOf(members);
                };
        try (Budgets budgets = new Budgets(configuration, failing, clock)) {
            budgets.start();
            while (one.share() != 10_000_000) {
                Thread.onSpinWait();
            }
        }
    }
}
