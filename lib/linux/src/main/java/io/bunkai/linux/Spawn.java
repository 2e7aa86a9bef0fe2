// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.bunkai.base.Closer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Starts a program. The child gets exactly what is named here: its arguments, its environment
 * (empty unless given), the descriptors mapped to it (0, 1 and 2 are /dev/null unless given), all
 * signals at their defaults and none blocked. No shell looks at any argument.
 *
 * <p>Not thread-safe: one description, one thread.
 *
 * @spec https://man7.org/linux/man-pages/man3/posix_spawn.3.html posix_spawn(3)
 */
public final class Spawn {
    private static final int POSIX_SPAWN_SETSIGDEF = 0x04;
    private static final int POSIX_SPAWN_SETSIGMASK = 0x08;
    private static final int POSIX_SPAWN_SETSID = 0x80;

    /**
     * Larger than posix_spawn_file_actions_t (80) and posix_spawnattr_t (336) of the GNU C library.
     */
    private static final int OPAQUE_BYTES = 512;

    /** 1024 signals, as in sigset_t of the GNU C library. */
    private static final int SIGSET_BYTES = 128;

    /**
     * Moves itself into the cgroups whose cgroup.procs files are named first, then becomes the
     * program: there is no moment at which the program runs outside of them.
     */
    private static final String ENTER_CGROUPS =
            "n=$1; shift; while [ \"$n\" -gt 0 ]; do echo 0 >\"$1\" || exit 126; shift; n=$((n -"
                    + " 1)); done; exec \"$@\"";

    private final List<String> command;
    private final Map<Integer, Fd> descriptors = new TreeMap<>();
    private List<String> environment = List.of();
    private List<Path> cgroups = List.of();
    private @Nullable Path directory;
    private boolean newSession;

    private Spawn(List<String> command) {
        this.command = List.copyOf(command);
        if (command.isEmpty() || !command.getFirst().startsWith("/")) {
            throw new IllegalArgumentException(
                    "a program is named by its absolute path: " + command);
        }
    }

    /**
     * {@return the description of a child that runs {@code command}; its first element is an
     * absolute path}
     */
    public static Spawn of(List<String> command) {
        return new Spawn(command);
    }

    /**
     * {@return the description of a child that runs {@code command}; its first element is an
     * absolute path}
     */
    public static Spawn of(String... command) {
        return new Spawn(List.of(command));
    }

    /** The child's whole environment, as {@code NAME=value}. */
    public Spawn environment(List<String> variables) {
        environment = List.copyOf(variables);
        return this;
    }

    /** The child's whole environment. */
    public Spawn environment(Map<String, String> variables) {
        List<String> list = new ArrayList<>();
        new TreeMap<>(variables).forEach((name, value) -> list.add(name + "=" + value));
        return environment(list);
    }

    /**
     * The child finds {@code source} under the number {@code target}. The parent's descriptor stays
     * open.
     */
    public Spawn descriptor(int target, Fd source) {
        descriptors.put(target, source);
        return this;
    }

    /** The child's standard input. */
    public Spawn stdin(Fd source) {
        return descriptor(0, source);
    }

    /** The child's standard output. */
    public Spawn stdout(Fd sink) {
        return descriptor(1, sink);
    }

    /** The child's standard error. */
    public Spawn stderr(Fd sink) {
        return descriptor(2, sink);
    }

    /** The child's working directory. */
    public Spawn directory(Path path) {
        directory = path;
        return this;
    }

    /** The child leads a session of its own: no terminal's signals reach it. */
    public Spawn newSession() {
        newSession = true;
        return this;
    }

    /**
     * The child begins its life in these cgroups; each is named by its {@code cgroup.procs} file.
     */
    public Spawn cgroups(List<Path> procsFiles) {
        cgroups = List.copyOf(procsFiles);
        return this;
    }

    /**
     * Starts the program.
     *
     * @return the child, which its owner must {@link LinuxProcess#await} and close
     * @throws ErrnoException ENOENT or EACCES if the program cannot be run, EAGAIN or ENOMEM if
     *     there is no room for a process, EMFILE if no descriptor is left
     */
    public LinuxProcess start() throws ErrnoException {
        int pid = startUnwatched();
        return LinuxProcess.child(pid);
    }

    /**
     * Starts the program for a caller that reaps all its children itself, see {@link Children}.
     *
     * @return the child's number, valid until the caller has reaped it
     * @throws ErrnoException as {@link #start}
     */
    public int startUnwatched() throws ErrnoException {
        try (Arena arena = Arena.ofConfined();
                Closer temporary = new Closer()) {
            MemorySegment actions = arena.allocate(OPAQUE_BYTES, 16);
            MemorySegment attributes = arena.allocate(OPAQUE_BYTES, 16);
            // int posix_spawn_file_actions_init(posix_spawn_file_actions_t *);
            call("posix_spawn_file_actions_init", actions.address(), 0, 0);
            // int posix_spawnattr_init(posix_spawnattr_t *);
            call("posix_spawnattr_init", attributes.address(), 0, 0);
            try {
                mapDescriptors(actions, temporary);
                setDirectory(arena, actions);
                setAttributes(arena, attributes);
                return spawn(arena, actions, attributes);
            } finally {
                call("posix_spawn_file_actions_destroy", actions.address(), 0, 0);
                call("posix_spawnattr_destroy", attributes.address(), 0, 0);
            }
        }
    }

