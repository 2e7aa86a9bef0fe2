// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/** Which way a request moves data; those of one direction are done in the order they came in. */
enum Direction {
    READ,
    WRITE,
    /** From file to file: read and written. */
    COPY,
    /** Moves none. */
    NONE
}
