// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.config.RuntimeConfiguration.TemplateScope;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Machines that were booted once and frozen, and whose copies containers start in.
 *
 * <p>A start asks for a beginning: a copy of the template for its kind of machine, or a boot if
 * there is none yet. A template that is missing is made in the background, one at a time and each
 * once, after the first start that wanted it is over. Nothing that runs can change a template:
 * clones map a file of memory that is sealed.
 *
 * <p>Templates lie in {@code lib/templates/<key>}, their owner's alone, and are found again by a
 * later daemon. One that is damaged, or for which a clone did not come up, is deleted and made
 * anew. Used by many threads at once.
 */
public final class Templates implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Templates.class.getName());

    /** So long a template is used before another one takes its place. */
    private static final Duration OLDEST = Duration.ofDays(1);

    /** Of so many clones at most a template's address space layout is the same. */
    private static final int MOST_CLONES = 1000;

    /** A template takes some hundred MiB of a disk: beyond so many the oldest are deleted. */
    private static final int MOST_TEMPLATES = 8;

    /** What could not be made is not tried at each start. */
    private static final Duration SECOND_TRY = Duration.ofMinutes(10);

    private static final Duration CLOSING_PATIENCE = Duration.ofSeconds(20);

    private final TemplateScope scope;
    private final Hypervisor hypervisor;
    private final TemplateStore store;
    private final TemplateMaker maker;
    private final NanoClock clock;
    private final ExecutorService making =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().name("template").factory());

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<String, TemplateStore.Template> ready = new HashMap<>(); // by key
    private final Map<String, CompletableFuture<Void>> wanted = new HashMap<>(); // being made
    private final Map<String, Long> givenUp = new HashMap<>(); // in vain, at these nanoseconds
    private boolean closed;

    private Templates(
            TemplateScope scope,
            Hypervisor hypervisor,
            TemplateStore store,
            TemplateMaker maker,
            NanoClock clock) {
        this.scope = scope;
        this.hypervisor = hypervisor;
        this.store = store;
        this.maker = maker;
        this.clock = clock;
    }

    /**
     * Opens the templates of a state root. What a former daemon was making is removed.
     *
     * @throws Fault INTERNAL if the place cannot be used
     */
    public static Templates open(
            StateRoot root,
            TemplateScope scope,
            Hypervisor hypervisor,
            HostCgroups cgroups,
            NanoClock clock) {
        TemplateStore store = TemplateStore.open(root.templates());
        TemplateMaker maker =
                new TemplateMaker(root.templateMachines(), store, hypervisor, cgroups, clock);
        maker.removeRemains();
        return new Templates(scope, hypervisor, store, maker, clock);
    }

    /**
     * {@return how this machine begins}
     *
     * @param owner of its container; empty for this daemon's own users
     */
    MachineStart begin(VirtualMachineSpec machine, Optional<Owner> owner) {
        if (scope == TemplateScope.NONE || machine.hasLimitedDisk()) {
            return MachineStart.boot(hypervisor); // a template has no disks but empty ones
        }
        try {
            TemplateShape shape = shape(machine, owner);
            MachineStart clone = TemplateShape.fit(machine) ? clone(shape, machine) : null;
            return clone == null ? new Cold(shape, machine) : clone;
        } catch (IOException | Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "no template is looked for machine={0} reason={1}",
                    machine.id(),
                    e.getMessage());
            return MachineStart.boot(hypervisor);
        }
    }

    private TemplateShape shape(VirtualMachineSpec machine, Optional<Owner> owner)
            throws IOException {
        String whom =
                scope == TemplateScope.NODE
                        ? "node"
                        : "namespace " + owner.map(Owner::namespace).orElse("");
        String program =
                hypervisor.description(machine.hypervisor(), Deadline.after(CLOSING_PATIENCE));
        return TemplateShape.of(machine, whom, program);
    }

    private @Nullable MachineStart clone(TemplateShape shape, VirtualMachineSpec machine) {
        lock.lock();
        try {
            TemplateStore.Template known = ready.get(shape.key());
            if (known == null && !closed && !wanted.containsKey(shape.key())) {
                known = store.load(shape, machine.memory().size().bytes());
                if (known != null) {
                    ready.put(shape.key(), known);
                }
            }
            return known == null ? null : new Clone(shape, machine, known);
        } finally {
            lock.unlock();
        }
    }

    /** A machine that boots, since there is no template for it yet. */
    private final class Cold implements MachineStart {
        private final TemplateShape shape;
        private final VirtualMachineSpec machine;

        Cold(TemplateShape shape, VirtualMachineSpec machine) {
            this.shape = shape;
            this.machine = machine;
        }

        @Override
        public VirtualMachine launch(VirtualMachineSpec wanted, Deadline deadline) {
            return hypervisor.launch(wanted, deadline);
        }

        @Override
        public boolean hasAnotherWay() {
            return false;
        }

        @Override
        public void succeeded() {
            if (!isReady(shape.key())) { // it may have been made since this start began
                make(shape, machine);
            }
        }

        @Override
        public void failed() {}
    }

    /** {@return what a clone is made of; nothing if another template has taken its place since} */
    private Optional<TemplateStore.Frozen> lend(String key, TemplateStore.Template template)
            throws ErrnoException {
        lock.lock();
        try {
            return ready.get(key) == template ? Optional.of(template.lend()) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /**
     * A machine that is a copy. It holds nothing until it is launched: a start may be called off.
     */
    private final class Clone implements MachineStart {
        private final TemplateShape shape;
        private final VirtualMachineSpec machine;
        private final TemplateStore.Template template;
        private boolean cloned;
        private boolean refused; // no copy could be made
        private boolean boots;

        Clone(TemplateShape shape, VirtualMachineSpec machine, TemplateStore.Template template) {
            this.shape = shape;
            this.machine = machine;
            this.template = template;
        }

        @Override
        public VirtualMachine launch(VirtualMachineSpec wanted, Deadline deadline) {
            Optional<VirtualMachine> clone = refused ? Optional.empty() : copy(wanted, deadline);
            boots = clone.isEmpty();
            return clone.orElseGet(() -> hypervisor.launch(wanted, deadline));
        }

        private Optional<VirtualMachine> copy(VirtualMachineSpec wanted, Deadline deadline) {
            try {
                Optional<TemplateStore.Frozen> lent = lend(shape.key(), template);
                if (lent.isEmpty()) {
                    return Optional.empty();
                }
                try (TemplateStore.Frozen frozen = lent.get();
                        Fd memory = memoryFor(wanted, frozen)) {
                    Beginning copy = new Beginning.Copy(memory.path(), frozen.devices().path());
                    VirtualMachine clone =
                            hypervisor.launch(shape.clone(wanted, store.empty()), copy, deadline);
                    cloned = true;
                    return Optional.of(clone);
                }
            } catch (IOException | Fault e) {
                if (isCalledOff()) {
                    throw Fault.of(FaultCode.CANCELLED, "the start was called off").causedBy(e);
                }
                refused = true;
                throw Fault.unavailable("machine %s could not be cloned", wanted.id()).causedBy(e);
            }
        }

        @Override
        public boolean hasAnotherWay() {
            return refused && !boots;
        }

        private static Fd memoryFor(VirtualMachineSpec wanted, TemplateStore.Frozen frozen)
                throws IOException {
            return wanted.memory().shared()
                    ? FrozenMemory.ownCopy(frozen.memory(), wanted.memory().size().bytes())
                    : frozen.memory().duplicate();
        }

        @Override
        public void succeeded() {
            if (refused) { // and yet it boots
                failed();
            }
            if (!cloned || template.countClone() >= MOST_CLONES || template.isOlderThan(OLDEST)) {
                make(shape, machine);
            }
        }

        @Override
        public void failed() {
            if (isCalledOff()) {
                return;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a clone did not come up, so its template is deleted template={0}",
                    shape.key());
            forget(shape.key());
        }
    }

    /** A start that is called off says nothing about its template. */
    private static boolean isCalledOff() {
        return Thread.currentThread().isInterrupted();
    }

    private boolean isReady(String key) {
        lock.lock();
        try {
            return ready.containsKey(key);
        } finally {
            lock.unlock();
        }
    }

    /** In the background; what goes wrong is logged. */
    private void make(TemplateShape shape, VirtualMachineSpec machine) {
        CompletableFuture<Void> _ = promise(shape, machine);
    }

    /** {@return done when it is made; with what went wrong, if it was not} */
    private CompletableFuture<Void> promise(TemplateShape shape, VirtualMachineSpec machine) {
        lock.lock();
        try {
            CompletableFuture<Void> made = wanted.get(shape.key());
            if (made != null) {
                return made;
            }
            CompletableFuture<Void> soon = new CompletableFuture<>();
            if (closed || isGivenUp(shape.key())) {
                soon.completeExceptionally(Fault.unavailable("no template is made any more"));
                return soon;
            }
            wanted.put(shape.key(), soon);
            making.execute(() -> makeNow(shape, machine, soon));
            return soon;
        } finally {
            lock.unlock();
        }
    }

    private void makeNow(
            TemplateShape shape, VirtualMachineSpec machine, CompletableFuture<Void> made) {
        try {
            keep(shape.key(), maker.make(shape, machine));
            LOG.log(System.Logger.Level.INFO, "a template is ready template={0}", shape.key());
            made.complete(null);
        } catch (IOException | RuntimeException e) {
            giveUp(shape.key());
            LOG.log(
                    isClosed() ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
                    "a template was not made template=" + shape.key(),
                    e);
            made.completeExceptionally(e);
        }
    }

    private void keep(String key, TemplateStore.Template fresh) {
        lock.lock();
        try {
            if (closed) {
                fresh.close();
                return;
            }
            wanted.remove(key);
            retire(ready.put(key, fresh));
            for (String surplus : store.deleteAllBut(MOST_TEMPLATES)) {
                retire(ready.remove(surplus));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private boolean isGivenUp(String key) {
        Long since = givenUp.get(key);
        return since != null && clock.nanos() - since < SECOND_TRY.toNanos();
    }

    private void giveUp(String key) {
        lock.lock();
        try {
            wanted.remove(key);
            givenUp.put(key, clock.nanos());
        } finally {
            lock.unlock();
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    private static void retire(TemplateStore.@Nullable Template old) {
        if (old != null) {
            old.close();
        }
    }

    private void forget(String key) {
        lock.lock();
        try {
            retire(ready.remove(key));
            store.delete(key);
        } finally {
            lock.unlock();
        }
    }

    /** {@return who shares a template; NONE if none are made} */
    public TemplateScope scope() {
        return scope;
    }

    /** {@return the templates there are, oldest first} */
    public List<TemplateView> all() {
        return store.all().stream()
                .sorted(Comparator.comparingLong(TemplateView::createdAtMillis))
                .toList();
    }

    /**
     * Makes the template for machines like this one, unless it is there, and waits for it. One that
     * was tried before, in vain, is tried again.
     *
     * @throws Fault FAILED_PRECONDITION if there are none for such machines, CANCELLED if the
     *     thread is interrupted, or what went wrong
     */
    public TemplateView create(VirtualMachineSpec machine) {
        if (scope == TemplateScope.NONE) {
            throw Fault.failedPrecondition("templates are switched off")
                    .withHint(
                            "set enable_template = true in [factory] of the node's configuration,"
                                    + " and template_scope in [bunkai] to another word than none");
        }
        if (machine.hasLimitedDisk()) {
            throw Fault.failedPrecondition(
                            "a machine with a disk that is not of an image is never a copy of a"
                                    + " template")
                    .withHint("leave --device out");
        }
        try {
            TemplateShape shape = shape(machine, Optional.empty());
            if (clone(shape, machine) == null) {
                tryAgain(shape.key());
                promise(shape, machine).get();
            }
            return all().stream()
                    .filter(view -> view.key().equals(shape.key()))
                    .findFirst()
                    .orElseThrow(() -> Fault.unavailable("the template was removed at once"));
        } catch (IOException e) {
            throw Fault.failedPrecondition("a file of the guest cannot be looked at").causedBy(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Fault fault) {
                throw fault;
            }
            throw Fault.internal("the template was not made").causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "interrupted").causedBy(e);
        }
    }

    private void tryAgain(String key) {
        lock.lock();
        try {
            givenUp.remove(key);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Deletes a template. Clones that run keep what they have of it.
     *
     * @throws Fault NOT_FOUND if there is none of this key
     */
    public TemplateView remove(String key) {
        List<TemplateView> removed = remove(view -> view.key().equals(key));
        if (removed.isEmpty()) {
            throw Fault.notFound("there is no template '%s'", key)
                    .withHint("list them: bunkai template ls");
        }
        return removed.getFirst();
    }

    /** Deletes templates. {@return those that were} */
    public List<TemplateView> remove(Predicate<TemplateView> which) {
        List<TemplateView> removed = all().stream().filter(which).toList();
        for (TemplateView view : removed) {
            forget(view.key());
            tryAgain(view.key());
        }
        return removed;
    }

    /** Waits until nothing is being made. For tests. */
    void awaitIdle(Deadline deadline) throws InterruptedException {
        while (true) {
            lock.lock();
            try {
                if (wanted.isEmpty()) {
                    return;
                }
            } finally {
                lock.unlock();
            }
            if (deadline.hasPassed()) {
                throw Fault.deadlineExceeded("templates are still being made");
            }
            Thread.sleep(5);
        }
    }

    /** Ends what is being made. Templates stay for the next daemon. Idempotent. */
    @Override
    public void close() {
        try (Closer undo = new Closer()) {
            lock.lock();
            try {
                closed = true;
                ready.values().forEach(undo::own);
                ready.clear();
            } finally {
                lock.unlock();
            }
            making.shutdownNow();
            if (!making.awaitTermination(CLOSING_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.log(System.Logger.Level.WARNING, "a template is still being made");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
