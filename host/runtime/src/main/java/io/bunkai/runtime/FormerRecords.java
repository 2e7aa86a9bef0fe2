// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads records, those of the daemon before this one, too: its containers run on. */
final class FormerRecords {
    /** The last version before guests could share files with the host. */
    private static final int WITHOUT_SHARES = 3;

    private FormerRecords() {}

    /**
     * {@return the record; of another version than {@link ContainerRecord#VERSION} if it is too old
     * or too new, null if the text is no record at all}
     *
     * @throws tools.jackson.core.JacksonException if the text makes no sense
     */
    static @Nullable ContainerRecord read(byte[] text) {
        JsonNode tree = PlanJson.MAPPER.readTree(text);
        if (tree instanceof ObjectNode record
                && record.path("version").asInt(0) == WITHOUT_SHARES
                && record.path("plan") instanceof ObjectNode plan
                && plan.path("machine") instanceof ObjectNode machine
                && plan.path("host") instanceof ObjectNode host
                && plan.path("guest") instanceof ObjectNode guest) {
            record.put("version", ContainerRecord.VERSION);
            record.putNull("server");
            machine.putNull("fileSystem");
            host.putNull("sharing");
            guest.putArray("storages");
        }
        return PlanJson.MAPPER.treeToValue(tree, ContainerRecord.class);
    }
}
