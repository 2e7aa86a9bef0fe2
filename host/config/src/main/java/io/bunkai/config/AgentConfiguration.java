// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.time.Duration;

/**
 * The guest's agent.
 *
 * @param transport the channel to it
 * @param debug whether it logs in detail
 * @param logLevel what it logs
 * @param dialTimeout how long a guest may take until its agent answers
 * @param dialAttemptTimeout how long one attempt to reach it may take
 * @param createContainerTimeout how long it may take to create a container
 */
public record AgentConfiguration(
        Transport transport,
        boolean debug,
        LogLevel logLevel,
        Duration dialTimeout,
        Duration dialAttemptTimeout,
        Duration createContainerTimeout) {
    /** A channel between host and guest. */
    public enum Transport {
        /** What the guest image offers. */
        AUTO,
        /** A virtio-serial port. */
        VIRTIO_SERIAL
    }
}
