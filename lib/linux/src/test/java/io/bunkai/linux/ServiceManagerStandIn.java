// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.bunkai.base.Deadline;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A service manager for tests: starts one service, listens to what it tells, keeps its descriptors
 * and gives them to the next process of it. What it does not do is what systemd does by itself:
 * restarting, timing out, cgroups.
 *
 * <p>It is as strict as a unit with {@code Type=notify}, {@code NotifyAccess=main} and {@code
 * KillMode=process}: nobody but the service's main process is listened to, and nobody but that one
 * is killed. What it refuses, it refuses without a word, as systemd does; {@link #refused} has it.
 *
 * <p>A thread of its own takes the messages; the methods are for the test's thread.
 */
public final class ServiceManagerStandIn implements AutoCloseable {
    /** The shell knows its number, which stays the same when it becomes the program. */
    private static final String TELL_PID = "export LISTEN_PID=$$; exec \"$@\"";

    private static final int KCMP = SystemCall.number(312, 272);

    private final NotificationSocket socket;
    private final Path address;
    private final int most;
    private final Pipe end;
    private final Thread listener;
    private final List<Kept> store = new ArrayList<>(); // guarded by this, as all that follows
    private final List<String> refused = new ArrayList<>();
    private @Nullable LinuxProcess main;
    private boolean ready;
    private boolean stopping;
    private String status = "";

    /**
     * A descriptor in the store.
     *
     * @param polled whether it goes when its other end has gone
     */
    private record Kept(String name, Fd fd, boolean polled) {}

    private ServiceManagerStandIn(NotificationSocket socket, Path address, int most, Pipe end) {
        this.socket = socket;
        this.address = address;
        this.most = most;
        this.end = end;
        this.listener = Thread.ofPlatform().name("service manager").unstarted(this::listen);
    }

    /**
     * {@return a manager without a service yet}
     *
     * @param address where its socket is to be; the folder exists
     * @param most how many descriptors it keeps, as {@code FileDescriptorStoreMax=} has it
     */
    public static ServiceManagerStandIn open(Path address, int most) throws ErrnoException {
        ServiceManagerStandIn manager =
                new ServiceManagerStandIn(
                        NotificationSocket.bind(address.toString()), address, most, Pipe.create());
        manager.listener.start();
        return manager;
    }

    /**
     * Starts the service with all that is kept, as its main process.
     *
     * @param command the program, by its absolute path, and its arguments
     * @param environment what it gets, besides what a service manager tells
     * @param output its standard output and error
     */
    public synchronized LinuxProcess start(
            List<String> command, Map<String, String> environment, Fd output)
            throws ErrnoException {
        forgetMain();
        forgetPolled();
        List<String> whole = new ArrayList<>(List.of("/bin/sh", "-c", TELL_PID, "sh"));
        whole.addAll(command);
        Map<String, String> variables = new TreeMap<>(environment);
        variables.put("NOTIFY_SOCKET", address.toString());
        Spawn spawn = Spawn.of(whole).stdout(output).stderr(output);
        if (!store.isEmpty()) {
            variables.put(ListenFds.COUNT, Integer.toString(store.size()));
            variables.put(
                    ListenFds.NAMES,
                    store.stream().map(Kept::name).collect(Collectors.joining(":")));
            for (int i = 0; i < store.size(); i++) {
                spawn.descriptor(ListenFds.FIRST + i, store.get(i).fd());
            }
        }
        ready = false;
        stopping = false;
        LinuxProcess process = spawn.environment(variables).start();
        main = process;
        return process;
    }

    /** Waits until the service has said that it is ready. */
    public void awaitReady(Deadline deadline) throws InterruptedException {
        await("the service to be ready", deadline, () -> ready);
    }

    /** Waits until as many descriptors are kept. */
    public void awaitKept(int count, Deadline deadline) throws InterruptedException {
        await(count + " kept descriptors", deadline, () -> store.size() == count);
    }

    private synchronized void await(String what, Deadline deadline, BooleanSupplier condition)
            throws InterruptedException {
        while (!condition.getAsBoolean()) {
            if (deadline.hasPassed()) {
                throw new AssertionError("waited in vain for " + what + "; refused: " + refused);
            }
            wait(Math.max(1, deadline.remaining().toMillis()));
        }
    }

    /** Kills the main process, and no other, with SIGKILL. What it had kept is kept. */
    public void crash() throws ErrnoException, InterruptedException {
        end(Signals.SIGKILL);
    }

    /** Ends the service, and forgets what was kept, as systemd does when a service is stopped. */
    public void stop() throws ErrnoException, InterruptedException {
        end(Signals.SIGTERM);
        dropAll();
    }

    private void end(int signal) throws ErrnoException, InterruptedException {
        LinuxProcess process = main().orElseThrow(() -> new AssertionError("nothing runs"));
        process.signal(signal);
        process.await();
    }

    /** Forgets all that is kept. */
    public synchronized void dropAll() {
        store.forEach(kept -> kept.fd().close());
        store.clear();
    }

    /** {@return the process that is the service now} */
    public synchronized Optional<LinuxProcess> main() {
        return Optional.ofNullable(main);
    }

    /** {@return the names of what is kept, in the order in which it came} */
    public synchronized List<String> kept() {
        return store.stream().map(Kept::name).toList();
    }

    /** {@return whether the service has said that it is about to end} */
    public synchronized boolean isStopping() {
        return stopping;
    }

    /** {@return what the service says of itself} */
    public synchronized String status() {
        return status;
    }

    /** {@return the messages that were not obeyed, each with the reason} */
    public synchronized List<String> refused() {
        return List.copyOf(refused);
    }

    private void listen() {
        try {
            while (true) {
                Poll.any(
                        List.of(
                                Poll.Interest.toRead(socket.fd()),
                                Poll.Interest.toRead(end.read())),
                        -1);
                if (Poll.readable(end.read(), 0)) {
                    return;
                }
                take(socket.receive());
            }
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized void take(NotificationSocket.Datagram datagram) throws ErrnoException {
        Map<String, String> fields =
                datagram.text()
                        .lines()
                        .map(line -> line.split("=", 2))
                        .collect(Collectors.toMap(field -> field[0], field -> field[1]));
        boolean barrier = fields.containsKey("BARRIER");
        if (!barrier && (main == null || main.pid() != datagram.sender())) {
            refused.add(datagram.text() + " of " + datagram.sender() + ": not the main process");
        } else if (fields.containsKey("FDSTORE")) {
            datagram.descriptors().forEach(fd -> store(fields, fd));
            notifyAll();
            return; // the store has closed what it does not keep
        } else {
            obey(fields);
        }
        datagram.descriptors().forEach(Fd::close); // which is what a barrier waits for
        notifyAll();
    }

    private void obey(Map<String, String> fields) throws ErrnoException {
        ready |= fields.containsKey("READY");
        stopping |= fields.containsKey("STOPPING");
        status = fields.getOrDefault("STATUS", status);
        if (fields.containsKey("FDSTOREREMOVE")) {
            remove(kept -> kept.name().equals(fields.get("FDNAME")));
        }
        if (fields.containsKey("MAINPID")) {
            int pid = Integer.parseInt(fields.get("MAINPID"));
            ProcessIdentity identity =
                    ProcessIdentity.of(pid)
                            .orElseThrow(() -> new AssertionError("no process " + pid));
            forgetMain();
            main = LinuxProcess.adopt(identity);
        }
    }

    private void store(Map<String, String> fields, Fd fd) {
        String name = fields.getOrDefault("FDNAME", "stored");
        boolean known = store.stream().anyMatch(kept -> isSame(kept.fd(), fd));
        if (known || store.size() == most) {
            refused.add(name + ": " + (known ? "kept already" : "the store is full"));
            fd.close();
        } else {
            store.add(new Kept(name, fd, !"0".equals(fields.get("FDPOLL"))));
        }
    }

    private static boolean isSame(Fd one, Fd other) {
        long pid = ProcessHandle.current().pid();
        // int kcmp(pid_t pid1, pid_t pid2, KCMP_FILE, unsigned long fd1, unsigned long fd2);
        return Native.syscall(KCMP, pid, pid, 0, one.number(), other.number(), 0) == 0;
    }

    private void forgetPolled() {
        remove(kept -> kept.polled() && isHungUp(kept.fd()));
    }

    private static boolean isHungUp(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(Structs.POLLFD);
            entry.set(JAVA_INT, Structs.offset(Structs.POLLFD, "fd"), fd.number());
            entry.set(JAVA_SHORT, Structs.offset(Structs.POLLFD, "events"), (short) 0);
            MemorySegment now = arena.allocate(Structs.TIMESPEC);
            // Asked for nothing, it tells hang-ups and errors.
            return Native.syscall(SystemCall.PPOLL, entry.address(), 1, now.address(), 0) > 0;
        }
    }

    private void remove(Predicate<Kept> which) {
        store.stream().filter(which).forEach(kept -> kept.fd().close());
        store.removeIf(which);
    }

    private void forgetMain() {
        if (main != null) {
            main.close();
            main = null;
        }
    }

    /** Kills the main process if it still runs, and forgets what is kept. */
    @Override
    public void close() throws ErrnoException {
        try {
            if (main().isPresent()) {
                crash();
            }
            end.write().close();
            listener.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the test's end; all that is left closes below
        }
        synchronized (this) {
            forgetMain();
        }
        dropAll();
        socket.close();
        end.close();
    }
}
