// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;
import java.util.List;

/**
 * How folders and files of the host reach the guest.
 *
 * @param enabled whether they do; without, the guest gets copies of small files and nothing else
 * @param server the file server's program
 * @param cache its cache mode: {@code never}, {@code metadata}, {@code auto} or {@code always}
 * @param queueSize requests that wait in a queue at most; a power of two
 * @param arguments further arguments of the file server
 * @param limits how much of them the guest may read and write
 */
public record SharingConfiguration(
        boolean enabled,
        Path server,
        String cache,
        int queueSize,
        List<String> arguments,
        LimitsConfiguration limits) {
    public SharingConfiguration {
        arguments = List.copyOf(arguments);
    }
}
