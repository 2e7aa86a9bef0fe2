// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Leftover.Kind;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Compares what is on the machine before and after: processes, mounts, cgroups, network namespaces
 * and links, loop devices, files, descriptors.
 *
 * <p>A process counts if it is a descendant of this one, or mentions a root in its command line,
 * environment, folder, open files or cgroup: everything that belongs to a state root can be told
 * from what others do on the machine at the same time. Mounts, cgroups, namespaces, links and loop
 * devices cannot always: all new ones count, unless {@link Options#onlyMentioning} says by which
 * words ours are known. Files count beneath the roots, and descriptors in the processes that are
 * watched.
 *
 * <p>Zombies count only while their parent is one of ours: nobody but its parent can bury a
 * process, and a test cannot be blamed for an init process that does not. Used by one thread.
 */
public final class LeakCheck {
    private static final long PAUSE_NANOS = 20_000_000;

    private final Options options;
    private final Set<String> processesBefore;
    private final Inventory before;

    private LeakCheck(Options options) {
        this.options = options;
        this.before = Inventory.take(options.roots, options.watched.get());
        this.processesBefore =
                ProcessTable.read().entries().stream()
                        .map(ProcessTable.Entry::identity)
                        .collect(Collectors.toCollection(HashSet::new));
    }

    /** {@return a check that compares with this moment; what belongs to these roots is ours} */
    public static LeakCheck before(Path... roots) {
        return options().roots(roots).before();
    }

    /** {@return options for a check} */
    public static Options options() {
        return new Options();
    }

    /** What a check looks at. */
    public static final class Options {
        private final List<Path> roots = new ArrayList<>();
        private final List<String> words = new ArrayList<>();
        private final List<PathMatcher> ignoredFiles = new ArrayList<>();
        private Supplier<List<Long>> watched = List::of;

        private Options() {}

        /** Adds folders: files beneath them, and processes that mention them, are ours. */
        public Options roots(Path... added) {
            Arrays.stream(added).map(Path::toAbsolutePath).forEach(roots::add);
            return this;
        }

        /**
         * Limits mounts, cgroups, namespaces, links and loop devices to those that mention a root
         * or one of these words. Processes that mention one of the words count, too.
         */
        public Options onlyMentioning(String... added) {
            words.addAll(List.of(added));
            return this;
        }

        /**
         * Leaves files alone that are meant to stay, such as caches.
         *
         * @param globs as {@link java.nio.file.FileSystem#getPathMatcher} takes them, for the path
         *     relative to its root: {@code images/**}
         */
        public Options ignoringFiles(String... globs) {
            for (String glob : globs) {
                ignoredFiles.add(FileSystems.getDefault().getPathMatcher("glob:" + glob));
            }
            return this;
        }

        /**
         * Watches the descriptors of these processes. They are compared by what they stand for, all
         * processes together, so one may have been replaced by its successor. What a Java virtual
         * machine opens once, at its first connection, counts: let it do its work once before.
         *
         * @param pids asked before and after
         */
        public Options descriptorsOf(Supplier<List<Long>> pids) {
            watched = pids;
            return this;
        }

        /** {@return a check that compares with this moment} */
        public LeakCheck before() {
            return new LeakCheck(this);
        }

        private List<String> rootNames() {
            return roots.stream().map(Path::toString).toList();
        }

        private boolean isMentionedIn(Leftover item) {
            return Stream.concat(words.stream(), rootNames().stream())
                    .anyMatch(item.description()::contains);
        }

        private boolean counts(Leftover item) {
            return switch (item.kind()) {
                case FILE -> !isIgnored(item);
                case DESCRIPTOR, PROCESS -> true;
                case MOUNT, CGROUP, NETWORK_NAMESPACE, LINK, LOOP_DEVICE ->
                        words.isEmpty() || isMentionedIn(item);
            };
        }

        private boolean isIgnored(Leftover item) {
            Path path = Path.of(item.identity());
            return roots.stream()
                    .filter(path::startsWith)
                    .map(root -> root.relativize(path))
                    .anyMatch(relative ->
                            ignoredFiles.stream().anyMatch(glob -> glob.matches(relative)));
        }
    }

    /**
     * Waits until nothing is left behind.
     *
     * @throws AssertionError naming each leftover and what owns it, if something is at the deadline
     */
    public void assertNothingLeft(Deadline deadline) {
        List<Leftover> left = leftovers();
        // The kernel announces no such thing as "the last mount is gone", so it is asked again.
        while (!left.isEmpty() && !deadline.hasPassed()) {
            LockSupport.parkNanos(Math.min(PAUSE_NANOS, deadline.remaining().toNanos()));
            left = leftovers();
        }
        if (!left.isEmpty()) {
            throw new AssertionError(
                    left.stream()
                            .map(item -> "\n  " + item)
                            .collect(
                                    Collectors.joining(
                                            "", left.size() + " things were left behind:", "")));
        }
    }

    /** {@return what is there now and was not before, in a stable order} */
    public List<Leftover> leftovers() {
        ProcessTable processes = ProcessTable.read();
        List<Leftover> left = new ArrayList<>(processesLeft(processes));
        Inventory now = Inventory.take(options.roots, options.watched.get());
        now.minus(before).stream()
                .filter(options::counts)
                .map(item -> withOwner(item, processes))
                .forEach(left::add);
        left.sort(Comparator.comparing(Leftover::kind).thenComparing(Leftover::identity));
        return left;
    }

    private List<Leftover> processesLeft(ProcessTable processes) {
        Set<Long> descendants = processes.descendantsOf(ProcessHandle.current().pid());
        List<Leftover> left = new ArrayList<>();
        for (ProcessTable.Entry entry : processes.entries()) {
            if (processesBefore.contains(entry.identity())) {
                continue;
            }
            reason(entry, descendants)
                    .ifPresent(reason ->
                            left.add(
                                    new Leftover(
                                            Kind.PROCESS,
                                            entry.identity(),
                                            describe(entry, processes, reason))));
        }
        return left;
    }

    /** {@return why a new process is ours, if it is} */
    private Optional<String> reason(ProcessTable.Entry entry, Set<Long> descendants) {
        if (descendants.contains(entry.pid())) {
            return Optional.of("descends from this test");
        }
        List<String> marks = options.rootNames();
        if (entry.isZombie()) {
            return ProcessTable.mention(entry.parent(), marks)
                    .map(_ -> "was never waited for by its parent, which is ours");
        }
        return ProcessTable.mention(entry.pid(), marks).map(place -> "is ours by " + place);
    }

    private static String describe(
            ProcessTable.Entry entry, ProcessTable processes, String reason) {
        return entry.pid()
                + (entry.isZombie() ? " (zombie) " : " ")
                + ProcessTable.shortened(entry.command())
                + "; "
                + reason
                + "; its parent is "
                + processes.describe(entry.parent());
    }

    private static Leftover withOwner(Leftover item, ProcessTable processes) {
        List<Long> owners =
                switch (item.kind()) {
                    case CGROUP ->
                            ProcFiles.lines(Path.of(item.identity(), "cgroup.procs")).stream()
                                    .map(Long::valueOf)
                                    .toList();
                    case LINK -> processes.holdersOfTap(item.identity());
                    case FILE, LOOP_DEVICE, MOUNT, NETWORK_NAMESPACE, DESCRIPTOR, PROCESS ->
                            List.of();
                };
        if (owners.isEmpty()) {
            return item;
        }
        String names = owners.stream().map(processes::describe).collect(Collectors.joining(", "));
        return new Leftover(item.kind(), item.identity(), item.description() + ", with " + names);
    }
}
