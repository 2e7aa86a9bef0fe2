// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Fault;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Open files that are to outlive this process, by name: what is kept here is kept elsewhere too, if
 * there is such a place, and is handed to the process that takes over.
 *
 * <p>What a former process has left is there under its name until somebody takes it up, and is *
 * dropped by whoever knows that nobody will. Holds descriptors of its own, so a file is at its end
 * for others only once it has been dropped here, too. Safe for use by several threads.
 */
public final class KeptFds implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(KeptFds.class.getName());

    /** The longest name that systemd takes. */
    private static final int LONGEST_NAME = 255;

    private final Store store;
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<String, Fd> kept = new LinkedHashMap<>();
    private final Set<String> unclaimed = new TreeSet<>();
    private boolean frozen;

    /** A place outside of this process where open files are kept, such as the service manager. */
    public interface Store {
        /** There is no such place. */
        Store NONE =
                new Store() {
                    @Override
                    public void keep(String name, Fd fd) {}

                    @Override
                    public void drop(String name) {}
                };

        /**
         * Keeps another descriptor of an open file.
         *
         * @throws Fault if it cannot
         */
        void keep(String name, Fd fd);

        /**
         * Forgets what has this name; nothing if there is nothing.
         *
         * @throws Fault if it cannot
         */
        void drop(String name);
    }

    /**
     * Keeps files here and in a place outside.
     *
     * @param inherited what a former process has left there, by name; belongs to this object from
     *     now on
     */
    public KeptFds(Store store, Map<String, Fd> inherited) {
        this.store = store;
        kept.putAll(inherited);
        unclaimed.addAll(inherited.keySet());
    }

    /** {@return what keeps files in this process alone, with nothing in it} */
    public static KeptFds inThisProcess() {
        return new KeptFds(Store.NONE, Map.of());
    }

    /**
     * Keeps a file; {@code fd} stays the caller's. What had the name before is dropped.
     *
     * @throws Fault INVALID_ARGUMENT if nothing can have this name; RESOURCE_EXHAUSTED if no
     *     descriptor is left
     */
    public void keep(String name, Fd fd) {
        checkName(name);
        lock.lock();
        try {
            if (frozen) {
                return;
            }
            drop(name);
            kept.put(name, fd.duplicate());
            store.keep(name, fd);
        } catch (ErrnoException e) {
            throw Fault.resourceExhausted("a descriptor cannot be kept").causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    private static void checkName(String name) {
        boolean usable =
                !name.isEmpty()
                        && name.length() <= LONGEST_NAME
                        && name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ':');
        if (!usable) {
            throw Fault.invalidArgument("no descriptor can be kept as '%s'", name);
        }
    }

    /** Drops what has this name, whoever has left it. Nothing if there is nothing. */
    public void drop(String name) {
        lock.lock();
        try {
            Fd old = frozen ? null : kept.remove(name);
            if (old != null) {
                unclaimed.remove(name);
                old.close();
                store.drop(name);
            }
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a descriptor is kept longer than needed name={0} reason={1}",
                    name,
                    e.getMessage());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes up what a former process has left under a name. It stays kept.
     *
     * @return another descriptor of it, the caller's; empty if nothing was left, or somebody has it
     * @throws Fault RESOURCE_EXHAUSTED if no descriptor is left
     */
    public Optional<Fd> claim(String name) {
        lock.lock();
        try {
            Fd fd = !frozen && unclaimed.contains(name) ? kept.get(name) : null;
            if (fd == null) {
                return Optional.empty();
            }
            Fd claimed = fd.duplicate();
            unclaimed.remove(name);
            return Optional.of(claimed);
        } catch (ErrnoException e) {
            throw Fault.resourceExhausted("%s cannot be taken up", name).causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    /** {@return the names that a former process has left, and nobody has taken up} */
    public List<String> unclaimed() {
        lock.lock();
        try {
            return List.copyOf(unclaimed);
        } finally {
            lock.unlock();
        }
    }

    /** {@return other descriptors of everything that is kept, by name; the caller's} */
    public Map<String, Fd> copyOfAll() {
        Map<String, Fd> copies = new HashMap<>();
        lock.lock();
        try {
            for (Map.Entry<String, Fd> entry : kept.entrySet()) {
                copies.put(entry.getKey(), entry.getValue().duplicate());
            }
            return copies;
        } catch (ErrnoException e) {
            copies.values().forEach(Fd::close);
            throw Fault.resourceExhausted("the kept descriptors cannot be handed over").causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    /** Keeps everything elsewhere once more, since that place may not have listened before. */
    public void keepElsewhereAgain() {
        lock.lock();
        try {
            if (!frozen) {
                kept.forEach(store::keep);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * From now on nothing is kept, dropped or taken up: this process lets go of everything, and
     * what is there is for the next one. Idempotent.
     */
    public void freeze() {
        lock.lock();
        try {
            frozen = true;
        } finally {
            lock.unlock();
        }
    }

    /** Closes what is kept here; what is kept elsewhere stays. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            frozen = true;
            kept.values().forEach(Fd::close);
            kept.clear();
            unclaimed.clear();
        } finally {
            lock.unlock();
        }
    }
}
