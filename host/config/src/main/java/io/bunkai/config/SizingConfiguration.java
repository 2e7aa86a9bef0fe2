// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;

/**
 * Processors and memory of a machine.
 *
 * @param processors what a machine starts with where no limit says otherwise; can be a fraction
 * @param maximumProcessors what it can grow to
 * @param overheadProcessors added to a pod's limits
 * @param memory what a machine starts with where no limit says otherwise
 * @param maximumMemory what it can grow to; at least {@code memory}
 * @param overheadMemory added to a pod's limits
 * @param sizedOnce whether a machine keeps the size that its pod's limits gave it
 */
public record SizingConfiguration(
        double processors,
        int maximumProcessors,
        double overheadProcessors,
        ByteSize memory,
        ByteSize maximumMemory,
        ByteSize overheadMemory,
        boolean sizedOnce) {}
