// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes that cannot be mistaken for a number of MiB.
 *
 * @param bytes zero or more
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    private static final Pattern TEXT = Pattern.compile("([0-9]+)\\s*([kmgt]?)(i?b?)");
    private static final long STEP = 1024;

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size cannot be negative: " + bytes);
        }
    }

    /** {@return a size of this many bytes} */
    public static ByteSize ofBytes(long bytes) {
        return new ByteSize(bytes);
    }

    /** {@return a size of this many MiB (1024 * 1024 bytes)} */
    public static ByteSize ofMib(long mib) {
        return new ByteSize(Math.multiplyExact(mib, STEP * STEP));
    }

    /**
     * Reads a size as Docker's options write it: {@code 64m}, {@code 1g}, {@code 512MiB}, {@code
     * 4096}. All units are powers of 1024.
     *
     * @throws Fault INVALID_ARGUMENT if the text is no size, or one beyond 63 bits
     */
    public static ByteSize parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw notASize(text);
        }
        try {
            long number = Long.parseLong(matcher.group(1));
            long unit =
                    switch (matcher.group(2)) {
                        case "k" -> STEP;
                        case "m" -> STEP * STEP;
                        case "g" -> STEP * STEP * STEP;
                        case "t" -> STEP * STEP * STEP * STEP;
                        default -> 1;
                    };
            return new ByteSize(Math.multiplyExact(number, unit));
        } catch (ArithmeticException | NumberFormatException e) {
            throw notASize(text).causedBy(e);
        }
    }

    private static Fault notASize(String text) {
        return Fault.invalidArgument("'%s' is not a size", text)
                .withHint("write a number of bytes, or a number with k, m, g or t: 512m");
    }

    /**
     * {@return this size in whole MiB, rounded up, so that what is counted in MiB is never too
     * small}
     */
    public long mibCeiling() {
        return Math.ceilDiv(bytes, STEP * STEP);
    }

    /** {@return the sum of both sizes} */
    public ByteSize plus(ByteSize other) {
        return new ByteSize(Math.addExact(bytes, other.bytes));
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** {@return the size for people: {@code 512 MiB}, {@code 1.5 GiB}, {@code 17 B}} */
    @Override
    public String toString() {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= STEP && unit < units.length - 1) {
            value /= STEP;
            unit++;
        }
        boolean whole = value == Math.rint(value);
        return String.format(Locale.ROOT, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
