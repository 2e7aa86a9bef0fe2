// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.ServiceManager;
import io.bunkai.runtime.StateRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The service manager above this daemon, if there is one: it keeps descriptors across restarts, and
 * starts the daemon again when it dies.
 */
final class Supervisor implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Supervisor.class.getName());

    /** What a newer daemon has to know to speak for the service; the watchdog's number is ours. */
    private static final List<String> HANDED_OVER = List.of("NOTIFY_SOCKET", "WATCHDOG_USEC");

    private final Optional<ServiceManager> manager;
    private final String handedOver;
    private final Map<String, List<Fd>> inherited;
    private final Closer owned;

    private Supervisor(
            Optional<ServiceManager> manager,
            String handedOver,
            Map<String, List<Fd>> inherited,
            Closer owned) {
        this.manager = manager;
        this.handedOver = handedOver;
        this.inherited = inherited;
        this.owned = owned;
    }

    /**
     * {@return the one that the environment names}
     *
     * @throws Fault INVALID_ARGUMENT if the environment makes no sense
     */
    static Supervisor find(Map<String, String> environment) {
        try (Closer undo = new Closer()) {
            Map<String, List<Fd>> inherited = ServiceManager.inherited(environment);
            inherited.values().forEach(fds -> fds.forEach(undo::own));
            Optional<ServiceManager> manager = ServiceManager.find(environment);
            manager.ifPresent(undo::own);
            startWatchdog(manager);
            return new Supervisor(
                    manager,
                    HANDED_OVER.stream()
                            .filter(environment::containsKey)
                            .map(name -> name + "=" + environment.get(name))
                            .collect(Collectors.joining("\n")),
                    inherited,
                    undo.release());
        } catch (ErrnoException e) {
            throw Fault.internal("the service manager cannot be reached").causedBy(e);
        }
    }

    /**
     * {@return the one that a former daemon had}
     *
     * @param handedOver what that one has {@link #toHandOver}
     */
    static Supervisor of(String handedOver) {
        Map<String, String> environment = new HashMap<>();
        handedOver
                .lines()
                .filter(line -> HANDED_OVER.contains(line.replaceFirst("=.*", "")))
                .forEach(line -> {
                    int equals = line.indexOf('=');
                    environment.put(line.substring(0, equals), line.substring(equals + 1));
                });
        return find(environment);
    }

    /** At half its time, by a thread that lives as long as the process. */
    private static void startWatchdog(Optional<ServiceManager> manager) {
        manager.ifPresent(found ->
                found.watchdogPeriod()
                        .ifPresent(period ->
                                Thread.ofVirtual()
                                        .name("watchdog")
                                        .start(() -> watch(found, period.dividedBy(2)))));
    }

    private static void watch(ServiceManager manager, Duration pause) {
        try {
            while (true) {
                manager.watchdog();
                Thread.sleep(pause);
            }
        } catch (ErrnoException | IllegalStateException e) {
            LOG.log(System.Logger.Level.DEBUG, "the watchdog ended reason={0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** {@return what a newer daemon needs to reach it; empty if there is none} */
    String toHandOver() {
        return handedOver;
    }

    /** {@return what it has kept of a former daemon, the caller's; to be called once} */
    Map<String, Fd> inherited() {
        Map<String, Fd> found = new HashMap<>();
        inherited.forEach((name, fds) -> {
            found.put(name, fds.getFirst());
            fds.stream().skip(1).forEach(Fd::close); // nothing of ours has a name twice
        });
        return found;
    }

    /** {@return where descriptors are kept} */
    KeptFds.Store store() {
        return manager.<KeptFds.Store>map(ManagersStore::new).orElse(KeptFds.Store.NONE);
    }

    private record ManagersStore(ServiceManager manager) implements KeptFds.Store {
        @Override
        public void keep(String name, Fd fd) {
            try {
                manager.keep(name, fd);
            } catch (ErrnoException e) {
                throw Fault.unavailable("the service manager does not keep %s", name).causedBy(e);
            }
        }

        @Override
        public void drop(String name) {
            try {
                manager.drop(name);
            } catch (ErrnoException e) {
                throw Fault.unavailable("the service manager does not drop %s", name).causedBy(e);
            }
        }
    }

    /** Says in the state root whether anybody else may start a daemon. */
    void mark(StateRoot root) {
        try {
            if (manager.isPresent()) {
                Files.writeString(root.managedFile(), "started by the service manager\n");
            } else {
                Files.deleteIfExists(root.managedFile());
            }
        } catch (IOException e) {
            throw Fault.resourceExhausted("%s cannot be written", root.managedFile()).causedBy(e);
        }
    }

    /** The daemon answers. */
    void ready() {
        tell(ServiceManager::ready);
    }

    /** The daemon ends. */
    void stopping() {
        tell(ServiceManager::stopping);
    }

    /** The service is that process from now on. */
    void follow(int pid) {
        tell(found -> found.mainPid(pid));
    }

    @FunctionalInterface
    private interface Message {
        void send(ServiceManager manager) throws ErrnoException;
    }

    private void tell(Message message) {
        try {
            if (manager.isPresent()) {
                message.send(manager.get());
            }
        } catch (ErrnoException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the service manager was not told reason={0}",
                    e.getMessage());
        }
    }

    @Override
    public void close() {
        owned.close();
    }
}
