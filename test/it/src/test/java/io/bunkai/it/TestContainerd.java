// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.LeakCheck;
import io.bunkai.testkit.Leftover;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A containerd of a test class's own, with a state root of bunkai's and the test images; and the
 * proof that nothing of what ran in it is left when the class is through. What it does to the
 * machine is written down in {@code test/containerd/private-containerd}, which people may use too.
 *
 * <p>Which runtime runs the containers, and which containerd it is, say two system properties: the
 * same tests hold for runc's shim, whose behaviour is the measure, and for every containerd.
 */
final class TestContainerd implements BeforeAllCallback, AfterAllCallback {
    /** The runtime under test. */
    static final String RUNTIME =
            System.getProperty("bunkai.it.runtime", "io.containerd.bunkai.v2");

    /** Where the programs of containerd are; Debian's, if nothing is said. */
    private static final Path PROGRAMS =
            Path.of(System.getProperty("bunkai.it.containerd", "/usr/bin"));

    /** What the names of all test images begin with. */
    static final String IMAGES = "bunkai.test/";

    /** Four layers, which delete, hide and replace what is below them. */
    static final String LAYERS = IMAGES + "layers:latest";

    /** Another image on the same base; its processes run as bob, in his home. */
    static final String TWIN = IMAGES + "twin:latest";

    /** What stays in containerd's folder while it runs, and what ctr itself leaves there. */
    private static final String[] STAYS = {
        "config.toml",
        "containerd.log",
        "pid",
        "fifo",
        "fifo/**",
        "runc",
        "runc/*",
        "root",
        "root/io.containerd.content.v1.content",
        "root/io.containerd.content.v1.content/**",
        "root/io.containerd.metadata.v1.bolt/**",
        "root/io.containerd.snapshotter.v1.*/**",
        "root/io.containerd.runtime.v2.task/*",
        "state/io.containerd.runtime.v2.task/*",
        "run/tasks/*.sock", // one for each containerd and namespace, as long as the daemon lives
    };

    private final TestNode node;
    private final boolean ownsNode;
    private final List<TestRoot> roots = new ArrayList<>();
    private final List<LeakCheck> machine = new ArrayList<>();
    private final List<LeakCheck> leaks = new ArrayList<>();
    private final CtrEvents events = new CtrEvents();
    private final Map<String, Ctr> namespaces = new LinkedHashMap<>();

    /** A containerd whose daemon has a state root of its own. */
    TestContainerd() {
        this(new TestNode(), true);
    }

    private TestContainerd(TestNode node, boolean ownsNode) {
        this.node = node;
        this.ownsNode = ownsNode;
    }

    /** {@return one more containerd, which shares this one's daemon; it has to be ended first} */
    TestContainerd beside() {
        return new TestContainerd(node, false);
    }

    /** {@return whether it is our runtime that is tested, and not the one we are measured by} */
    static boolean isBunkai() {
        return RUNTIME.startsWith("io.containerd.bunkai.");
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        if (ownsNode) {
            node.beforeAll(context);
            if (isBunkai()) {
                node.bunkai("daemon", "start").expectSuccess();
            }
        }
        roots.add(TestRoot.create());
        machine.add(LeakCheck.options().roots(dir()).onlyMentioning(name()).before());
        start();
        leaks.add(leakCheck());
    }

    @Override
    public void afterAll(ExtensionContext context) {
        try {
            assertNothingLeft(leaks.getFirst());
        } finally {
            TestNode.keep(
                    dir().resolve("containerd.log"),
                    context.getRequiredTestClass().getSimpleName()
                            + (ownsNode ? "-containerd.log" : "-containerd-beside.log"));
            events.close();
            script("remove").expectSuccess();
            machine.getFirst().assertNothingLeft(TestNode.patience());
            if (ownsNode) {
                endNode(context);
            }
        }
    }

    private void endNode(ExtensionContext context) {
        if (isBunkai()) {
            node.afterAll(context);
        } else {
            node.close();
        }
    }

    // ---- the process ----

    /** Starts it, on what an earlier one has left. */
    void start() {
        script("start").expectSuccess();
        events.watch(in("default").words("events"));
    }

    /** Ends it in good order. Containers go on. */
    void stop() {
        script("stop").expectSuccess();
    }

    /** Ends it with SIGKILL. Containers go on. */
    void kill() {
        script("kill").expectSuccess();
    }

    private CommandResult script(String command) {
        Path script = SourceTree.root().resolve("test/containerd/private-containerd");
        CommandRun run =
                CommandRun.of(script.toString(), command, dir().toString())
                        .environment("CONTAINERD", program("containerd").toString())
                        .environment("BUNKAI_ROOT", node.root().toString());
        if (isBunkai()) {
            run.environment("BUNKAI_HOME", String.valueOf(SourceTree.bunkai().getParent()));
        }
        return run.run(TestNode.patience());
    }

