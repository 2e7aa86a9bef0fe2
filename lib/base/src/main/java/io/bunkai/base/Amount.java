// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Numbers of bytes and of requests as people write them. */
public final class Amount {
    private static final Pattern TEXT = Pattern.compile("([0-9]{1,18})(?:([kKMG])(i?))?");
    private static final long MOST = 1L << 50;
    private static final long STEP = 1000;
    private static final long BINARY_STEP = 1024;

    private Amount() {}

    /**
     * {@return the number that a text says} A whole number up to 2^50, with k, M, G (powers of
     * 1000) or Ki, Mi, Gi (powers of 1024) behind it; empty if it is none.
     */
    public static OptionalLong of(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return OptionalLong.empty();
        }
        long unit = unit(matcher.group(2), matcher.group(3));
        long number = Long.parseLong(matcher.group(1));
        return number <= MOST / unit ? OptionalLong.of(number * unit) : OptionalLong.empty();
    }

    private static long unit(@Nullable String prefix, @Nullable String binary) {
        if (prefix == null || binary == null) {
            return 1;
        }
        long step = binary.isEmpty() ? STEP : BINARY_STEP;
        return switch (prefix) {
            case "k", "K" -> step;
            case "M" -> step * step;
            default -> step * step * step;
        };
    }
}
