// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.List;

/**
 * A template, for people.
 *
 * @param key of its kind, in hexadecimal digits
 * @param inputs what makes its kind, a line each
 * @param createdAtMillis since the epoch
 * @param bytes of the disk that it takes
 * @param isStale whether a file among the inputs is another one by now, so that no start will use
 *     it
 */
public record TemplateView(
        String key, List<String> inputs, long createdAtMillis, long bytes, boolean isStale) {
    /** Copies. */
    public TemplateView {
        inputs = List.copyOf(inputs);
    }
}
