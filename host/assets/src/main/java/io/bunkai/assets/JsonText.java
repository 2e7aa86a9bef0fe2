// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** A small JSON document as maps, lists and texts: binding it would be a heavy dependency. */
final class JsonText {
    private static final JsonFactory FACTORY = new JsonFactory();

    private JsonText() {}

    /** {@return the object that a text describes; nothing if it does not describe one} */
    static Optional<Map<String, Object>> object(String json) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return Optional.empty();
            }
            Map<String, Object> object = members(parser);
            return parser.nextToken() == null ? Optional.of(object) : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    private static Map<String, Object> members(JsonParser parser) {
        Map<String, Object> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            members.put(name, value(parser, parser.nextToken()));
        }
        return members;
    }

    private static Object value(JsonParser parser, @Nullable JsonToken token) {
        if (token == JsonToken.START_OBJECT) {
            return members(parser);
        }
        if (token == JsonToken.START_ARRAY) {
            List<Object> values = new ArrayList<>();
            for (JsonToken next = parser.nextToken();
                    next != JsonToken.END_ARRAY && next != null;
                    next = parser.nextToken()) {
                values.add(value(parser, next));
            }
            return values;
        }
        return String.valueOf(parser.getString());
    }

    /** {@return the member at the end of this path, as a text; empty if there is none} */
    static String text(Map<?, ?> object, String... path) {
        return find(object, path) instanceof String text ? text : "";
    }

    /** {@return the texts of a list; nothing if there is no list} */
    static Optional<List<String>> texts(Map<?, ?> object, String... path) {
        return find(object, path) instanceof List<?> list
                ? Optional.of(
                        list.stream()
                                .filter(String.class::isInstance)
                                .map(String.class::cast)
                                .toList())
                : Optional.empty();
    }

    /** {@return whether there is a member at the end of this path} */
    static boolean has(Map<?, ?> object, String... path) {
        return find(object, path) != null;
    }

    private static @Nullable Object find(Map<?, ?> object, String... path) {
        Object found = object;
        for (String name : path) {
            found = found instanceof Map<?, ?> map ? map.get(name) : null;
        }
        return found;
    }
}
