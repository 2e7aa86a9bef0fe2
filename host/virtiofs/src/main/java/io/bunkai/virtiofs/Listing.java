// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Lists a directory as a guest does that wants attributes with the names: with READDIRPLUS. */
final class Listing {
    private static final int ENTRY = Structs.ENTRY_OUT.bytes();
    private static final int NAME_BYTES = Structs.DIRENT.offset("namelen");
    private static final int NEXT = Structs.DIRENT.offset("off");
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Listing() {}

    /** Is told of each entry, "." and ".." among them. */
    interface Visitor {
        /**
         * Looks at an entry.
         *
         * @param node zero if the name alone was told
         * @param name valid until this returns
         */
        void visit(long node, MemorySegment name);
    }

    /**
     * Lists from the beginning to the end.
     *
     * @param handle of the open directory
     * @param bytes how much is asked for at a time
     */
    static void list(GuestMount guest, long directory, long handle, int bytes, Visitor visitor)
            throws IOException {
        long next = 0;
        while (true) {
            int arguments = guest.put(handle, next, bytes, 0, 0L, 0, 0);
            guest.call(Opcode.READDIRPLUS, directory, arguments, 0, 0, bytes);
            int length = guest.lane(0).length(0);
            if (length == 0) {
                return;
            }
            MemorySegment data = guest.lane(0).data(0);
            for (int at = 0; at < length; ) {
                int nameLength = data.get(INT, at + ENTRY + NAME_BYTES);
                int nameAt = at + ENTRY + Structs.DIRENT.bytes();
                visitor.visit(data.get(LONG, at), data.asSlice(nameAt, nameLength));
                next = data.get(LONG, at + ENTRY + NEXT);
                at = nameAt + nameLength + 7 & -8;
            }
        }
    }
}
