// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/**
 * What a file server says that it did for its guest. A guest that has taken its server over can say
 * anything: a figure that is no number from 0 on is empty.
 *
 * @param limited whether it has limits now; the counters count only while there is one
 * @param throttled how many requests had to wait and do not any more
 * @param throttledNanos for how long, all together
 * @param parked how many wait now
 * @param waits how many waited less than 1, 2, 4, ... milliseconds, each without those before; the
 *     last has all others. Empty if they make no sense
 */
public record FileUsage(
        boolean limited,
        OptionalLong readBytes,
        OptionalLong writtenBytes,
        OptionalLong requests,
        OptionalLong throttled,
        OptionalLong throttledNanos,
        OptionalLong parked,
        List<Long> waits) {
    /** More than this could be told apart from nothing: the last would be weeks. */
    private static final int MOST_WAITS = 32;

    public FileUsage {
        waits = List.copyOf(waits);
    }

    /** {@return what an answer of the control socket says, as docs/limits.md has it} */
    static FileUsage of(JsonNode answer) {
        return new FileUsage(
                !answer.path("limits").isEmpty(),
                figure(answer.path("bytes-read")),
                figure(answer.path("bytes-written")),
                figure(answer.path("requests")),
                figure(answer.path("throttled")),
                figure(answer.path("throttled-nanos")),
                figure(answer.path("parked")),
                waits(answer.path("waits")));
    }

    private static OptionalLong figure(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0
                ? OptionalLong.of(node.longValue())
                : OptionalLong.empty();
    }

    private static List<Long> waits(JsonNode array) {
        if (!array.isArray() || array.size() > MOST_WAITS) {
            return List.of();
        }
        List<Long> waits = new ArrayList<>();
        long room = Long.MAX_VALUE; // so that their sum is a number, too
        for (JsonNode node : array) {
            OptionalLong wait = figure(node);
            if (wait.isEmpty() || wait.getAsLong() > room) {
                return List.of();
            }
            waits.add(wait.getAsLong());
            room -= wait.getAsLong();
        }
        return waits;
    }
}
