// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Fd;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the guest has open, by handle. A handle is a place in the table, and above that how often
 * the place was used, so that one that was released is never taken for a later one.
 */
final class OpenFiles {
    private static final int FIRST_CAPACITY = 64;

    private final Descriptors descriptors;
    private final ReentrantLock lock = new ReentrantLock();
    private int[] free = new int[FIRST_CAPACITY]; // guarded by lock
    private int freeCount; // guarded by lock
    private int[] generations = new int[FIRST_CAPACITY]; // guarded by lock
    private int end = 1; // guarded by lock; a handle of 0 is none

    /** Written under the lock, read without. */
    private volatile @Nullable OpenFile[] places = new OpenFile[FIRST_CAPACITY];

    OpenFiles(Descriptors descriptors) {
        this.descriptors = descriptors;
    }

    /**
     * Makes an open file known.
     *
     * @param fd taken account of, and this table's from now on
     * @param inode held, and let go when the file is closed
     */
    OpenFile add(Fd fd, Inode inode) {
        lock.lock();
        try {
            int place;
            if (freeCount > 0) {
                freeCount--;
                place = free[freeCount];
            } else {
                if (end == places.length) {
                    generations = Arrays.copyOf(generations, 2 * end);
                    places = Arrays.copyOf(places, 2 * end);
                }
                place = end;
                end++;
            }
            OpenFile file =
                    new OpenFile((long) generations[place] << 32 | place, fd, inode, descriptors);
            VarHandle.storeStoreFence(); // whoever finds it finds it complete
            places[place] = file;
            return file;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the open file, which the caller holds and lets go; null if there is none} */
    @Nullable OpenFile hold(long handle) {
        @Nullable OpenFile[] all = places;
        int place = (int) handle;
        if (place <= 0 || place >= all.length) {
            return null;
        }
        OpenFile file = all[place];
        return file != null && file.handle == handle && file.tryHold() ? file : null;
    }

    /** {@return whether there was such an open file} It is closed when nobody uses it any more. */
    boolean release(long handle) {
        OpenFile file;
        lock.lock();
        try {
            int place = (int) handle;
            file = place > 0 && place < end ? places[place] : null;
            if (file == null || file.handle != handle) {
                return false;
            }
            forget(place);
        } finally {
            lock.unlock();
        }
        end(file);
        return true;
    }

    private void forget(int place) {
        places[place] = null;
        generations[place]++;
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, 2 * freeCount);
        }
        free[freeCount] = place;
        freeCount++;
    }

    private static void end(OpenFile file) {
        file.finish();
        file.letGo(); // the table's own use
    }

    /** Closes all of them. */
    void clear() {
        List<OpenFile> all = new ArrayList<>();
        lock.lock();
        try {
            for (int place = 1; place < end; place++) {
                OpenFile file = places[place];
                if (file != null) {
                    forget(place);
                    all.add(file);
                }
            }
        } finally {
            lock.unlock();
        }
        all.forEach(OpenFiles::end);
    }
}
