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
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
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

    private static final Duration CLOSING_PATIENCE = Duration.ofSeconds(20);

    private final TemplateScope scope;
    private final Hypervisor hypervisor;
    private final TemplateStore store;
    private final TemplateMaker maker;
    private final ExecutorService making =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().name("template").factory());

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<String, TemplateStore.Template> ready = new HashMap<>(); // by key
    private final Set<String> wanted = new HashSet<>(); // being made, or about to be
    private final Set<String> givenUp = new HashSet<>(); // tried once in the life of a daemon
    private final Map<Path, String> descriptions = new HashMap<>(); // of hypervisors
    private boolean closed;

    private Templates(
            TemplateScope scope, Hypervisor hypervisor, TemplateStore store, TemplateMaker maker) {
        this.scope = scope;
        this.hypervisor = hypervisor;
        this.store = store;
        this.maker = maker;
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
        return new Templates(scope, hypervisor, store, maker);
    }

    /** How a machine begins, and what became of that. */
    interface Start {
        /** {@return the machine, which waits for {@link VirtualMachine#resume}} */
        VirtualMachine launch(VirtualMachineSpec machine, Deadline deadline);

        /** Its agent answers. */
        void succeeded();

        /** Its agent does not answer. */
        void failed();
    }

    /** {@return the way a machine begins where there are no templates} */
    static Start boot(Hypervisor hypervisor) {
        return new Start() {
            @Override
            public VirtualMachine launch(VirtualMachineSpec machine, Deadline deadline) {
                return hypervisor.launch(machine, deadline);
            }

            @Override
            public void succeeded() {}

            @Override
            public void failed() {}
        };
    }

    /**
     * {@return how this machine begins}
     *
     * @param owner of its container; empty for this daemon's own users
     */
    Start begin(VirtualMachineSpec machine, Optional<Owner> owner) {
        if (scope == TemplateScope.NONE || machine.memory().shared()) {
            return boot(hypervisor);
        }
        try {
            String whom =
                    scope == TemplateScope.NODE
                            ? "node"
                            : "namespace " + owner.map(Owner::namespace).orElse("");
            TemplateShape shape = TemplateShape.of(machine, whom, description(machine));
            Start clone = TemplateShape.fit(machine) ? clone(shape, machine) : null;
            return clone == null ? new Cold(shape, machine) : clone;
        } catch (IOException | Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "no template is looked for machine={0} reason={1}",
                    machine.id(),
                    e.getMessage());
            return boot(hypervisor);
        }
    }

    private String description(VirtualMachineSpec machine) {
        lock.lock();
        try {
            return descriptions.computeIfAbsent(
                    machine.hypervisor(),
                    program -> hypervisor.description(program, Deadline.after(CLOSING_PATIENCE)));
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Start clone(TemplateShape shape, VirtualMachineSpec machine) {
        lock.lock();
        try {
            TemplateStore.Template known = ready.get(shape.key());
            if (known == null && !closed && !wanted.contains(shape.key())) {
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
    private final class Cold implements Start {
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
        public void succeeded() {
            if (!isReady(shape.key())) { // it may have been made since this start began
                make(shape, machine);
            }
        }

        @Override
        public void failed() {}
    }

    /**
     * {@return the memory of a template, the caller's to close; none if another one has taken its
     * place since}
     */
    private Optional<Fd> memoryOf(String key, TemplateStore.Template template)
            throws ErrnoException {
        lock.lock();
        try {
            return ready.get(key) == template
                    ? Optional.of(template.memory().duplicate())
                    : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /**
     * A machine that is a copy. It holds nothing until it is launched: a start may be called off.
     */
    private final class Clone implements Start {
        private final TemplateShape shape;
        private final VirtualMachineSpec machine;
        private final TemplateStore.Template template;
        private boolean cloned;

        Clone(TemplateShape shape, VirtualMachineSpec machine, TemplateStore.Template template) {
            this.shape = shape;
            this.machine = machine;
            this.template = template;
        }

        @Override
        public VirtualMachine launch(VirtualMachineSpec wanted, Deadline deadline) {
            return copy(wanted, deadline).orElseGet(() -> hypervisor.launch(wanted, deadline));
        }

        private Optional<VirtualMachine> copy(VirtualMachineSpec wanted, Deadline deadline) {
            try {
                Optional<Fd> memory = memoryOf(shape.key(), template);
                if (memory.isEmpty()) {
                    return Optional.empty();
                }
                try (Fd lent = memory.get()) {
                    Beginning copy = new Beginning.Copy(lent.path(), template.devices());
                    VirtualMachine clone =
                            hypervisor.launch(shape.clone(wanted, store.empty()), copy, deadline);
                    cloned = true;
                    return Optional.of(clone);
                }
            } catch (ErrnoException | Fault e) {
                failed();
                if (isCalledOff()) {
                    throw Fault.of(FaultCode.CANCELLED, "the start was called off").causedBy(e);
                }
                return Optional.empty();
            }
        }

        @Override
        public void succeeded() {
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

    private void make(TemplateShape shape, VirtualMachineSpec machine) {
        lock.lock();
        try {
            if (closed || givenUp.contains(shape.key()) || !wanted.add(shape.key())) {
                return;
            }
            making.execute(() -> makeNow(shape, machine));
        } finally {
            lock.unlock();
        }
    }

    private void makeNow(TemplateShape shape, VirtualMachineSpec machine) {
        try {
            TemplateStore.Template fresh = maker.make(shape, machine);
            lock.lock();
            try {
                if (closed) {
                    fresh.memory().close();
                    return;
                }
                wanted.remove(shape.key());
                retire(ready.put(shape.key(), fresh));
                for (String key : store.deleteAllBut(MOST_TEMPLATES)) {
                    retire(ready.remove(key));
                }
            } finally {
                lock.unlock();
            }
            LOG.log(System.Logger.Level.INFO, "a template is ready template={0}", shape.key());
        } catch (IOException | RuntimeException e) {
            giveUp(shape.key());
            LOG.log(
                    isClosed() ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
                    "a template was not made template=" + shape.key(),
                    e);
        }
    }

    private void giveUp(String key) {
        lock.lock();
        try {
            wanted.remove(key);
            givenUp.add(key);
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

    /** Clones that run, and starts under way, have descriptors of their own. */
    private static void retire(TemplateStore.@Nullable Template old) {
        if (old != null) {
            old.memory().close();
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

    /** A template, for people. */
    public record View(String key, List<String> inputs, long createdAtMillis, long bytes) {
        public View {
            inputs = List.copyOf(inputs);
        }
    }

    /** {@return the templates there are, oldest first} */
    public List<View> all() {
        return store.all().stream()
                .sorted(Comparator.comparingLong(View::createdAtMillis))
                .toList();
    }

    /**
     * Deletes a template. Clones that run keep what they have of it.
     *
     * @throws Fault NOT_FOUND if there is none of this key
     */
    public void remove(String key) {
        if (all().stream().noneMatch(view -> view.key().equals(key))) {
            throw Fault.notFound("there is no template '%s'", key)
                    .withHint("list them: bunkai template ls");
        }
        forget(key);
        lock.lock();
        try {
            givenUp.remove(key);
        } finally {
            lock.unlock();
        }
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
                ready.values().forEach(template -> undo.own(template.memory()));
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
