// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code ctr events} prints: of one containerd, of all its namespaces, in order. */
final class CtrEvents implements AutoCloseable {
    /** Date, time, offset, zone, namespace, topic, JSON. */
    private static final Pattern LINE =
            Pattern.compile("\\S+ \\S+ \\S+ \\S+ (\\S+) (/\\S+) (\\{.*\\})");

    private static final JsonMapper JSON = JsonMapper.shared();

    /** One after the other: each ends with the containerd that it listens to. */
    private final List<CommandRun.Running> listeners = new ArrayList<>();

    /** One event. Numbers and texts that are nought or empty are not in it. */
    record Event(String namespace, String topic, JsonNode fields) {
        String text(String field) {
            return fields.path(field).asString("");
        }

        int number(String field) {
            return fields.path(field).asInt(0);
        }

        /** {@return the exec that it tells of, or else the container} */
        String process() {
            if (topic.equals("/tasks/exit")) {
                return text("id");
            }
            return text("exec_id").isEmpty() ? text("container_id") : text("exec_id");
        }

        /** {@return what an assertion about an order needs} */
        String summary() {
            String end = topic.equals("/tasks/exit") ? " " + number("exit_status") : "";
            return topic.substring("/tasks/".length()) + " " + process() + end;
        }
    }

    /** Listens from now on, and returns when the first event has come through. */
    void watch(List<String> ctrEvents) {
        CommandRun.Running listener = CommandRun.of(ctrEvents).start();
        listeners.add(listener);
        // Nothing says that a listener is heard. So something is made to happen until it is seen.
        List<String> probe = new ArrayList<>(ctrEvents.subList(0, ctrEvents.size() - 1));
        probe.addAll(List.of("namespaces", "label", "default", "probed=" + listeners.size()));
        Await.until(
                "events",
                TestNode.patience(),
                () -> {
                    CommandRun.of(probe).run(TestNode.patience()).expectSuccess();
                    return listener.stdoutSoFar().length > 0;
                });
    }

    /** {@return all events so far} */
    List<Event> all() {
        return listeners.stream()
                .flatMap(listener ->
                        new String(listener.stdoutSoFar(), StandardCharsets.UTF_8).lines())
                .map(LINE::matcher)
                .filter(Matcher::matches)
                .map(line -> new Event(line.group(1), line.group(2), JSON.readTree(line.group(3))))
                .toList();
    }

    @Override
    public void close() {
        listeners.forEach(CommandRun.Running::close);
    }
}
