// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs the owner's programs at steps of a container's life. Each gets the container's state on its
 * standard input, in the host's namespaces; the process number in it is the holder's.
 *
 * @spec https://github.com/opencontainers/runtime-spec/blob/v1.2.1/config.md#posix-platform-hooks
 *     hooks
 */
final class HookRunner {
    private static final System.Logger LOG = System.getLogger(HookRunner.class.getName());

    /** A hook that names no time must not hold a container up for ever. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final int LONGEST_COMPLAINT = 1000;
    private static final int OWNER_ONLY = 0600;
    private static final List<String> NO_ENVIRONMENT =
            List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin");

    private final Path folder;
    private final State created;

    /**
     * What a hook reads.
     *
     * @spec https://github.com/opencontainers/runtime-spec/blob/v1.2.1/runtime.md#state state
     */
    private record State(
            String ociVersion,
            String id,
            String status,
            int pid,
            String bundle,
            Map<String, String> annotations) {
        State in(String other, int otherPid) {
            return new State(ociVersion, id, other, otherPid, bundle, annotations);
        }
    }

    private HookRunner(Path folder, State created) {
        this.folder = folder;
        this.created = created;
    }

    /** {@return what runs the hooks of a container, which tells them what its record holds now} */
    static HookRunner of(Surroundings around, ContainerRecord record) {
        Plan plan = record.plan();
        return new HookRunner(
                around.journal().directoryOf(plan.id()),
                new State(
                        RuntimeSpec.VERSION,
                        record.terms().owner().map(Owner::id).orElse(plan.id()),
                        "created",
                        record.hostPid(),
                        plan.host().bundle().map(Path::toString).orElse(""),
                        plan.process().annotations()));
    }

    /**
     * Runs hooks one after the other.
     *
     * @throws Fault FAILED_PRECONDITION with the first one that fails; the rest is not run
     */
    void afterCreate(List<RuntimeSpec.Hook> hooks) throws InterruptedException {
        for (RuntimeSpec.Hook hook : hooks) {
            run(hook, created);
        }
    }

    /** Runs hooks one after the other. One that fails is logged. */
    void afterStart(List<RuntimeSpec.Hook> hooks) throws InterruptedException {
        runAll(hooks, created.in("running", created.pid()));
    }

    /** Runs hooks one after the other. One that fails is logged. */
    void afterStop(List<RuntimeSpec.Hook> hooks) throws InterruptedException {
        runAll(hooks, created.in("stopped", 0));
    }

    private void runAll(List<RuntimeSpec.Hook> hooks, State state) throws InterruptedException {
        for (RuntimeSpec.Hook hook : hooks) {
            try {
                run(hook, state);
            } catch (Fault e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "hook failed id={0} reason={1}",
                        state.id(),
                        GuestText.reason(e));
            }
        }
    }

    private void run(RuntimeSpec.Hook hook, State state) throws InterruptedException {
        Path input = folder.resolve("hook.json");
        Path complaints = folder.resolve("hook.log");
        try {
            Files.deleteIfExists(complaints);
            try (Fd written = open(input, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_TRUNC)) {
                written.writeFully(OciJson.write(state));
            }
            Optional<ExitStatus> status;
            try (Fd stdin = open(input, Fd.O_RDONLY);
                    Fd stderr = open(complaints, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_APPEND);
                    LinuxProcess process =
                            Spawn.of(command(hook))
                                    .environment(hook.env().isEmpty() ? NO_ENVIRONMENT : hook.env())
                                    .directory(directory(state))
                                    .newSession()
                                    .stdin(stdin)
                                    .stderr(stderr)
                                    .start()) {
                status = await(hook, process);
            }
            if (status.isEmpty() || status.get().shellCode() != 0) {
                throw failed(
                        hook,
                        status.map(how -> "it " + how).orElse("it did not end in time")
                                + complaint(complaints));
            }
        } catch (IOException e) {
            throw failed(hook, String.valueOf(e.getMessage())).causedBy(e);
        } finally {
            deleteQuietly(input);
            deleteQuietly(complaints);
        }
    }

    private static Fd open(Path file, int flags) throws ErrnoException {
        return Fd.open(file, flags, OWNER_ONLY);
    }

    private static List<String> command(RuntimeSpec.Hook hook) {
        if (!hook.path().startsWith("/")) {
            throw failed(hook, "its path is not absolute");
        }
        List<String> command = new ArrayList<>();
        command.add(hook.path());
        command.addAll(
                hook.args().isEmpty() ? List.of() : hook.args().subList(1, hook.args().size()));
        return command;
    }

    /** An owner may have removed the bundle before the last hooks run. */
    private static Path directory(State state) {
        Path bundle = Path.of(state.bundle());
        return Files.isDirectory(bundle) ? bundle : Path.of("/");
    }

    private static Optional<ExitStatus> await(RuntimeSpec.Hook hook, LinuxProcess process)
            throws InterruptedException, ErrnoException {
        Duration patience = hook.timeout() == null ? PATIENCE : Duration.ofSeconds(hook.timeout());
        try {
            Optional<ExitStatus> status = process.await(Deadline.after(patience));
            if (status.isEmpty()) {
                process.signal(Signals.SIGKILL);
            }
            return status;
        } catch (InterruptedException e) {
            process.signal(Signals.SIGKILL);
            throw e;
        }
    }

    private static String complaint(Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        int from = Math.max(0, all.length - LONGEST_COMPLAINT);
        String text = new String(all, from, all.length - from, StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "" : ": " + GuestText.printable(text);
    }

    private static Fault failed(RuntimeSpec.Hook hook, String why) {
        return Fault.failedPrecondition("the hook %s failed: %s", hook.path(), why);
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "a hook''s file was left behind file={0}", file);
        }
    }
}
