// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * What a start did when: every step with its begin and its end, host and guest. Safe for use by
 * several threads.
 */
public final class Timeline {
    private static final long NANOS_PER_MICRO = 1000;

    /** The guest says what it likes, as often as it likes. An agent's start has a dozen steps. */
    static final int MOST_GUEST_STEPS = 256;

    /** A guest that has run for longer than this has no start to tell of. */
    private static final long LONGEST_MICROS = 3_600_000_000L;

    private final NanoClock clock;
    private final long origin;
    private final List<Step> hostSteps = new ArrayList<>(); // guarded by this
    private final List<Step> guestSteps =
            new ArrayList<>(); // by the guest's clock; guarded by this
    private long guestOrigin; // guarded by this
    private long shortestDelay = Long.MAX_VALUE; // between the clocks; guarded by this
    private boolean isOlderThanItsStart; // the guest's clock; guarded by this
    private long finish = Long.MAX_VALUE; // guarded by this

    /** Begins a timeline: its zero is now. */
    public Timeline(NanoClock clock) {
        this.clock = clock;
        this.origin = clock.nanos();
        this.guestOrigin = origin;
    }

    /** Where a step took place. */
    public enum Side {
        HOST,
        GUEST
    }

    /**
     * One step.
     *
     * @param name what was done: {@code machine.launch}
     * @param beginMicros since the timeline's zero
     * @param endMicros since the timeline's zero
     * @param detail for people; may be empty
     * @param vmmCpuMicros of processor time that the hypervisor's process had used by its end; 0 if
     *     nobody looked
     */
    public record Step(
            String name,
            Side side,
            long beginMicros,
            long endMicros,
            String detail,
            long vmmCpuMicros) {
        /** A step at whose end nobody looked at the hypervisor. */
        public Step(String name, Side side, long beginMicros, long endMicros, String detail) {
            this(name, side, beginMicros, endMicros, detail, 0);
        }

        private Step later(long micros) {
            return new Step(name, side, beginMicros + micros, endMicros + micros, detail);
        }

        private Step notBefore(long micros) {
            return new Step(
                    name,
                    side,
                    Math.max(micros, beginMicros),
                    Math.max(micros, endMicros),
                    detail,
                    vmmCpuMicros);
        }
    }

    /**
     * Does {@code work} and notes how long it took, also if it failed. {@return what the work
     * returned}
     */
    public <T> T step(String name, Callable<T> work) throws Exception {
        return step(name, work, () -> 0);
    }

    /** As the other one. {@code vmmCpuMicros} tells at its end what the hypervisor has used. */
    <T> T step(String name, Callable<T> work, LongSupplier vmmCpuMicros) throws Exception {
        long begin = micros();
        String detail = "";
        try {
            return work.call();
        } catch (Exception e) {
            detail = "failed";
            throw e;
        } finally {
            long end = micros();
            add(new Step(name, Side.HOST, begin, end, detail, vmmCpuMicros.getAsLong()));
        }
    }

    /** Notes a step of the host. */
    public void hostStep(String name, long beginMicros, long endMicros) {
        add(new Step(name, Side.HOST, beginMicros, endMicros, ""));
    }

    /** The guest's first instruction is about to run: no step of it is earlier than this. */
    public synchronized void guestStarts() {
        guestOrigin = clock.nanos();
    }

    /**
     * Notes a step of the guest, in microseconds of its own uptime, as soon as it is told of. The
     * numbers are the guest's: what cannot be, and more than a start can have, is left out.
     *
     * <p>The guest's clock begins when its kernel takes over from the firmware, and nobody says
     * when that is. But a step is told of right after its end, so of all differences between the
     * clocks that the steps show, the least is the closest to the truth. The clock of a clone goes
     * on from its template's: it is known by a step that ends later than such a clock could show.
     *
     * @return whether it was noted
     */
    public synchronized boolean guestStep(String name, long beginMicros, long endMicros) {
        if (beginMicros < 0
                || endMicros < beginMicros
                || endMicros > LONGEST_MICROS
                || guestSteps.size() == MOST_GUEST_STEPS) {
            return false;
        }
        long delay = micros() - endMicros;
        isOlderThanItsStart |= delay < guestOriginMicros();
        shortestDelay = Math.min(shortestDelay, delay);
        guestSteps.add(new Step(name, Side.GUEST, beginMicros, endMicros, ""));
        return true;
    }

    /** The start is over: what the guest begins later is no part of it. */
    public synchronized void finished() {
        finish = micros();
    }

    /** {@return microseconds since the timeline's zero} */
    public long micros() {
        return (clock.nanos() - origin) / NANOS_PER_MICRO;
    }

    /** {@return all steps so far, by their begin} */
    public synchronized List<Step> steps() {
        long first = guestOriginMicros();
        long shift = isOlderThanItsStart ? shortestDelay : Math.max(first, shortestDelay);
        return Stream.concat(
                        hostSteps.stream(),
                        guestSteps.stream()
                                .map(step -> step.later(shift).notBefore(first))
                                .filter(step -> step.beginMicros() <= finish))
                .sorted(Comparator.comparingLong(Step::beginMicros).thenComparing(Step::name))
                .toList();
    }

    private long guestOriginMicros() {
        return (guestOrigin - origin) / NANOS_PER_MICRO;
    }

    private synchronized void add(Step step) {
        hostSteps.add(step);
    }
}