    /**
     * First moves every source above all targets, so that no dup2 of one overwrites the source of
     * another; the copies close themselves on exec.
     */
    private void mapDescriptors(MemorySegment actions, Closer temporary) throws ErrnoException {
        Map<Integer, Fd> all = new TreeMap<>(descriptors);
        for (int standard = 0; standard <= 2; standard++) {
            if (!all.containsKey(standard)) {
                all.put(standard, temporary.own(Fd.open(Path.of("/dev/null"), Fd.O_RDWR)));
            }
        }
        int above = Collections.max(all.keySet()) + 1;
        for (Map.Entry<Integer, Fd> entry : all.entrySet()) {
            Fd copy = temporary.own(entry.getValue().duplicate(above));
            // int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int);
            call(
                    "posix_spawn_file_actions_adddup2",
                    actions.address(),
                    copy.number(),
                    entry.getKey());
        }
        closeTheRest(actions, all.keySet(), above);
    }

    /** What this process was itself started with may lack the close-on-exec flag. */
    private static void closeTheRest(MemorySegment actions, Set<Integer> mapped, int above)
            throws ErrnoException {
        for (int number = 0; number < above; number++) {
            if (!mapped.contains(number)) {
                // int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int);
                call("posix_spawn_file_actions_addclose", actions.address(), number, 0);
            }
        }
        // int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
        call("posix_spawn_file_actions_addclosefrom_np", actions.address(), above, 0);
    }

    private void setDirectory(Arena arena, MemorySegment actions) throws ErrnoException {
        if (directory != null) {
            // int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
            call(
                    "posix_spawn_file_actions_addchdir_np",
                    actions.address(),
                    Native.cString(arena, directory.toString()).address(),
                    0);
        }
    }

    private void setAttributes(Arena arena, MemorySegment attributes) throws ErrnoException {
        MemorySegment none = arena.allocate(SIGSET_BYTES, 8);
        MemorySegment every = arena.allocate(SIGSET_BYTES, 8).fill((byte) 0xff);
        int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        if (newSession) {
            flags |= POSIX_SPAWN_SETSID;
        }
        // int posix_spawnattr_setflags(posix_spawnattr_t *, short);
        call("posix_spawnattr_setflags", attributes.address(), flags, 0);
        // int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *);
        call("posix_spawnattr_setsigmask", attributes.address(), none.address(), 0);
        // int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *);
        call("posix_spawnattr_setsigdefault", attributes.address(), every.address(), 0);
    }

    private int spawn(Arena arena, MemorySegment actions, MemorySegment attributes)
            throws ErrnoException {
        List<String> arguments = arguments();
        MemorySegment pid = arena.allocate(JAVA_INT);
        // int posix_spawn(pid_t *, const char *path, const posix_spawn_file_actions_t *,
        //                 const posix_spawnattr_t *, char *const argv[], char *const envp[]);
        int error =
                Native.call(
                        Native.symbol("posix_spawn"),
                        pid.address(),
                        Native.cString(arena, arguments.getFirst()).address(),
                        actions.address(),
                        attributes.address(),
                        vector(arena, arguments).address(),
                        vector(arena, environment).address());
        if (error != 0) {
            throw new ErrnoException("start " + command.getFirst(), error);
        }
        return pid.get(JAVA_INT, 0);
    }

    private List<String> arguments() {
        if (cgroups.isEmpty()) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("/bin/sh", "-c", ENTER_CGROUPS, "sh"));
        all.add(Integer.toString(cgroups.size()));
        cgroups.forEach(procs -> all.add(procs.toString()));
        all.addAll(command);
        return all;
    }

    /** {@return an array of strings as C has it: addresses, and a null at the end} */
    static MemorySegment vector(Arena arena, List<String> strings) {
        MemorySegment pointers = arena.allocate(JAVA_LONG, strings.size() + 1L);
        for (int i = 0; i < strings.size(); i++) {
            pointers.setAtIndex(JAVA_LONG, i, Native.cString(arena, strings.get(i)).address());
        }
        return pointers;
    }

    private static void call(String function, long a, long b, long c) throws ErrnoException {
        int error = Native.call(Native.symbol(function), a, b, c, 0, 0, 0);
        if (error != 0) {
            throw new ErrnoException(function, error);
        }
    }
}
