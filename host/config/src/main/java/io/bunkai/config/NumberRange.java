// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The numbers that a key allows.
 *
 * @param minimum smallest number; negative infinity if there is none
 * @param maximum largest number; infinity if there is none
 * @param powersOfTwo whether only powers of two are allowed between them
 * @param besides numbers that are allowed although they lie outside
 */
public record NumberRange(
        double minimum, double maximum, boolean powersOfTwo, List<Double> besides) {
    /** Every number. */
    static final NumberRange ANY =
            new NumberRange(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, false, List.of());

    public NumberRange {
        besides = List.copyOf(besides);
    }

    /** Reads the notation of the key table: {@code 0 or 512..65536 pow2}. */
    static NumberRange parse(String text) {
        if (text.isEmpty()) {
            return ANY;
        }
        boolean powersOfTwo = text.endsWith(" pow2");
        String rest = powersOfTwo ? text.substring(0, text.length() - " pow2".length()) : text;
        List<Double> besides = new ArrayList<>();
        NumberRange range = ANY;
        for (String part : rest.split(" or ", -1)) {
            int dots = part.indexOf("..");
            if (dots < 0) {
                besides.add(Double.valueOf(part));
            } else {
                range =
                        new NumberRange(
                                bound(part.substring(0, dots), Double.NEGATIVE_INFINITY),
                                bound(part.substring(dots + 2), Double.POSITIVE_INFINITY),
                                powersOfTwo,
                                List.of());
            }
        }
        return new NumberRange(range.minimum, range.maximum, powersOfTwo, besides);
    }

    private static double bound(String text, double open) {
        return text.isEmpty() ? open : Double.parseDouble(text);
    }

    /** {@return whether a key with this range allows {@code number}} */
    public boolean allows(double number) {
        if (besides.contains(number)) {
            return true;
        }
        if (!Double.isFinite(number) || number < minimum || number > maximum) {
            return false;
        }
        return !powersOfTwo || Long.bitCount((long) number) == 1;
    }

    /** {@return the range for people: {@code 0, or a power of two from 512 to 65536}} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (double beside : besides) {
            text.append(plain(beside)).append(", or ");
        }
        if (powersOfTwo) {
            text.append("a power of two ");
        }
        boolean low = Double.isFinite(minimum);
        boolean high = Double.isFinite(maximum);
        if (low && high) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            powersOfTwo ? "from %s to %s" : "%s to %s",
                            plain(minimum),
                            plain(maximum)));
        } else if (low) {
            text.append(plain(minimum)).append(" or more");
        } else if (high) {
            text.append(plain(maximum)).append(" or less");
        } else {
            text.append("any number");
        }
        return text.toString();
    }

    private static String plain(double number) {
        return new BigDecimal(number).toPlainString();
    }
}
