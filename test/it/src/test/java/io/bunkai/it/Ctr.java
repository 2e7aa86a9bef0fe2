// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * containerd's own client, in one namespace of one containerd. A command is written as ctr takes
 * it; what every test would have to repeat is put in: the runtime, the folder of the pipes, the id
 * of an exec.
 */
final class Ctr {
    private static final AtomicInteger EXECS = new AtomicInteger();

    private final TestContainerd containerd;
    private final String namespace;

    Ctr(TestContainerd containerd, String namespace) {
        this.containerd = containerd;
        this.namespace = namespace;
    }

    /** {@return the name of the namespace} */
    String namespace() {
        return namespace;
    }

    /** {@return the program and all of its arguments} */
    List<String> words(String... arguments) {
        List<String> given = List.of(arguments);
        List<String> words = new ArrayList<>();
        words.add(TestContainerd.program("ctr").toString());
        words.addAll(List.of("--address", containerd.socket().toString()));
        words.addAll(List.of("--namespace", namespace));
        int verb = given.getFirst().equals("run") ? 0 : 1;
        words.addAll(given.subList(0, verb));
        if (given.size() > verb) {
            words.add(given.get(verb));
            words.addAll(
                    switch (given.get(verb)) {
                        case "run" -> runOptions(given);
                        case "create" -> runtimeOptions(given);
                        case "exec" -> execOptions(given);
                        default -> List.of();
                    });
            words.addAll(given.subList(verb + 1, given.size()));
        }
        return words;
    }

    private List<String> runOptions(List<String> given) {
        List<String> options = new ArrayList<>(runtimeOptions(given));
        options.addAll(List.of("--fifo-dir", containerd.fifos().toString()));
        return options;
    }

    private List<String> runtimeOptions(List<String> given) {
        List<String> options = new ArrayList<>(List.of("--runtime", TestContainerd.RUNTIME));
        if (!TestContainerd.isBunkai()) {
            // Two containerds know nothing of each other; runc keeps them apart by these alone.
            String group = containerd.name() + "/" + namespace + "/" + idIn(given);
            options.addAll(List.of("--runc-root", containerd.dir().resolve("runc").toString()));
            options.addAll(List.of("--cgroup", "/" + group));
        }
        return options;
    }

    /** The id stands behind the image. */
    private static String idIn(List<String> given) {
        for (int i = 0; i + 1 < given.size(); i++) {
            if (given.get(i).startsWith(TestContainerd.IMAGES)) {
                return given.get(i + 1);
            }
        }
        throw new IllegalArgumentException("no image of ours in " + given);
    }

    private List<String> execOptions(List<String> given) {
        List<String> options =
                new ArrayList<>(List.of("--fifo-dir", containerd.fifos().toString()));
        if (!given.contains("--exec-id")) {
            options.addAll(List.of("--exec-id", "exec-" + EXECS.incrementAndGet()));
        }
        return options;
    }

    /** {@return a run of ctr with these arguments; nothing is started yet} */
    CommandRun command(String... arguments) {
        return CommandRun.of(words(arguments));
    }

    /** {@return what ctr did with these arguments} */
    CommandResult ctr(String... arguments) {
        return command(arguments).run(TestNode.patience());
    }

    /** {@return the standard output of a ctr that succeeds, without white space around it} */
    String out(String... arguments) {
        return ctr(arguments).expectSuccess().out().strip();
    }

    /** {@return the standard output of a command in a container, without white space around it} */
    String inside(String container, String... command) {
        List<String> words = new ArrayList<>(List.of("tasks", "exec", container));
        words.addAll(List.of(command));
        return out(words.toArray(String[]::new));
    }

    /** Starts a container that does nothing, for others to be executed in. */
    void startSleeper(String id, String... options) {
        List<String> words = new ArrayList<>(List.of("run", "-d"));
        words.addAll(List.of(options));
        words.addAll(List.of(TestContainerd.LAYERS, id, "sleep", "100000"));
        out(words.toArray(String[]::new));
    }

    /** {@return the states of the tasks by their ids, such as RUNNING} */
    Map<String, String> states() {
        Map<String, String> states = new TreeMap<>();
        rows().forEach(row -> states.put(row[0], row[2]));
        return states;
    }

    /** {@return the state of a task; empty if there is none} */
    String state(String id) {
        return states().getOrDefault(id, "");
    }

    /** {@return the process that containerd has for a task} */
    int pid(String id) {
        return rows().stream()
                .filter(row -> row[0].equals(id))
                .map(row -> Integer.valueOf(row[1]))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no task " + id));
    }

    /** The table has one line of headings. */
    private List<String[]> rows() {
        return out("tasks", "ls").lines().skip(1).map(line -> line.split("\\s+")).toList();
    }

    /** Waits until a task is in this state. */
    void awaitState(String id, String state) {
        Await.until(id + " to be " + state, TestNode.patience(), () -> state(id).equals(state));
    }

    /** Ends a task with KILL, and removes it with its container. */
    void remove(String id) {
        ctr("tasks", "kill", "--signal", "KILL", id).expectSuccess();
        awaitState(id, "STOPPED");
        ctr("tasks", "delete", id).expectSuccess();
        ctr("containers", "delete", id).expectSuccess();
    }

    /** Takes in an image that {@code make-images} made. */
    void importImage(Path tar) {
        out("images", "import", tar.toString());
    }
}
