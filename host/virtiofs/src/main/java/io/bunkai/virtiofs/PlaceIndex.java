// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.FileName;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Under which names files were last seen, for file systems that have no handles. A file has one
 * place here, whichever of its names was used last.
 */
final class PlaceIndex {
    private Map<Inode.Place, Inode> inodes = new HashMap<>(); // guarded by this

    synchronized void put(Inode inode, Inode parent, MemorySegment name, long at, int length) {
        Inode.Place before = inode.place();
        if (before != null && before.parent() == parent && equal(before.name(), name, at, length)) {
            return; // as mostly
        }
        ByteString bytes = ByteString.of(name, at, length);
        if (before != null) {
            inodes.remove(before, inode);
        }
        put(new Inode.Place(parent, bytes), inode);
    }

    private void put(Inode.Place place, Inode inode) {
        Inode old = inodes.put(place, inode);
        if (old != null && old != inode) {
            old.place(null);
        }
        inode.place(place);
    }

    private static boolean equal(ByteString name, MemorySegment other, long at, int length) {
        if (name.length() != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (name.at(i) != other.get(ValueLayout.JAVA_BYTE, at + i)) {
                return false;
            }
        }
        return true;
    }

    synchronized void remove(Inode parent, FileName name) {
        Inode inode = inodes.remove(new Inode.Place(parent, name.bytes()));
        if (inode != null) {
            inode.place(null);
        }
    }

    synchronized void move(
            Inode from, FileName name, Inode to, FileName newName, boolean exchanged) {
        Inode.Place before = new Inode.Place(from, name.bytes());
        Inode.Place after = new Inode.Place(to, newName.bytes());
        @Nullable Inode moved = inodes.remove(before);
        @Nullable Inode other = inodes.remove(after);
        if (other != null) {
            other.place(null);
            if (exchanged) {
                put(before, other);
            }
        }
        if (moved != null) {
            put(after, moved);
        }
    }

    synchronized void drop(Inode inode) {
        Inode.Place place = inode.place();
        if (place != null) {
            inodes.remove(place, inode);
            inode.place(null);
        }
    }

    /** Gives back what a large number of names needed that are gone. */
    synchronized void shrink() {
        inodes = new HashMap<>(inodes);
    }
}
