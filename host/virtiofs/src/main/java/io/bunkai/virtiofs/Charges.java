// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.Arrays;

/** What each file takes, by its number: a table of numbers alone, for there may be millions. */
final class Charges {
    /** What {@link #get} answers for a file that is not there. */
    static final long NONE = -1;

    private static final int FIRST_CAPACITY = 1024; // a power of two

    private long[] numbers = new long[FIRST_CAPACITY];
    private long[] blocks = empty(FIRST_CAPACITY);
    private int count;

    private static long[] empty(int capacity) {
        long[] none = new long[capacity];
        Arrays.fill(none, NONE);
        return none;
    }

    /** {@return how many files there are} */
    int count() {
        return count;
    }

    /** {@return what a file takes, or {@link #NONE}} */
    long get(long number) {
        return blocks[place(number)];
    }

    /** Says what a file takes, zero or more. */
    void put(long number, long taken) {
        int place = place(number);
        if (blocks[place] == NONE) {
            if (count >= numbers.length / 2) {
                grow();
                place = place(number);
            }
            count++;
        }
        numbers[place] = number;
        blocks[place] = taken;
    }

    /** Forgets a file, if it is there. */
    void remove(long number) {
        int hole = place(number);
        if (blocks[hole] == NONE) {
            return;
        }
        count--;
        int mask = numbers.length - 1;
        // What could not be put at the hole moves there, so that every search ends where it should.
        for (int next = hole + 1 & mask; blocks[next] != NONE; next = next + 1 & mask) {
            int wanted = home(numbers[next]);
            if ((next - wanted & mask) >= (next - hole & mask)) {
                numbers[hole] = numbers[next];
                blocks[hole] = blocks[next];
                hole = next;
            }
        }
        blocks[hole] = NONE;
    }

    private int home(long number) {
        long mixed = number * 0x9e3779b97f4a7c15L;
        return (int) (mixed >>> 32) & numbers.length - 1;
    }

    /** {@return where a file stands, or where it would} */
    private int place(long number) {
        int place = home(number);
        while (blocks[place] != NONE && numbers[place] != number) {
            place = place + 1 & numbers.length - 1;
        }
        return place;
    }

    private void grow() {
        long[] oldNumbers = numbers;
        long[] oldBlocks = blocks;
        numbers = new long[2 * oldNumbers.length];
        blocks = empty(numbers.length);
        for (int i = 0; i < oldNumbers.length; i++) {
            if (oldBlocks[i] != NONE) {
                int place = place(oldNumbers[i]);
                numbers[place] = oldNumbers[i];
                blocks[place] = oldBlocks[i];
            }
        }
    }
}
