// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Asks how far a migration has come.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-migrate
 */
public record QueryMigrate() implements QmpCommand<QueryMigrate.Answer> {
    /**
     * How far it has come.
     *
     * @param status {@code none} before the first one, {@code active}, {@code completed}, {@code
     *     failed} and others
     * @param error why it failed; empty if it did not, or nobody knows
     */
    public record Answer(String status, String error) {
        /** {@return whether the machine has arrived} */
        public boolean isCompleted() {
            return status.equals("completed");
        }

        /** {@return whether it never will} */
        public boolean isFailed() {
            return status.equals("failed") || status.equals("cancelled");
        }
    }

    @Override
    public String name() {
        return "query-migrate";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public Answer result(QmpValue reply) throws QmpProtocolException {
        return new Answer(
                reply.optionalText("status").orElse("none"),
                reply.optionalText("error-desc").orElse(""));
    }
}
