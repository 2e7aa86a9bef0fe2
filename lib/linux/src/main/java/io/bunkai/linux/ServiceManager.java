// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The service manager that has started this process, as systemd is one: it is told what the service
 * does, and it keeps descriptors for it across restarts, crashes included.
 *
 * <p>Each call is one datagram that nobody answers: a message that the manager refuses (too many
 * descriptors, a sender that {@code NotifyAccess=} does not admit) is lost without a word. After
 * {@link #barrier} all that was sent before has been dealt with.
 *
 * <p>Safe for use by several threads. A call blocks only while the manager's queue is full, but for
 * {@link #barrier}.
 *
 * @spec https://www.freedesktop.org/software/systemd/man/252/sd_notify.html sd_notify(3)
 * @spec https://www.freedesktop.org/software/systemd/man/252/systemd.service.html
 *     systemd.service(5), FileDescriptorStoreMax=
 */
public final class ServiceManager implements AutoCloseable {
    /** As long as a name of a kept descriptor may be, in bytes. */
    public static final int LONGEST_NAME = 255;

    private static final String NOTIFY_SOCKET = "NOTIFY_SOCKET";
    private static final String WATCHDOG_USEC = "WATCHDOG_USEC";
    private static final String WATCHDOG_PID = "WATCHDOG_PID";

    /** What a manager tells one process; a child that believed it would speak for the service. */
    private static final Set<String> OURS_ALONE =
            Set.of(
                    NOTIFY_SOCKET,
                    WATCHDOG_USEC,
                    WATCHDOG_PID,
                    ListenFds.PID,
                    ListenFds.COUNT,
                    ListenFds.NAMES);

    private final Fd socket;
    private final MemorySegment address;
    private final Optional<Duration> watchdogPeriod;

    private ServiceManager(Fd socket, MemorySegment address, Optional<Duration> watchdogPeriod) {
        this.socket = socket;
        this.address = address;
        this.watchdogPeriod = watchdogPeriod;
    }

    /**
     * {@return the manager that the environment names; empty if this process is no service}
     *
     * @param environment of this process; {@code NOTIFY_SOCKET} is a path, or a name after '@'
     * @throws Fault INVALID_ARGUMENT if what it says of the manager cannot be
     * @throws ErrnoException EMFILE if no descriptor is left
     */
    public static Optional<ServiceManager> find(Map<String, String> environment)
            throws ErrnoException {
        String name = environment.getOrDefault(NOTIFY_SOCKET, "");
        if (name.isEmpty()) {
            return Optional.empty();
        }
        Optional<Duration> watchdog = watchdogPeriod(environment);
        MemorySegment address = UnixDatagrams.address(Arena.ofAuto(), name);
        return Optional.of(new ServiceManager(UnixDatagrams.socket(), address, watchdog));
    }

    private static Optional<Duration> watchdogPeriod(Map<String, String> environment) {
        String period = environment.get(WATCHDOG_USEC);
        String pid = environment.get(WATCHDOG_PID);
        if (period == null || (pid != null && !pid.equals(ownPid()))) {
            return Optional.empty();
        }
        try {
            return Optional.of(Duration.of(Long.parseUnsignedLong(period), ChronoUnit.MICROS))
                    .filter(Duration::isPositive);
        } catch (NumberFormatException | DateTimeException e) {
            throw Fault.invalidArgument("%s=%s is no time", WATCHDOG_USEC, period).causedBy(e);
        }
    }

    private static String ownPid() {
        return Long.toString(ProcessHandle.current().pid());
    }

    /**
     * {@return the descriptors that the manager kept, by name, in the order in which it gave them}
     * Empty if they were meant for another process, or there are none. Several may have one name.
     * They are closed on exec from now on, and belong to the caller: to be called once.
     *
     * @param environment of this process, from which {@code LISTEN_PID}, {@code LISTEN_FDS} and
     *     {@code LISTEN_FDNAMES} are read
     * @throws Fault INVALID_ARGUMENT if the variables make no sense
     * @throws ErrnoException EBADF if one of the descriptors is not open
     * @spec https://www.freedesktop.org/software/systemd/man/252/sd_listen_fds.html
     *     sd_listen_fds_with_names(3)
     */
    public static Map<String, List<Fd>> inherited(Map<String, String> environment)
            throws ErrnoException {
        return ListenFds.take(environment, ownPid());
    }

    /**
     * {@return the environment without what the service manager has told this process alone} For
     * children, none of which may speak for the service.
     */
    public static Map<String, String> withoutItsVariables(Map<String, String> environment) {
        Map<String, String> rest = new TreeMap<>(environment);
        rest.keySet().removeAll(OURS_ALONE);
        return rest;
    }

    /** {@return within which time {@link #watchdog} has to be called, again and again} */
    public Optional<Duration> watchdogPeriod() {
        return watchdogPeriod;
    }

    /** The service serves now: its start, or its reloading, is over. */
    public void ready() throws ErrnoException {
        tell("READY=1");
    }

    /** The service is about to serve differently; {@link #ready} ends that. */
    public void reloading() throws ErrnoException {
        tell("RELOADING=1");
    }

    /** The service is about to end. */
    public void stopping() throws ErrnoException {
        tell("STOPPING=1");
    }

    /** The service is alive; see {@link #watchdogPeriod}. */
    public void watchdog() throws ErrnoException {
        tell("WATCHDOG=1");
    }

    /** What the service does, in one line for people; control characters become blanks. */
    public void status(String line) throws ErrnoException {
        tell("STATUS=" + line.replaceAll("\\p{Cntrl}", " "));
    }

    /**
     * Another process is the service from now on, and alone may send messages under {@code
     * NotifyAccess=main}. The manager notices its end only if it is a child of the manager's by
     * then, that is if whoever has started it is gone already.
     *
     * @param pid of a process of this service, or any if this process is root's
     */
    public void mainPid(int pid) throws ErrnoException {
        tell("MAINPID=" + pid);
    }

    /**
     * Has a descriptor kept for the next process of this service, whatever becomes of it meanwhile:
     * the manager does not look whether its other end is still there. What is kept already under
     * any name is not kept again. This process's own descriptor stays open.
     *
     * <p>Names are passed on in one environment variable, for which the kernel has 128 KiB: with
     * many descriptors they have to be short, or the service cannot be started any more.
     *
     * @throws IllegalArgumentException if the manager would not take the name: longer than {@link
     *     #LONGEST_NAME}, empty, or with a ':' or anything but printable ASCII in it
     * @throws ErrnoException ETOOMANYREFS if too many are on their way, ENOENT or ECONNREFUSED if
     *     the manager is gone
     */
    public void keep(String name, Fd fd) throws ErrnoException {
        tell("FDSTORE=1\nFDNAME=" + checked(name) + "\nFDPOLL=0", List.of(fd));
    }

    /**
     * No longer keeps what has this name; nothing happens if there is none.
     *
     * @throws IllegalArgumentException as {@link #keep} has it
     */
    public void drop(String name) throws ErrnoException {
        tell("FDSTOREREMOVE=1\nFDNAME=" + checked(name));
    }

    /**
     * Waits until the manager has dealt with everything that was sent before. Blocks the calling
     * thread in the kernel.
     *
     * @throws ErrnoException ETIMEDOUT if it has not in time
     */
    public void barrier(Deadline deadline) throws ErrnoException {
        try (Pipe pipe = Pipe.create()) {
            tell("BARRIER=1", List.of(pipe.write()));
            pipe.write().close();
            // The manager closes its copy, the last one, and the other end reads the end.
            if (!Poll.readable(pipe.read(), deadline.remaining().toMillis())) {
                throw new ErrnoException("wait for the service manager", Errno.ETIMEDOUT);
            }
        }
    }

    private static String checked(String name) {
        boolean taken =
                !name.isEmpty()
                        && name.length() <= LONGEST_NAME
                        && name.chars().allMatch(c -> c >= ' ' && c < 0x7f && c != ':');
        if (!taken) {
            throw new IllegalArgumentException("no name of a kept descriptor: " + name);
        }
        return name;
    }

    private void tell(String message) throws ErrnoException {
        tell(message, List.of());
    }

    private void tell(String message, List<Fd> descriptors) throws ErrnoException {
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        UnixSockets.send(socket, address, bytes, descriptors);
    }

    /** Closes this process's end; what is kept stays kept. No other call may be under way. */
    @Override
    public void close() {
        socket.close();
    }
}
