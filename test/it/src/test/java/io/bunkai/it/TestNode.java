// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.LeakCheck;
import io.bunkai.testkit.Leftover;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A node of a test class's own: a state root, the daemon that the first command starts in it, and
 * the proof that nothing of them is left when the class is through.
 *
 * <p>Everything is done as a user does it, with the program and nothing else.
 */
final class TestNode implements BeforeAllCallback, AfterAllCallback {
    /** For a command that boots a machine, on a host without KVM that is busy with others. */
    static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final Duration LEAK_PATIENCE = Duration.ofSeconds(15);

    /** The group above all machines' groups; it stays, and other nodes of this host share it. */
    private static final String CGROUP_PARENT = "bunkai";

    private static final String HYPERVISOR = "/usr/bin/qemu-system-";

    /** What a state root holds between two daemons, relative to it: caches, logs, locks. */
    private static final String[] STAYS = {
        "run",
        "run/sandboxes",
        "run/calls",
        "run/shim",
        "run/tasks",
        "run/tasks/*.owner",
        "run/bunkaid.lock",
        "run/start.lock",
        "run/tasks",
        "run/tasks/*.owner",
        "run/tasks/*.sock", // of each containerd that has asked
        "run/calls",
        "log",
        "log/*",
        "lib",
        "lib/outputs",
        "lib/disks",
        "lib/layers",
        "lib/layers/**",
        "lib/cache",
        "lib/cache/**",
        "lib/disks",
        "lib/disks/**",
        "lib/layers",
        "lib/layers/lock",
        "lib/layers/disks",
        "lib/layers/disks/**",
        "lib/layers/staging",
        "lib/images",
        "lib/images/**",
        "run/templates",
        "lib/templates",
        "lib/templates/**",
    };

    private static final JsonMapper JSON = JsonMapper.shared();

    private final List<LeakCheck> leaks = new ArrayList<>();
    private final List<TestRoot> roots = new ArrayList<>();

    @Override
    public void beforeAll(ExtensionContext context) {
        roots.add(TestRoot.create());
        leaks.add(leakCheck());
    }

    @Override
    public void afterAll(ExtensionContext context) {
        try {
            removeContainers();
            stopDaemon();
            assertNothingLeft(leaks.getFirst());
        } finally {
            keepLog(context.getRequiredTestClass().getSimpleName());
            endWhatIsLeft();
            roots.forEach(TestRoot::close);
        }
    }

    /** Ends a node on which no daemon was ever started, and nothing else was. */
    void close() {
        try {
            assertNothingLeft(leaks.getFirst());
        } finally {
            roots.forEach(TestRoot::close);
        }
    }

    // ---- commands ----

    /** {@return the state root} */
    Path root() {
        return roots.getFirst().path();
    }

    /** {@return a moment that is late enough for anything that works at all} */
    static Deadline patience() {
        return Deadline.after(PATIENCE);
    }

    /** {@return a run of the command line with these arguments; nothing is started yet} */
    CommandRun command(String... arguments) {
        List<String> words = new ArrayList<>();
        words.add(SourceTree.bunkai().toString());
        words.addAll(List.of(arguments));
        return CommandRun.of(words).environment("BUNKAI_ROOT", root().toString());
    }

    /** {@return what the command line did with these arguments} */
    CommandResult bunkai(String... arguments) {
        return command(arguments).run(patience());
    }

    /** {@return the standard output of a command that succeeds, without white space around it} */
    String out(String... arguments) {
        return bunkai(arguments).expectSuccess().out().strip();
    }

    /** {@return the standard output of a command that succeeds, as JSON} */
    JsonNode json(String... arguments) {
        return JSON.readTree(bunkai(arguments).expectSuccess().out());
    }

    /**
     * Starts a container that does nothing, for others to be executed in.
     *
     * @return its id
     */
    String startSleeper(String name, String... options) {
        List<String> words = new ArrayList<>(List.of("run", "-d", "--name", name));
        words.addAll(List.of(options));
        words.addAll(List.of("--", "sleep", "100000"));
        return out(words.toArray(String[]::new));
    }

    // ---- what there is ----

    /** {@return what {@code ps} says of the container with this name, whether or not it runs} */
    Optional<JsonNode> find(String name) {
        for (JsonNode container : json("ps", "-a", "--format", "json")) {
            if (container.path("name").asString().equals(name)) {
                return Optional.of(container);
            }
        }
        return Optional.empty();
    }

