// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * What a queue has done since the session began.
 *
 * @param taken requests that were taken from the guest
 * @param completed requests that were given back
 * @param wakes how often its thread was woken, by the guest or by us
 * @param calls how often the guest was called
 */
public record QueueCounters(long taken, long completed, long wakes, long calls) {
    static final QueueCounters NONE = new QueueCounters(0, 0, 0, 0);

    QueueCounters plus(QueueCounters other) {
        return new QueueCounters(
                taken + other.taken,
                completed + other.completed,
                wakes + other.wakes,
                calls + other.calls);
    }
}
