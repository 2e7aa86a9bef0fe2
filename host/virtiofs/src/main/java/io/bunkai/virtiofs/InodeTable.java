// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.StatusView;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The files that the guest knows, by node and by what the host calls them. A node is a place in the
 * table, and above that how often the place was used, so that a node of a file that was forgotten
 * is never taken for a later one.
 */
final class InodeTable {
    /** The root's place, which is the node's number, too. */
    private static final int ROOT = 1;

    private static final int FIRST_CAPACITY = 1024;
    private static final int MANY = 50_000;
    private static final int FEW_OF_THEM = 50;

    /** The key of a mount. */
    private record MountKey(long id, long device) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<MountKey, HostMount> mounts = new HashMap<>(); // guarded by lock
    private Inode[] buckets; // guarded by lock
    private int[] free = new int[FIRST_CAPACITY]; // guarded by lock
    private int freeCount; // guarded by lock
    private int[] generations = new int[FIRST_CAPACITY]; // guarded by lock
    private int end = ROOT; // guarded by lock: no place from here on is used
    private int firstGeneration; // guarded by lock: of places from there on
    private int count; // guarded by lock
    private int most; // guarded by lock: known at a time, since they were many
    private int next = MANY; // guarded by lock: with how many the heap is collected again
    private int few = MANY; // guarded by lock: fewer are not worth a collection
    private int hand; // guarded by lock

    /** Whether memory was given up that only a collection gives back. */
    private volatile boolean leftGarbage;

    /** Written under the lock, read without. */
    private volatile @Nullable Inode[] places = new Inode[FIRST_CAPACITY];

    InodeTable() {
        buckets = new Inode[FIRST_CAPACITY];
    }

    /** {@return the file of a node, or null if the guest does not know any by that} */
    @Nullable Inode get(long node) {
        @Nullable Inode[] all = places;
        int place = (int) node;
        if (place <= 0 || place >= all.length) {
            return null;
        }
        Inode inode = all[place];
        return inode != null && inode.node == node ? inode : null;
    }

