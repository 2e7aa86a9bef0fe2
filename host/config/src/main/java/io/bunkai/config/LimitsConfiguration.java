// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/**
 * What a pod may have of the host's files, or of its block devices, at most.
 *
 * @param bandwidth bytes read and written per second; 0 is no limit
 * @param burst bytes beyond that, once
 * @param operations requests per second; 0 is no limit
 * @param operationsBurst requests beyond that, once
 */
public record LimitsConfiguration(
        long bandwidth, long burst, long operations, long operationsBurst) {
    /** {@return whether there is none} */
    public boolean isUnlimited() {
        return bandwidth == 0 && operations == 0;
    }
}