    /** {@return one of containerd's programs} */
    static Path program(String name) {
        Path program = PROGRAMS.resolve(name);
        if (!Files.isExecutable(program)) {
            throw new AssertionError("there is no program " + program);
        }
        return program;
    }

    /** {@return whether the version of containerd begins so} */
    static boolean isVersion(String beginning) {
        String said =
                CommandRun.of(program("ctr").toString(), "--version")
                        .run(TestNode.patience())
                        .expectSuccess()
                        .out();
        return said.contains(" " + beginning);
    }

    // ---- where things are ----

    /** {@return the folder that holds everything of it} */
    Path dir() {
        return roots.getFirst().path();
    }

    /** {@return the name of its network namespace, which is that of its folder} */
    String name() {
        return String.valueOf(dir().getFileName());
    }

    Path socket() {
        return dir().resolve("containerd.sock");
    }

    Path fifos() {
        return dir().resolve("fifo");
    }

    /** {@return the node that bunkai's daemon belongs to} */
    TestNode node() {
        return node;
    }

    // ---- clients ----

    /** {@return a client in this namespace, which has the test images} */
    Ctr in(String namespace) {
        return namespaces.computeIfAbsent(
                namespace,
                name -> {
                    Ctr ctr = new Ctr(this, name);
                    ctr.importImage(image("layers"));
                    ctr.importImage(image("twin"));
                    return ctr;
                });
    }

    /** Made once, and again when the script that makes them has changed. */
    private static synchronized Path image(String name) {
        Path folder = Path.of("target/containerd-images").toAbsolutePath();
        Path script = SourceTree.root().resolve("test/containerd/make-images");
        Path tar = folder.resolve(name + ".tar");
        try {
            if (!Files.exists(tar)
                    || Files.getLastModifiedTime(tar).compareTo(Files.getLastModifiedTime(script))
                            < 0) {
                CommandRun.of(script.toString(), folder.toString(), name)
                        .run(TestNode.patience())
                        .expectSuccess();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return tar;
    }

    // ---- events ----

    /** {@return what happened to the tasks of a container since containerd runs, in order} */
    List<CtrEvents.Event> events(Ctr ctr, String container) {
        return events.all().stream()
                .filter(event -> event.namespace().equals(ctr.namespace()))
                .filter(event -> event.topic().startsWith("/tasks/"))
                .filter(event -> event.text("container_id").equals(container))
                .toList();
    }

    /** Waits for an event of a container, of one of its processes if the event tells of one. */
    CtrEvents.Event awaitEvent(Ctr ctr, String container, String topic, String process) {
        List<CtrEvents.Event> found = new ArrayList<>();
        Deadline deadline = TestNode.patience();
        try {
            Await.until(
                    topic + " of " + process,
                    deadline,
                    () -> {
                        Optional<CtrEvents.Event> event =
                                events(ctr, container).stream()
                                        .filter(one -> one.topic().equals(topic))
                                        .filter(one -> one.process().equals(process))
                                        .findFirst();
                        event.ifPresent(found::add);
                        return event.isPresent();
                    });
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; there were " + events(ctr, container), e);
        }
        return found.getFirst();
    }

    // ---- what is left ----

    /** {@return a comparison of everything that containers could leave behind with this moment} */
    LeakCheck leakCheck() {
        return node.options().roots(dir()).onlyMentioning(name()).ignoringFiles(STAYS).before();
    }

    /** Waits until nothing is left of any container: what goes on are the services. */
    void assertNothingLeft(LeakCheck check) {
        for (Ctr ctr : namespaces.values()) {
            Stream<String> active =
                    ctr.out("snapshots", "ls").lines().filter(line -> line.endsWith("Active"));
            if (active.findAny().isPresent()) {
                throw new AssertionError("snapshots are left: " + ctr.out("snapshots", "ls"));
            }
        }
        node.assertNothingLeft(check, this::isOfAContainer);
    }

    private boolean isOfAContainer(Leftover item) {
        boolean isOfTemplate =
                Stream.of("-name template-", "/template-", "/run/templates/")
                        .anyMatch(item.description()::contains);
        if (isOfTemplate) {
            return false; // the daemon makes one meanwhile, for whoever comes next
        }
        return switch (item.kind()) {
            case PROCESS ->
                    !node.isDaemon(item)
                            && Stream.of(dir() + "/config.toml", " events;")
                                    .noneMatch(item.description()::contains);
            // A namespace's group outlives its containers; the script removes it in the end.
            case CGROUP -> !item.identity().matches(".*/" + name() + "(/[^/]*)?");
            default -> true;
        };
    }
}
