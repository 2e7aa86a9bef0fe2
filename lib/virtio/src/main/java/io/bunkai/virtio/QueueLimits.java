// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * What one queue may take of this process.
 *
 * @param descriptors the most that a queue may have, a power of two up to 32768
 * @param chainDescriptors the most of one request, those of an indirect table included. VIRTIO
 *     allows as many as the queue has; Linux counts an indirect table as one.
 * @param chainBytes the most of one request, readable and writable together
 * @param rangesInFlight how many pieces of memory may belong to requests that are not complete;
 *     beyond it no more are taken until some are
 * @param batch after how many completions by the queue's own thread the guest is told at the latest
 */
public record QueueLimits(
        int descriptors, int chainDescriptors, int chainBytes, int rangesInFlight, int batch) {
    /** As large as QEMU allows a queue to be; requests of up to 2 GiB; about 1 MiB of heap. */
    public static final QueueLimits DEFAULT =
            new QueueLimits(1024, 1024, Integer.MAX_VALUE, 64 * 1024, 16);

    /** Checks that each is a number that can be. */
    public QueueLimits {
        if (!RingAddresses.isPossibleSize(descriptors)) {
            throw new IllegalArgumentException("a queue of " + descriptors + " descriptors");
        }
        if (chainDescriptors < 1 || chainBytes < 1 || rangesInFlight < 1 || batch < 1) {
            throw new IllegalArgumentException("a limit of less than 1");
        }
    }

    /** {@return these limits with another {@code chainBytes}} */
    public QueueLimits withChainBytes(int bytes) {
        return new QueueLimits(descriptors, chainDescriptors, bytes, rangesInFlight, batch);
    }

    /** {@return these limits with another {@code descriptors}} */
    public QueueLimits withDescriptors(int count) {
        return new QueueLimits(count, chainDescriptors, chainBytes, rangesInFlight, batch);
    }

    /** {@return these limits with another {@code chainDescriptors}} */
    public QueueLimits withChainDescriptors(int count) {
        return new QueueLimits(descriptors, count, chainBytes, rangesInFlight, batch);
    }

    /** {@return these limits with another {@code rangesInFlight}} */
    public QueueLimits withRangesInFlight(int count) {
        return new QueueLimits(descriptors, chainDescriptors, chainBytes, count, batch);
    }

    /** {@return these limits with another {@code batch}} */
    public QueueLimits withBatch(int completions) {
        return new QueueLimits(
                descriptors, chainDescriptors, chainBytes, rangesInFlight, completions);
    }
}
