// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

/** Versions of the protocols that are defined here, as their speakers state them. */
public final class ProtocolVersion {
    /**
     * Of {@code bunkai.control.v1}. It grows with every change after which an older command line or
     * daemon would misunderstand; a client that finds another number gives up.
     */
    public static final int CONTROL = 1;

    /** Of Kata Containers' agent protocol, as {@code Health.Version} answers it. */
    public static final String AGENT = "0.0.1";

    /** Of the framing on the agent's virtio-serial port. */
    public static final int CHANNEL = 1;

    private ProtocolVersion() {}
}
