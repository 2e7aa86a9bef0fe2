// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import io.bunkai.base.TaskScope;
import io.bunkai.config.BudgetConfiguration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Divides what all pods may have of the host's files: a node's budget between its namespaces, and a
 * namespace's between its pods, by weight. Several times a second each file server is asked what it
 * has taken, and whether its share is what holds it back; then {@link FairDivision} says what each
 * gets, and the servers are told. Each server keeps its own share, so nothing that one guest does,
 * and no server that a guest has taken over, can make the others' smaller than their weight's part.
 *
 * <p>The shares of one budget never add up to more than it: those that become smaller are told
 * first. Without a daemon the last shares hold. Without budgets this does nothing.
 */
final class Budgets implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Budgets.class.getName());

    /** How often is divided while anybody does anything. */
    private static final Duration ROUND = Duration.ofMillis(100);

    /** How often whoever does nothing is asked, and everybody if nobody does. */
    private static final Duration IDLE_ROUND = Duration.ofMillis(500);

    /** So long one counts as busy that has stopped. */
    private static final Duration REST = Duration.ofSeconds(2);

    private static final Duration ANSWER_PATIENCE = Duration.ofMillis(100);

    /** A share that is nearly what it was stays. */
    private static final double WORTH_TELLING = 0.01;

    private final BudgetConfiguration configuration;
    private final Supplier<List<Member>> members;
    private final NanoClock clock;
    private final Map<String, Known> known = new LinkedHashMap<>(); // the one thread's
    private volatile boolean closed;
    private volatile @Nullable Thread thread;

    /**
     * A file server that has a part.
     *
     * @param id of its container
     * @param namespace of its container
     * @param weight among those of its namespace
     * @param control where it is asked and told
     */
    record Member(String id, String namespace, int weight, Control control) {}

    /** What is asked of a server. */
    interface Control {
        /** As {@link ServerControl#figures}. */
        Map<String, String> figures(Deadline deadline);

        /** As {@link ServerControl#set}. */
        void set(Map<String, String> changes, Deadline deadline);
    }

    /** What is known of a member. */
    private static final class Known {
        private final Map<Divided, ServerUse> uses = new EnumMap<>(Divided.class);
        private final Map<Divided, Long> shares = new EnumMap<>(Divided.class);
        private long busyAt;
        private long askAgainAt;
        private volatile boolean answers;
        private Member member;

        Known(Member member, long now) {
            this.member = member;
            this.busyAt = now;
            this.askAgainAt = now;
            for (Divided what : Divided.values()) {
                uses.put(what, new ServerUse(what));
            }
        }

        boolean rests(long now) {
            return !answers || now - busyAt > REST.toNanos();
        }

        ServerUse use(Divided what) {
            return uses.computeIfAbsent(what, ServerUse::new);
        }
    }

    /** Those of one namespace. */
    private record Namespace(int weight, List<Known> pods) {}

    /**
     * Budgets that nobody divides yet.
     *
     * @param members who has a part now; asked again and again
     */
    Budgets(BudgetConfiguration configuration, Supplier<List<Member>> members, NanoClock clock) {
        this.configuration = configuration;
        this.members = members;
        this.clock = clock;
    }

    /** Begins to divide, if there is anything to divide; else whoever has a share loses it. */
    void start() {
        if (configuration.isUnlimited()) {
            each(members.get(), Budgets::release);
            return;
        }
        thread = Thread.ofVirtual().name("budgets").start(this::run);
    }

    private static void release(Member member) {
        Map<String, String> none = new TreeMap<>();
        for (Divided what : Divided.values()) {
            none.put(what.setting(), "0");
        }
        member.control().set(none, Deadline.after(ANSWER_PATIENCE));
    }

    /** There is a server that was not there before: it gets its share now. */
    void changed() {
        LockSupport.unpark(thread);
    }

    private void run() {
        while (!closed) {
            Duration pause = IDLE_ROUND;
            try {
                pause = round();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "budgets were not divided this time", e);
            }
            LockSupport.parkNanos(this, pause.toNanos());
        }
    }

    /** Asks, divides and tells once; {@return after how long it should be done again} */
    Duration round() {
        long now = clock.nanos();
        List<Member> present = members.get();
        known.keySet().retainAll(present.stream().map(Member::id).toList());
        for (Member member : present) {
            known.computeIfAbsent(member.id(), _ -> new Known(member, now)).member = member;
        }
        List<Known> due = known.values().stream().filter(one -> one.askAgainAt - now <= 0).toList();
        ask(due);
        for (Known one : due) {
            if (!one.uses.values().stream().allMatch(ServerUse::isIdle)) {
                one.busyAt = now;
            }
            one.askAgainAt = one.rests(now) ? now + IDLE_ROUND.toNanos() : now;
        }
        List<Change> changes = changes();
        tell(changes.stream().filter(Change::isSmaller).toList());
        tell(changes.stream().filter(change -> !change.isSmaller()).toList());
        return known.values().stream().allMatch(one -> one.rests(now)) ? IDLE_ROUND : ROUND;
    }

    private void ask(List<Known> due) {
        each(
                due,
                one -> {
                    one.answers = false;
                    Map<String, String> figures =
                            one.member.control().figures(Deadline.after(ANSWER_PATIENCE));
                    long now = clock.nanos();
                    one.uses.values().forEach(use -> use.note(figures, now));
                    one.answers = true;
                });
    }

    private void tell(List<Change> changes) {
        each(
                changes,
                change -> {
                    Known one = change.whose();
                    one.member
                            .control()
                            .set(
                                    Map.of(change.what().setting(), Long.toString(change.share())),
                                    Deadline.after(ANSWER_PATIENCE));
                    one.shares.put(change.what(), change.share());
                });
    }

    /** Does something with all at once; one that does not answer holds nobody up for long. */
    private static <T> void each(Collection<T> all, Consumer<T> work) {
        try (TaskScope tasks = new TaskScope("budgets")) {
            for (T one : all) {
                tasks.fork(
                        "of one",
                        () -> {
                            try {
                                work.accept(one);
                            } catch (Fault e) {
                                LOG.log(
                                        System.Logger.Level.DEBUG,
                                        "a file server was not reached",
                                        e);
                            }
                            return one;
                        });
            }
            tasks.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            throw Fault.internal("what pods may have together cannot be divided").causedBy(e);
        }
    }

    // --- dividing -----------------------------------------------------------------------------

    /** Another share of one. */
    private record Change(Known whose, Divided what, long share, boolean isSmaller) {}

    private List<Change> changes() {
        List<Change> changes = new ArrayList<>();
        for (Divided what : Divided.values()) {
            shares(what)
                    .forEach((one, share) -> {
                        long before = one.shares.getOrDefault(what, 0L);
                        boolean isWorth =
                                before == 0 || Math.abs(share - before) > before * WORTH_TELLING;
                        if (one.answers && isWorth) {
                            changes.add(new Change(one, what, share, share < before));
                        }
                    });
        }
        return changes;
    }

    private Map<Known, Long> shares(Divided what) {
        long ofNode = what.of(configuration.node());
        long ofNamespace = what.of(configuration.namespace());
        Map<Known, Long> shares = new LinkedHashMap<>();
        if (ofNode == 0 && ofNamespace == 0) {
            return shares;
        }
        double most = ofNamespace == 0 ? Double.POSITIVE_INFINITY : ofNamespace;
        List<Namespace> namespaces = List.copyOf(namespaces().values());
        double[] parts = new double[namespaces.size()];
        if (ofNode == 0) {
            Arrays.fill(parts, most);
        } else {
            parts =
                    FairDivision.divide(
                            (double) ofNode,
                            namespaces.stream()
                                    .map(one ->
                                            new FairDivision.Claim(
                                                    one.weight(), wanted(one, what), most))
                                    .toList());
        }
        for (int i = 0; i < parts.length; i++) {
            List<Known> pods = namespaces.get(i).pods();
            double[] each =
                    FairDivision.divide(
                            parts[i],
                            pods.stream()
                                    .map(pod ->
                                            new FairDivision.Claim(
                                                    pod.member.weight(),
                                                    pod.use(what).wanted(),
                                                    Double.POSITIVE_INFINITY))
                                    .toList());
            for (int j = 0; j < each.length; j++) {
                shares.put(pods.get(j), Math.max(1, (long) each[j]));
            }
        }
        return shares;
    }

    private static double wanted(Namespace namespace, Divided what) {
        return namespace.pods().stream().mapToDouble(pod -> pod.use(what).wanted()).sum();
    }

    private Map<String, Namespace> namespaces() {
        Map<String, Namespace> namespaces = new TreeMap<>();
        for (Known one : known.values()) {
            String name = one.member.namespace();
            namespaces
                    .computeIfAbsent(
                            name,
                            _ -> new Namespace(configuration.weightOf(name), new ArrayList<>()))
                    .pods()
                    .add(one);
        }
        return namespaces;
    }

    /** Divides no more; the last shares hold. Idempotent. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
