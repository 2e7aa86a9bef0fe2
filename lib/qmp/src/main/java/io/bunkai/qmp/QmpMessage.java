// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

/** One line from the peer, decoded. */
sealed interface QmpMessage {
    /** The first line of a connection. */
    record Greeting(QmpVersion version) implements QmpMessage {}

    /** The answer to the command with this id: it was carried out. */
    record Return(long id, QmpValue value) implements QmpMessage {}

    /** The answer to the command with this id: it was not carried out. */
    record Failure(long id, String errorClass, String description) implements QmpMessage {}

    /** Something happened. */
    record Event(QmpEvent event) implements QmpMessage {}
}
