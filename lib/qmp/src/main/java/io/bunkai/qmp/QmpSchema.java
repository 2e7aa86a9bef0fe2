// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What a QEMU's protocol consists of, as far as it is worth asking: commands, their arguments,
 * events. A feature newer than the oldest supported QEMU is used only if it stands here.
 *
 * @spec https://www.qemu.org/docs/master/devel/qapi-code-gen.html QAPI, "Client JSON Protocol
 *     introspection"
 */
public final class QmpSchema {
    /** Command names to the names of their arguments' types, which are numbers made up by QEMU. */
    private final Map<String, String> argumentTypes;

    private final Map<String, Set<String>> members;
    private final Set<String> events;

    private QmpSchema(
            Map<String, String> argumentTypes,
            Map<String, Set<String>> members,
            Set<String> events) {
        this.argumentTypes = Map.copyOf(argumentTypes);
        this.members = Map.copyOf(members);
        this.events = Set.copyOf(events);
    }

    static QmpSchema read(QmpValue reply) throws QmpProtocolException {
        Map<String, String> argumentTypes = new HashMap<>();
        Map<String, Set<String>> members = new HashMap<>();
        Set<String> events = new HashSet<>();
        for (QmpValue entity : reply.items()) {
            String name = entity.text("name");
            switch (entity.text("meta-type")) {
                case "command" -> argumentTypes.put(name, entity.text("arg-type"));
                case "event" -> events.add(name);
                case "object" -> members.put(name, memberNames(entity));
                default -> {} // enumerations, arrays and scalars: nobody asks for them
            }
        }
        return new QmpSchema(argumentTypes, members, events);
    }

    private static Set<String> memberNames(QmpValue object) throws QmpProtocolException {
        Set<String> names = new HashSet<>();
        for (QmpValue member : object.member("members").items()) {
            names.add(member.text("name"));
        }
        return Set.copyOf(names);
    }

    /** {@return whether there is such a command} */
    public boolean hasCommand(String name) {
        return argumentTypes.containsKey(name);
    }

    /**
     * {@return whether there is such a command and it takes such an argument; arguments that exist
     * only for some values of another one are not seen}
     */
    public boolean hasArgument(String command, String argument) {
        String type = argumentTypes.get(command);
        return type != null && members.getOrDefault(type, Set.of()).contains(argument);
    }

    /** {@return whether there is such an event} */
    public boolean hasEvent(String name) {
        return events.contains(name);
    }
}
