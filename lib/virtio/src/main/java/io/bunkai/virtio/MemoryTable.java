// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The guest's memory as the front-end changes it. Used by the session's thread only; queues are
 * given {@link #current} and hold it themselves.
 */
final class MemoryTable implements AutoCloseable {
    /** As many as QEMU on KVM may have. */
    static final int MOST_REGIONS = 509;

    private final List<GuestRegion> regions = new ArrayList<>();
    private @Nullable DirtyLog log;
    private @Nullable EventFd logChanged;
    private boolean logging;
    private GuestMemory current = new GuestMemory(List.of(), null);

    /** {@return the memory of now; held by this table until the next change} */
    GuestMemory current() {
        return current;
    }

    /**
     * Puts these regions in the place of all others, which stay if a new one cannot be mapped.
     *
     * @param files one for each region; they stay the caller's
     */
    void replace(List<MemoryRegion> descriptions, List<Fd> files) throws VhostUserException {
        List<GuestRegion> mapped = new ArrayList<>();
        try {
            for (int i = 0; i < descriptions.size(); i++) {
                checkFree(descriptions.get(i), mapped);
                mapped.add(GuestRegion.map(descriptions.get(i), files.get(i)));
            }
        } catch (VhostUserException e) {
            mapped.forEach(GuestRegion::letGo);
            throw e;
        }
        List<GuestRegion> old = List.copyOf(regions);
        regions.clear();
        regions.addAll(mapped);
        publish();
        old.forEach(GuestRegion::letGo);
    }

    /** Adds one region; the descriptor stays the caller's. */
    void add(MemoryRegion description, Fd file) throws VhostUserException {
        if (regions.size() == MOST_REGIONS) {
            throw new VhostUserException("there are %d memory regions".formatted(MOST_REGIONS));
        }
        checkFree(description, regions);
        regions.add(GuestRegion.map(description, file));
        publish();
    }

    /** Removes one region, known by its two addresses and its size. */
    void remove(MemoryRegion description) throws VhostUserException {
        GuestRegion region =
                regions.stream()
                        .filter(candidate -> candidate.description().isNamedBy(description))
                        .findFirst()
                        .orElseThrow(() ->
                                new VhostUserException(
                                        "there is no memory region of " + description));
        regions.remove(region);
        publish();
        region.letGo();
    }

    /** Takes over a log, in the place of the one before. */
    void logTo(DirtyLog next) {
        DirtyLog old = log;
        log = next;
        next.onChange(logChanged);
        publish();
        if (old != null) {
            old.onChange(null); // a queue may hold it for a while
            old.letGo();
        }
    }

    /** Takes over what is signalled when something was marked. */
    void logChanged(EventFd event) {
        EventFd old = logChanged;
        logChanged = event;
        if (log != null) {
            log.onChange(event);
        }
        if (old != null) {
            old.close();
        }
    }

    /** Says whether writes have to be marked, once there is a log. */
    void logging(boolean wanted) {
        if (logging != wanted) {
            logging = wanted;
            publish();
        }
    }

    private static void checkFree(MemoryRegion description, List<GuestRegion> others)
            throws VhostUserException {
        for (GuestRegion other : others) {
            if (description.overlaps(other.description())) {
                throw new VhostUserException(
                        "memory region %s overlaps %s".formatted(description, other.description()));
            }
        }
    }

    private void publish() {
        GuestMemory old = current;
        current = new GuestMemory(regions, logging ? log : null);
        old.letGo();
    }

    /** Forgets all; what a queue still holds stays mapped until it lets go. */
    @Override
    public void close() {
        regions.forEach(GuestRegion::letGo);
        regions.clear();
        if (log != null) {
            log.onChange(null);
            log.letGo();
            log = null;
        }
        if (logChanged != null) {
            logChanged.close();
            logChanged = null;
        }
        publish();
    }
}
