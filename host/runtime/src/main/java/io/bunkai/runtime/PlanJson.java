// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;

/**
 * How plans and records are written: their components in the order of their declaration, maps
 * sorted. What a record can be asked beyond its components is no part of it. A list that an earlier
 * version did not know, and so did not write, is read as empty.
 */
final class PlanJson {
    static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
                    .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .withConfigOverride(
                            List.class,
                            list ->
                                    list.setNullHandling(
                                            JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY)))
                    .addModule(
                            new SimpleModule("paths as text")
                                    .addSerializer(new PathToText())
                                    .addDeserializer(Path.class, new TextToPath()))
                    .changeDefaultVisibility(
                            visible -> visible.withIsGetterVisibility(Visibility.NONE))
                    .build();

    private PlanJson() {}

    /**
     * Left to itself, the library writes a path as the URI of a file, which ends in a slash if a
     * folder is there just then: the same plan would read differently before and after its start.
     */
    private static final class PathToText extends StdSerializer<Path> {
        PathToText() {
            super(Path.class);
        }

        @Override
        public void serialize(Path path, JsonGenerator json, SerializationContext context) {
            json.writeString(path.toString());
        }
    }

    private static final class TextToPath extends StdDeserializer<Path> {
        TextToPath() {
            super(Path.class);
        }

        @Override
        public Path deserialize(JsonParser json, DeserializationContext context) {
            return Path.of(json.getValueAsString(""));
        }
    }
}
