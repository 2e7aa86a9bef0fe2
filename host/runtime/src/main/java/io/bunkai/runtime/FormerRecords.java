// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads records, those of the daemon before this one, too: its containers run on. */
final class FormerRecords {
    /** The last version before guests could share files with the host. */
    private static final int WITHOUT_SHARES = 3;

    /** The last version before guests could have the host's block devices. */
    private static final int WITHOUT_DEVICES = 4;

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
                && record.path("plan") instanceof ObjectNode plan
                && plan.path("machine") instanceof ObjectNode machine
                && plan.path("host") instanceof ObjectNode host
                && plan.path("guest") instanceof ObjectNode guest) {
            if (record.path("version").asInt(0) == WITHOUT_SHARES) {
                record.put("version", WITHOUT_DEVICES);
                record.putNull("server");
                machine.putNull("fileSystem");
                host.putNull("sharing");
                guest.putArray("storages");
            }
            if (record.path("version").asInt(0) == WITHOUT_DEVICES) {
                record.put("version", ContainerRecord.VERSION);
                plan.putArray("devices");
                machine.set("diskLimits", PlanJson.MAPPER.valueToTree(DiskLimits.NONE));
                for (JsonNode disk : machine.path("disks")) {
                    ((ObjectNode) disk).put("kind", Disk.Kind.IMAGE.name());
                }
            }
        }
        return PlanJson.MAPPER.treeToValue(tree, ContainerRecord.class);
    }
}
