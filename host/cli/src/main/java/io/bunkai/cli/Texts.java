// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.time.Duration;
import java.util.List;

/** Small pieces of text for people. */
final class Texts {
    private static final int SHORT_ID = 12;
    private static final long SECONDS_PER_MINUTE = 60;
    private static final long MINUTES_PER_HOUR = 60;
    private static final long HOURS_PER_DAY = 24;
    private static final long DAYS_PER_WEEK = 7;

    private Texts() {}

    /**
     * {@return the text with every control character replaced, so that it cannot steer a terminal}
     */
    static String printable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(c ->
                        Character.isISOControl(c)
                                        || Character.getType(c) == Character.FORMAT
                                        || c == 0x2028
                                        || c == 0x2029
                                ? (c == '\t' || c == '\n' ? ' ' : 0xfffd)
                                : c)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    static String shortId(String id) {
        return id.length() <= SHORT_ID ? id : id.substring(0, SHORT_ID);
    }

    /** {@return the text, or its beginning and an ellipsis, at most {@code width} characters} */
    static String shortened(String text, int width) {
        return text.length() <= width ? text : text.substring(0, width - 3) + "...";
    }

    /** {@return the text, or an ellipsis and its end, which is what tells paths apart} */
    static String shortenedPath(String text, int width) {
        return text.length() <= width ? text : "..." + text.substring(text.length() - width + 3);
    }

    /** {@return the words as a person would type them, quoted where a shell would need it} */
    static String commandLine(List<String> words) {
        StringBuilder line = new StringBuilder();
        for (String word : words) {
            if (!line.isEmpty()) {
                line.append(' ');
            }
            boolean plain =
                    !word.isEmpty()
                            && word.chars()
                                    .allMatch(c ->
                                            Character.isLetterOrDigit(c)
                                                    || "@%+=:,./_-".indexOf(c) >= 0);
            line.append(plain ? word : "'" + word.replace("'", "'\\''") + "'");
        }
        return line.toString();
    }

    /** {@return roughly how long, in the largest unit of which there is more than one} */
    static String roughly(Duration duration) {
        long seconds = Math.max(0, duration.toSeconds());
        if (seconds < 2 * SECONDS_PER_MINUTE) {
            return count(seconds, "second");
        }
        long minutes = seconds / SECONDS_PER_MINUTE;
        if (minutes < 2 * MINUTES_PER_HOUR) {
            return count(minutes, "minute");
        }
        long hours = minutes / MINUTES_PER_HOUR;
        if (hours < 2 * HOURS_PER_DAY) {
            return count(hours, "hour");
        }
        long days = hours / HOURS_PER_DAY;
        return days < 2 * DAYS_PER_WEEK ? count(days, "day") : count(days / DAYS_PER_WEEK, "week");
    }

    private static String count(long number, String unit) {
        return number + " " + unit + (number == 1 ? "" : "s");
    }
}
