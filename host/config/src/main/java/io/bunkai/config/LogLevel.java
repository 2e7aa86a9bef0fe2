// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/** How much is logged. */
public enum LogLevel {
    /** Everything. */
    TRACE,
    /** What helps to find a defect. */
    DEBUG,
    /** Changes of state. */
    INFO,
    /** What is odd and survived. */
    WARNING,
    /** What somebody must act on. */
    ERROR;

    static LogLevel ofWord(String word) {
        return switch (word) {
            case "trace" -> TRACE;
            case "debug" -> DEBUG;
            case "info" -> INFO;
            case "warn", "warning" -> WARNING;
            case "error", "critical" -> ERROR;
            default -> throw new IllegalArgumentException(word);
        };
    }

    /** {@return the more talkative of this level and {@code other}} */
    LogLevel orMore(LogLevel other) {
        return compareTo(other) <= 0 ? this : other;
    }
}