    /** {@return the mount, if a file of it is known} */
    @Nullable HostMount mount(StatusView status) {
        lock.lock();
        try {
            return mounts.get(new MountKey(status.mount(), status.device()));
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether a file of that number may be known; it is not counted as looked up} */
    boolean mayKnow(HostMount mount, long number) {
        lock.lock();
        try {
            for (Inode i = buckets[bucket(number, buckets.length)]; i != null; i = i.next) {
                if (i.number == number && i.mount == mount) {
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the file with this status, counted as looked up once more; null if not known} */
    @Nullable Inode lookUp(StatusView status) {
        lock.lock();
        try {
            Inode inode = find(status);
            if (inode != null) {
                inode.lookups++;
            }
            return inode;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Inode find(StatusView status) {
        for (Inode i = buckets[bucket(status.inode(), buckets.length)]; i != null; i = i.next) {
            if (i.is(status)) {
                return i;
            }
        }
        return null;
    }

    /** Makes a file known, as one that is looked up once. */
    interface Maker {
        Inode make(long node, HostMount mount);
    }

    /**
     * {@return the file with this status, counted as looked up once more; made if it is not known}
     *
     * @param candidate a mount to use if there is none with this status yet
     */
    Inode enter(StatusView status, HostMount candidate, Maker maker) {
        boolean collect = false;
        lock.lock();
        try {
            Inode known = find(status);
            if (known != null) {
                known.lookups++;
                return known;
            }
            HostMount mount =
                    mounts.computeIfAbsent(
                            new MountKey(status.mount(), status.device()), _ -> candidate);
            mount.inodes++;
            int place = place();
            Inode inode = maker.make((long) generations[place] << 32 | place, mount);
            inode.lookups = 1;
            VarHandle.storeStoreFence(); // whoever finds it finds it complete
            places[place] = inode;
            count++;
            most = Math.max(most, count);
            collect = count >= next;
            if (collect) {
                next = 2 * count;
            }
            if (count > buckets.length) {
                rehash(2 * buckets.length);
            }
            link(inode, buckets);
            return inode;
        } finally {
            lock.unlock();
            if (collect) {
                System.gc(); // making them known left as much garbage again
            }
        }
    }

    private int place() {
        if (freeCount > 0) {
            freeCount--;
            return free[freeCount];
        }
        if (end == places.length) {
            generations = Arrays.copyOf(generations, 2 * end);
            places = Arrays.copyOf(places, 2 * end);
        }
        generations[end] = firstGeneration;
        return end++;
    }

    private static int bucket(long number, int buckets) {
        long mixed = number * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> 40) & buckets - 1;
    }

    private static void link(Inode inode, Inode[] into) {
        int bucket = bucket(inode.number, into.length);
        inode.next = into[bucket];
        into[bucket] = inode;
    }

    private void rehash(int size) {
        Inode[] larger = new Inode[size];
        for (Inode first : buckets) {
            Inode inode = first;
            while (inode != null) {
                Inode next = inode.next;
                link(inode, larger);
                inode = next;
            }
        }
        buckets = larger;
    }

    /** {@return the file, if that was the last that the guest knew of it; it is not known then} */
    @Nullable Inode forget(long node, long times) {
        lock.lock();
        try {
            Inode inode = get(node);
            if (inode == null || node == ROOT) {
                return null;
            }
            inode.lookups -= Math.min(times, inode.lookups);
            if (inode.lookups > 0) {
                return null;
            }
            remove(inode);
            if (most >= few && count < most / FEW_OF_THEM) {
                shrink();
            }
            return inode;
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return whether memory for many files was given up since this was asked last} It comes back
     * to the system when the heap is collected, once nobody refers to the files any more.
     */
    boolean hasLeftGarbage() {
        if (!leftGarbage) {
            return false;
        }
        lock.lock();
        try {
            boolean left = leftGarbage;
            leftGarbage = false;
            return left;
        } finally {
            lock.unlock();
        }
    }

    private void remove(Inode inode) {
        int place = (int) inode.node;
        places[place] = null;
        generations[place]++;
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, 2 * freeCount);
        }
        free[freeCount] = place;
        freeCount++;
        unlink(inode);
        count--;
        inode.mount.inodes--;
        if (inode.mount.inodes == 0) {
            mounts.values().remove(inode.mount);
            inode.mount.close();
        }
    }

    private void unlink(Inode inode) {
        int bucket = bucket(inode.number, buckets.length);
        Inode before = null;
        for (Inode i = buckets[bucket]; i != null; i = i.next) {
            if (i == inode) {
                if (before == null) {
                    buckets[bucket] = i.next;
                } else {
                    before.next = i.next;
                }
                i.next = null;
                return;
            }
            before = i;
        }
    }

    /**
     * Gives back what a large number of files needed, up to the last place that is used. Those that
     * are left may still be many, and are forgotten next: that is waited for, too.
     */
    private void shrink() {
        few = count >= FIRST_CAPACITY ? FIRST_CAPACITY : MANY;
        most = count;
        next = MANY;
        leftGarbage = true;
        int size = FIRST_CAPACITY;
        while (size < count) {
            size *= 2;
        }
        if (size < buckets.length) {
            rehash(size);
        }
        int used = end;
        while (used > ROOT + 1 && places[used - 1] == null) {
            used--;
            firstGeneration = Math.max(firstGeneration, generations[used]);
        }
        int capacity = FIRST_CAPACITY;
        while (capacity < used) {
            capacity *= 2;
        }
        if (capacity < places.length) {
            forgetPlaces(used, capacity);
        }
    }

    private void forgetPlaces(int used, int capacity) {
        end = used;
        generations = Arrays.copyOf(generations, capacity);
        places = Arrays.copyOf(places, capacity);
        int kept = 0;
        for (int i = 0; i < freeCount; i++) {
            if (free[i] < used) {
                free[kept] = free[i];
                kept++;
            }
        }
        freeCount = kept;
        free = Arrays.copyOf(free, Math.max(FIRST_CAPACITY, kept));
    }

    /** {@return all files but the root, none of which is known any more} */
    List<Inode> clear() {
        lock.lock();
        try {
            List<Inode> all = new ArrayList<>(count);
            for (int place = ROOT + 1; place < end; place++) {
                Inode inode = places[place];
                if (inode != null) {
                    remove(inode);
                    all.add(inode);
                }
            }
            if (most >= few) {
                shrink();
            }
            return all;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Goes around the table from where it stopped last, at most once.
     *
     * @param visitor says whether to go on
     */
    void visit(Predicate<Inode> visitor) {
        for (int i = 0; ; i++) {
            Inode inode;
            lock.lock();
            try {
                if (i >= 2 * end) { // those that were used get their second chance
                    return;
                }
                hand = hand + 1 >= end ? ROOT + 1 : hand + 1;
                inode = hand < end ? places[hand] : null;
            } finally {
                lock.unlock();
            }
            if (inode != null && !visitor.test(inode)) {
                return;
            }
        }
    }

    /** {@return how many files are known} */
    int count() {
        lock.lock();
        try {
            return count;
        } finally {
            lock.unlock();
        }
    }
}