    /** {@return what {@code ps} says of the container with this name} */
    JsonNode get(String name) {
        return find(name).orElseThrow(() -> new AssertionError("there is no container " + name));
    }

    /** {@return the state of the container with this name; empty if there is none} */
    String state(String name) {
        return find(name).map(container -> container.path("state").asString()).orElse("");
    }

    /** Waits until {@code ps} says that a container is in this state. */
    void awaitState(String name, String state) {
        Await.until(name + " to be " + state, patience(), () -> state(name).equals(state));
    }

    /** {@return QEMU's process of the container with this name} */
    int vmmPid(String name) {
        return get(name).path("vmmPid").asInt();
    }

    /** {@return the words of a process's command line} */
    static List<String> commandLine(int pid) {
        try {
            String text = Files.readString(Path.of("/proc", String.valueOf(pid), "cmdline"));
            return List.of(text.split("\0"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * {@return the machines that run in this state root, as the kernel sees them; none that is to
     * become a template}
     */
    List<Integer> machines() {
        return processesWith(root().toString()).stream()
                .filter(pid -> commandLineOf(String.valueOf(pid)).startsWith(HYPERVISOR))
                .filter(pid -> !commandLineOf(String.valueOf(pid)).contains("-name\0template-"))
                .toList();
    }

    /** {@return the machine that is to become a template; waits until there is one} */
    ProcessIdentity awaitTemplateMachine() {
        Await.until("a template's machine", patience(), () -> templateMachine().isPresent());
        return templateMachine().orElseThrow(() -> new AssertionError("it is gone already"));
    }

    private Optional<ProcessIdentity> templateMachine() {
        return processesWith(root().toString()).stream()
                .filter(pid -> commandLineOf(String.valueOf(pid)).contains("-name\0template-"))
                .findFirst()
                .flatMap(ProcessIdentity::of);
    }

    /** {@return the folders of the templates that there are} */
    List<Path> templates() {
        try (var folders = Files.list(root().resolve("lib/templates"))) {
            return folders.filter(folder -> !folder.getFileName().toString().startsWith("."))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until a daemon has made a template, as it does after the first start of a kind. */
    void awaitTemplate() {
        Await.until("a template", patience(), () -> daemonLog().contains("a template is ready"));
    }

    // ---- the daemon ----

    /** {@return the daemon's process; the daemon is started if there is none} */
    int daemonPid() {
        return json("version", "--format", "json").path("daemon").path("pid").asInt();
    }

    /**
     * {@return whether this is the process of the daemon that runs now, whichever it was before}
     */
    boolean isDaemon(Leftover process) {
        try {
            String pid = Files.readString(root().resolve("run/bunkaid.lock")).strip();
            return !pid.isEmpty() && process.description().startsWith(pid + " ");
        } catch (IOException e) {
            return false; // none has ever run
        }
    }

    /** {@return the daemon that takes over from the one that runs} */
    int newerDaemon() {
        return processesWith(root().toString()).stream()
                .filter(pid -> commandLine(pid).contains("--takeover"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no newer daemon"));
    }

    /** Starts the daemon, which will die at this point. */
    ProcessIdentity startDaemonThatDiesAt(String crashPoint) {
        command("daemon", "start")
                .environment("BUNKAI_CRASH_AT", crashPoint)
                .run(patience())
                .expectSuccess();
        return ProcessIdentity.of(daemonPid()).orElseThrow();
    }

    /** Ends the daemon if one runs, and waits for its end. Machines go on. */
    void stopDaemon() {
        bunkai("daemon", "stop").expectSuccess();
    }

    /** {@return what all daemons of this root have logged} */
    String daemonLog() {
        try {
            Path log = root().resolve("log/bunkaid.log");
            return Files.exists(log)
                    ? new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                    : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- what is left ----

    /** {@return a comparison of everything that this root could leave behind with this moment} */
    LeakCheck leakCheck() {
        return options().before();
    }

    /** {@return the same, and the open files of the daemon, which has to outlive the comparison} */
    LeakCheck leakCheckWithDescriptors() {
        List<Long> daemon = List.of((long) daemonPid());
        return options().descriptorsOf(() -> daemon).before();
    }

    /** {@return what a check looks at} */
    LeakCheck.Options options() {
        return LeakCheck.options().roots(root()).onlyMentioning(CGROUP_PARENT).ignoringFiles(STAYS);
    }

    /** Waits until nothing is left. */
    void assertNothingLeft(LeakCheck check) {
        assertNothingLeft(check, _ -> true);
    }

    /** Waits until nothing is left of what counts. */
    void assertNothingLeft(LeakCheck check, Predicate<Leftover> counts) {
        Deadline deadline = Deadline.after(LEAK_PATIENCE);
        List<Leftover> left = ours(check, counts);
        while (!left.isEmpty() && !deadline.hasPassed()) {
            left = ours(check, counts);
        }
        if (!left.isEmpty()) {
            throw new AssertionError(
                    left.stream()
                            .map(item -> "\n  " + item)
                            .collect(Collectors.joining("", "this was left behind:", "")));
        }
    }

    /**
     * Another node of this host has its groups beside ours, under the same parent, and who builds
     * or tests beside us mounts where it likes.
     */
    private List<Leftover> ours(LeakCheck check, Predicate<Leftover> counts) {
        return check.leftovers().stream()
                .filter(counts)
                .filter(item ->
                        switch (item.kind()) {
                            case CGROUP -> isOurs(Path.of(item.identity()));
                            case MOUNT -> item.identity().startsWith(root().toString());
                            default -> true;
                        })
                .toList();
    }

    private boolean isOurs(Path cgroup) {
        if (cgroup.endsWith(CGROUP_PARENT)) {
            return false;
        }
        try {
            for (String pid : Files.readAllLines(cgroup.resolve("cgroup.procs"))) {
                if (!commandLineOf(pid).contains(root().toString())) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return Files.exists(cgroup);
        }
    }

    /** Removes all containers, whatever state they are in. */
    void removeContainers() {
        for (String id : out("ps", "-a", "-q", "--no-trunc").lines().toList()) {
            bunkai("rm", "-f", id).expectSuccess();
        }
    }

    /** The log says more than an assertion can, and the root is about to go. */
    private void keepLog(String testClass) {
        keep(root().resolve("log/bunkaid.log"), testClass + ".log");
    }

    /** Copies a log to where it is found after the tests. */
    static void keep(Path log, String name) {
        Path kept = Path.of("target/daemon-logs", name);
        try {
            if (Files.exists(log)) {
                Files.createDirectories(kept.getParent());
                Files.copy(log, kept, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** After a failure: what a test has left must not reach the next class. */
    private void endWhatIsLeft() {
        for (int pid : processesWith(root().toString())) {
            List<Path> groups = groupsOf(pid);
            kill(pid);
            groups.forEach(TestNode::removeGroup);
        }
    }

    private static void kill(int pid) {
        Optional<ProcessIdentity> identity = ProcessIdentity.of(pid);
        if (identity.isEmpty()) {
            return;
        }
        try (LinuxProcess process = LinuxProcess.adopt(identity.get())) {
            process.signal(Signals.SIGKILL);
            process.await(Deadline.after(LEAK_PATIENCE));
        } catch (ErrnoException e) {
            // it has ended meanwhile
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static List<Path> groupsOf(int pid) {
        List<Path> groups = new ArrayList<>();
        try {
            for (String line :
                    Files.readAllLines(Path.of("/proc", String.valueOf(pid), "cgroup"))) {
                String[] fields = line.split(":", 3);
                if (fields[2].startsWith("/" + CGROUP_PARENT + "/")) {
                    groups.add(Path.of("/sys/fs/cgroup", fields[1], fields[2]));
                }
            }
        } catch (IOException e) {
            return groups; // it has ended
        }
        return groups;
    }

    private static void removeGroup(Path group) {
        try {
            Files.deleteIfExists(group);
        } catch (IOException e) {
            System.err.println("control group " + group + " stays: " + e.getMessage());
        }
    }

    private static List<Integer> processesWith(String text) {
        List<Integer> found = new ArrayList<>();
        long self = ProcessHandle.current().pid();
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                String pid = process.getFileName().toString();
                if (commandLineOf(pid).contains(text) && Integer.parseInt(pid) != self) {
                    found.add(Integer.valueOf(pid));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static String commandLineOf(String pid) {
        try {
            return Files.readString(Path.of("/proc", pid, "cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }
}
