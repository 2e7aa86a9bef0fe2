// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import org.jspecify.annotations.Nullable;

/** A request that may have to wait, and what it was charged. Used again with its chain. */
abstract class Ticket {
    /** Where it was charged; null if it was not. */
    @Nullable Budget budget;

    Direction direction = Direction.NONE;
    long bytes;
    long since;
    long due;

    /** By which of the limits it is due no earlier; null if it is due at once. */
    @Nullable Meter heldBy;

    /** Carries the request out. Called once if it was parked, by any thread. */
    abstract void carryOut();
}
