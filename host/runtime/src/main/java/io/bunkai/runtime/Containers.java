// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import io.bunkai.base.TaskScope;
import io.bunkai.vmm.Hypervisor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * All containers of one daemon: made, found by id or name, found again after a restart.
 *
 * <p>The lock guards who is there. It is held while a record is written, so that two containers
 * never share a name, and never while a machine boots or ends.
 */
public final class Containers implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Containers.class.getName());

    /** The version of the journal's records that this code reads and writes; it reads no other. */
    public static final int JOURNAL_VERSION = ContainerRecord.VERSION;

    /** A client may ask for the exit of a container that has removed itself by then. */
    private static final int REMEMBERED = 256;

    private final Optional<Templates> templates;
    private final Planner planner;
    private final LayerSource layers;
    private final Hypervisor hypervisor;
    private final Journal journal;
    private final Path outputs;
    private final NanoClock clock;
    private final CrashPoints crashPoints;
    private final Reattachment reattachment;
    private final StartGate starts;
    private final SpareServers spares = new SpareServers();
    private final Budgets budgets;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Container> byId = new LinkedHashMap<>(); // guarded by lock
    private final Set<String> freeNames = new HashSet<>(); // guarded by lock: ended, not yet gone
    private final Map<String, Map<String, ProcessExit>> gone =
            new LinkedHashMap<>(); // guarded by lock: the exits of the last few, by process
    private volatile boolean closing;

    private Containers(
            Planner planner,
            LayerSource layers,
            Hypervisor hypervisor,
            StateRoot root,
            Journal journal,
            NanoClock clock,
            CrashPoints crashPoints,
            Reattachment reattachment,
            Optional<Templates> templates) {
        this.templates = templates;
        this.planner = planner;
        this.layers = layers;
        this.hypervisor = hypervisor;
        this.journal = journal;
        this.outputs = root.outputs();
        this.clock = clock;
        this.starts = StartGate.ofThisMachine(clock);
        this.budgets = new Budgets(planner.budgets(), this::budgetMembers, clock);
        this.crashPoints = crashPoints;
        this.reattachment = reattachment;
    }

    /**
     * Opens the containers of a state root and goes on with each from where the last daemon left
     * it: what runs is found again, what was half made or half removed is cleaned up.
     *
     * @param reattachment finds what was attached to the processes of owners
     * @param templates of machines; empty if all of them boot. The caller's to close
     * @throws Fault FAILED_PRECONDITION or DATA_LOSS if a record cannot be understood; nothing has
     *     been touched then
     */
    public static Containers open(
            Planner planner,
            LayerSource layers,
            Hypervisor hypervisor,
            StateRoot root,
            NanoClock clock,
            CrashPoints crashPoints,
            Reattachment reattachment,
            Optional<Templates> templates) {
        return open(
                planner,
                layers,
                hypervisor,
                root,
                new Journal(root.sandboxes()),
                clock,
                crashPoints,
                reattachment,
                templates);
    }

    /** As the other one, with a journal that a test watches. */
    static Containers open(
            Planner planner,
            LayerSource layers,
            Hypervisor hypervisor,
            StateRoot root,
            Journal journal,
            NanoClock clock,
            CrashPoints crashPoints,
            Reattachment reattachment,
            Optional<Templates> templates) {
        Containers containers =
                new Containers(
                        planner,
                        layers,
                        hypervisor,
                        root,
                        journal,
                        clock,
                        crashPoints,
                        reattachment,
                        templates);
        containers.recover();
        return containers;
    }

    private void recover() {
        List<ContainerRecord> records =
                journal.readAll().stream()
                        .sorted(Comparator.comparingLong(ContainerRecord::createdAtMillis))
                        .toList();
        for (ContainerRecord record : records) {
            Container container =
                    new Container(
                            surroundings, record, OutputLog.open(outputs.resolve(record.id())));
            byId.put(record.id(), container);
        }
        deleteOutputsOfNobody();
        goOn(List.copyOf(byId.values()));
        budgets.start();
    }

    /** All at once: one machine that does not answer holds nobody up but itself. */
    private static void goOn(List<Container> found) {
        try (TaskScope tasks = new TaskScope("recover")) {
            for (Container container : found) {
                tasks.fork(
                        container.id(),
                        () -> {
                            container.recover();
                            return container;
                        });
            }
            tasks.join();
        } catch (Fault e) {
            throw e;
        } catch (Exception e) {
            throw Fault.internal("the containers cannot be found again").causedBy(e);
        }
    }

    private void deleteOutputsOfNobody() {
        try (var kept = Files.newDirectoryStream(outputs)) {
            for (Path directory : kept) {
                String id = directory.getFileName().toString();
                if (!byId.containsKey(id)) {
                    surroundings.deleteOutput(id);
                }
            }
        } catch (NoSuchFileException e) {
            // no container has ever written anything
        } catch (IOException e) {
            throw Fault.internal("the kept output in %s cannot be listed", outputs).causedBy(e);
        }
    }

    /**
     * {@return the plan that {@link #create} would make for this request; touches nothing but the
     * image store}
     *
     * @throws Fault as {@link #create}
     */
    public Planner.Planned plan(ContainerRequest request) {
        return planner.plan(request, ContainerNames.newId(), nameFor(request));
    }

    /** A new container, and what the user should be told about it. */
    public record Created(Container container, List<String> warnings) {}

    /**
     * Makes a container that can be started.
     *
     * @throws Fault INVALID_ARGUMENT if the request makes no sense, FAILED_PRECONDITION if the
     *     guest's kernel, image and agent do not fit, ALREADY_EXISTS if its name is taken,
     *     RESOURCE_EXHAUSTED if the journal's file system is full, UNAVAILABLE if this daemon ends,
     *     and what resolving the image throws. Nothing is left then
     */
    public Created create(ContainerRequest request) {
        return create(plan(request), Terms.of(request));
    }

    /**
     * Makes a container of a bundle that can be prepared and started.
     *
     * @throws Fault ALREADY_EXISTS if its owner has one with this id, NOT_FOUND if something that
     *     the bundle names is not there, else as {@link #create(ContainerRequest)}. Nothing is left
     *     then
     */
    public Created create(BundleRequest request) {
        refuseTaken(request.owner());
        Planner.Planned planned =
                planner.plan(request, ContainerNames.newId(), nameFor(request.owner()));
        return create(planned, Terms.of(request));
    }

    private Created create(Planner.Planned planned, Terms terms) {
        planner.refuseMismatches(planned);
        Plan plan = planned.plan();
        lock.lock();
        try (Closer undo = new Closer()) {
            if (closing) {
                throw Fault.unavailable("the daemon is about to end");
            }
            terms.owner().ifPresent(this::refuseTaken);
            refuseTakenName(plan.name());
            ContainerRecord record =
                    ContainerRecord.created(terms, plan, System.currentTimeMillis());
            undo.onClose(() -> journal.forget(plan.id()));
            journal.write(record);
            crashPoints.reach(CrashPoint.CREATE_JOURNALED);
            undo.onClose(() -> surroundings.deleteOutput(plan.id()));
            OutputLog output = undo.own(OutputLog.open(outputs.resolve(plan.id())));
            Container container = new Container(surroundings, record, output);
            byId.put(plan.id(), container);
            undo.release();
            return new Created(container, planned.warnings());
        } finally {
            lock.unlock();
        }
    }

    /** {@return the container that this owner knows by this id, if there is one} */
    public Optional<Container> find(Owner owner) {
        lock.lock();
        try {
            return visible()
                    .filter(known -> known.terms().owner().filter(owner::equals).isPresent())
                    .findFirst();
        } finally {
            lock.unlock();
        }
    }

    private void refuseTaken(Owner owner) {
        if (find(owner).isPresent()) {
            throw Fault.alreadyExists("there is a container %s", owner.shown())
                    .withHint("delete its task first, or choose another id");
        }
    }

    /** A slash keeps it apart from all names that users may choose. */
    private String nameFor(Owner owner) {
        lock.lock();
        try {
            String name = owner.shown();
            for (int i = 2; isTaken(name); i++) {
                name = owner.shown() + "~" + i; // another containerd has one of the same id
            }
            return name;
        } finally {
            lock.unlock();
        }
    }

    private String nameFor(ContainerRequest request) {
        if (!request.name().isEmpty()) {
            return ContainerNames.check(request.name());
        }
        lock.lock();
        try {
            String name = ContainerNames.newName();
            while (isTaken(name)) {
                name = ContainerNames.newName();
            }
            return name;
        } finally {
            lock.unlock();
        }
    }

    private boolean isTaken(String name) {
        return byId.values().stream()
                .anyMatch(known -> known.name().equals(name) && !freeNames.contains(known.id()));
    }

    private void refuseTakenName(String name) {
        if (isTaken(name)) {
            throw Fault.alreadyExists("there is a container named %s", name)
                    .withHint("choose another name, or remove it: bunkai rm %s", name);
        }
    }

    /**
     * {@return the container with this id, name, or beginning of an id that only one has}
     *
     * @throws Fault NOT_FOUND if there is none, INVALID_ARGUMENT if there are several
     */
    public Container get(String reference) {
        lock.lock();
        try {
            Container exact = byId.get(reference);
            if (exact != null) {
                return exact;
            }
            List<Container> named =
                    visible().filter(known -> known.name().equals(reference)).toList();
            if (!named.isEmpty()) {
                return named.getFirst();
            }
            List<Container> begun =
                    reference.isEmpty()
                            ? List.of()
                            : visible().filter(known -> known.id().startsWith(reference)).toList();
            if (begun.size() > 1) {
                throw Fault.invalidArgument(
                                "'%s' is the beginning of %d ids", reference, begun.size())
                        .withHint("write more of the id, or the name: bunkai ps -a");
            }
            if (begun.isEmpty()) {
                throw Fault.notFound("there is no container '%s'", reference)
                        .withHint("list them: bunkai ps -a");
            }
            return begun.getFirst();
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return completed with the exit of a process, also of a container that has gone since}
     *
     * @param execId empty for the container's own process
     * @throws Fault as {@link #get}
     */
    public CompletableFuture<ProcessExit> exit(String reference, String execId) {
        lock.lock();
        try {
            Map<String, ProcessExit> removed = gone.get(reference);
            if (removed == null) {
                return get(reference).exit(execId);
            }
            ProcessExit exit = removed.get(execId);
            if (exit == null) {
                throw Fault.notFound("container %s has gone, and had no such process", reference);
            }
            return CompletableFuture.completedFuture(exit);
        } finally {
            lock.unlock();
        }
    }

    private Stream<Container> visible() {
        return byId.values().stream().filter(known -> !freeNames.contains(known.id()));
    }

    private List<Budgets.Member> budgetMembers() {
        return all().stream()
                .<Budgets.Member>mapMulti((one, to) -> one.budgetMember().ifPresent(to))
                .toList();
    }

    /** {@return all containers, oldest first} */
    public List<Container> all() {
        lock.lock();
        try {
            return visible().toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets go of everything that runs; the next daemon finds it again. Starts under way are called
     * off. Idempotent.
     */
    @Override
    public void close() {
        List<Container> everyone;
        lock.lock();
        try {
            closing = true;
            everyone = List.copyOf(byId.values());
        } finally {
            lock.unlock();
        }
        budgets.close();
        everyone.forEach(Container::letGo);
        spares.close();
    }

    private final Surroundings surroundings =
            new Surroundings() {
                @Override
                public Hypervisor hypervisor() {
                    return hypervisor;
                }

                @Override
                public MachineStart begin(Plan plan, Terms terms) {
                    return templates
                            .map(known -> known.begin(plan.machine(), terms.owner()))
                            .orElseGet(() -> MachineStart.boot(hypervisor));
                }

                @Override
                public StartGate starts() {
                    return starts;
                }

                @Override
                public SpareServers spares() {
                    return spares;
                }

                @Override
                public Budgets budgets() {
                    return budgets;
                }

                @Override
                public LayerSource layers() {
                    return layers;
                }

                @Override
                public Journal journal() {
                    return journal;
                }

                @Override
                public NanoClock clock() {
                    return clock;
                }

                @Override
                public long nowMillis() {
                    return System.currentTimeMillis();
                }

                @Override
                public CrashPoints crashPoints() {
                    return crashPoints;
                }

                @Override
                public Reattachment reattachment() {
                    return reattachment;
                }

                @Override
                public boolean isClosing() {
                    return closing;
                }

                @Override
                public void released(Container container) {
                    lock.lock();
                    try {
                        freeNames.add(container.id());
                        if (!Files.exists(journal.directoryOf(container.id()))) {
                            byId.remove(container.id());
                            freeNames.remove(container.id());
                            gone.put(container.id(), container.exits());
                            if (gone.size() > REMEMBERED) {
                                gone.remove(gone.keySet().iterator().next());
                            }
                        }
                    } finally {
                        lock.unlock();
                    }
                }

                @Override
                public void deleteOutput(String id) {
                    Path directory = outputs.resolve(id);
                    try (var files = Files.newDirectoryStream(directory)) {
                        for (Path file : files) {
                            Files.deleteIfExists(file);
                        }
                        Files.deleteIfExists(directory);
                    } catch (NoSuchFileException e) {
                        // it is gone already
                    } catch (IOException e) {
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "output was not deleted container=" + id,
                                e);
                    }
                }
            };
}
