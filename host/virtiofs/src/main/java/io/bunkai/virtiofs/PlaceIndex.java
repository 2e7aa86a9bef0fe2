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
    private record Key(Inode parent, ByteString name) {}

    private final Map<Key, Inode> inodes = new HashMap<>(); // guarded by this

    synchronized void put(Inode inode, Inode parent, MemorySegment name, long at, int length) {
        Inode.Place before = inode.place();
        if (before != null && before.parent() == parent && equal(before.name(), name, at, length)) {
            return; // as mostly
        }
        ByteString bytes = ByteString.of(name, at, length);
        if (before != null) {
            inodes.remove(new Key(before.parent(), before.name()), inode);
        }
        put(new Key(parent, bytes), inode);
    }

    private void put(Key key, Inode inode) {
        Inode old = inodes.put(key, inode);
        if (old != null && old != inode) {
            old.place(null);
        }
        inode.place(new Inode.Place(key.parent(), key.name()));
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
        Inode inode = inodes.remove(new Key(parent, name.bytes()));
        if (inode != null) {
            inode.place(null);
        }
    }

    synchronized void move(
            Inode from, FileName name, Inode to, FileName newName, boolean exchanged) {
        Key before = new Key(from, name.bytes());
        Key after = new Key(to, newName.bytes());
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
            inodes.remove(new Key(place.parent(), place.name()), inode);
            inode.place(null);
        }
    }
}
