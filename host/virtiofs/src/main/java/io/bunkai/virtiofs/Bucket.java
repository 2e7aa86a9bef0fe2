// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.concurrent.atomic.AtomicLong;

/**
 * One limit at work. What is asked for is charged when it is asked for, and the answer is when it
 * is due: now, if enough was saved up, or when the limit has brought what is missing. A due time
 * follows from what was charged alone, and not from when somebody woke up: lateness is saved up
 * like any other rest, so that it does not lower the rate. A credit pays for what nothing is left
 * for, so that the refill goes on while it lasts.
 *
 * <p>All state is the time up to which everything charged is paid for; it is never further in the
 * past than what can be saved up. For any thread.
 */
final class Bucket {
    /** Parts of a nanosecond, so that small requests at high rates are not rounded off. */
    private static final int TICKS = 16;

    /** Half a year: the most that one request, or all together, can cost. */
    private static final double MOST_TICKS = 1L << 58;

    private final Limit limit;
    private final double ticksEach;
    private final long depthTicks;
    private final AtomicLong paidUntil;
    private final AtomicLong credit;

    /** A bucket that is full. */
    Bucket(Limit limit, long now) {
        this(limit, now, (double) limit.depth(), limit.credit());
    }

    private Bucket(Limit limit, long now, double level, long credit) {
        this.limit = limit;
        this.ticksEach = (double) limit.refillNanos() * TICKS / limit.size();
        this.depthTicks = ticks((double) limit.depth());
        this.paidUntil = new AtomicLong(now * TICKS - (level < 0 ? -ticks(-level) : ticks(level)));
        this.credit = new AtomicLong(credit);
    }

    Limit limit() {
        return limit;
    }

    private long ticks(double amount) {
        return (long) (Math.min(MOST_TICKS, amount * ticksEach) + 0.5);
    }

    /**
     * Charges an amount, whatever it is.
     *
     * @param now monotonic time, in nanoseconds
     * @return when it is due, no earlier than now
     */
    long charge(long amount, long now) {
        long ticksNow = now * TICKS;
        long left = amount;
        while (true) {
            long before = paidUntil.get();
            // Only differences have a meaning, so they are what is compared.
            long ahead = Math.max(before - ticksNow, -depthTicks) + ticks((double) left);
            ahead = Math.min(ahead, (long) MOST_TICKS);
            if (ahead > 0) {
                long missing = Math.min(left, (long) Math.ceil(ahead / ticksEach));
                long taken = fromCredit(missing);
                if (taken > 0) {
                    left -= taken;
                    continue;
                }
            }
            if (paidUntil.compareAndSet(before, ticksNow + ahead)) {
                return ahead <= 0 ? now : now + Math.ceilDiv(ahead, TICKS);
            }
        }
    }

    private long fromCredit(long amount) {
        while (true) {
            long before = credit.get();
            long taken = Math.min(before, amount);
            if (taken == 0 || credit.compareAndSet(before, before - taken)) {
                return taken;
            }
        }
    }

    /** Gives back what was charged and not used. */
    void refund(long amount) {
        paidUntil.addAndGet(-ticks((double) amount));
    }

    /** {@return what is saved up, the credit not counted; what is owed if it is negative} */
    double level(long now) {
        long ahead = Math.max(paidUntil.get() - now * TICKS, -depthTicks);
        return -ahead / ticksEach;
    }

    /** {@return what is left of the credit} */
    long creditLeft() {
        return credit.get();
    }

    /**
     * {@return a bucket with another limit that goes on where this one is}
     *
     * @param withdrawn what was charged here and will be charged there
     * @param anew whether the credit is given once more; else what is left of it stays
     */
    Bucket with(Limit to, long withdrawn, boolean anew, long now) {
        double level = Math.min(level(now) + withdrawn, (double) to.depth());
        long left = anew ? to.credit() : Math.min(credit.get(), to.credit());
        return new Bucket(to, now, level, left);
    }
}
