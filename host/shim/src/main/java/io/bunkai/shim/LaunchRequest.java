// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What one run of the launcher asks for.
 *
 * @param verb what to do
 * @param owner whose task it is about
 * @param id of the task
 * @param bundle the task's directory, absolute
 */
record LaunchRequest(Verb verb, TaskOwner owner, String id, Path bundle) {
    private static final String TITLE = "bunkai launch 1";
    private static final List<String> FIELDS =
            List.of("verb", "address", "namespace", "events", "id", "bundle");

    /** The launcher's commands that concern the daemon. */
    enum Verb {
        START,
        DELETE
    }

    /**
     * {@return the request in a launcher's file}
     *
     * @throws Fault INVALID_ARGUMENT if it makes no sense
     */
    static LaunchRequest parse(byte[] file) {
        Map<String, String> fields = FieldFile.parse(file, TITLE, FIELDS);
        String id = required(fields, "id");
        String namespace = required(fields, "namespace");
        return new LaunchRequest(
                verb(required(fields, "verb")),
                new TaskOwner(
                        fields.getOrDefault("address", ""),
                        namespace,
                        fields.getOrDefault("events", "")),
                id,
                bundle(required(fields, "bundle")));
    }

    private static String required(Map<String, String> fields, String name) {
        String value = fields.getOrDefault(name, "");
        if (value.isEmpty()) {
            throw Fault.invalidArgument("the field '%s' is empty", name);
        }
        return value;
    }

    private static Verb verb(String name) {
        return switch (name) {
            case "start" -> Verb.START;
            case "delete" -> Verb.DELETE;
            default -> throw Fault.invalidArgument("there is no verb '%s'", name);
        };
    }

    private static Path bundle(String path) {
        try {
            Path bundle = Path.of(path);
            if (bundle.isAbsolute()) {
                return bundle;
            }
        } catch (InvalidPathException e) {
            throw Fault.invalidArgument("the bundle is no path").causedBy(e);
        }
        throw Fault.invalidArgument("the bundle is no absolute path: %s", path);
    }
}
