// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.bunkai.base.Fault;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads and writes the records of this package as JSON.
 *
 * <p>Reading ignores properties that no record knows, as both specifications demand, and refuses a
 * document that names one property twice, because two readers could understand it differently.
 * Writing is stable: the same record gives the same bytes, properties in the order of the record,
 * maps by key, empty and absent values left out.
 *
 * <p>Thread-safe.
 */
public final class OciJson {
    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                    .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
                    .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .changeDefaultPropertyInclusion(value ->
                            value.withValueInclusion(JsonInclude.Include.NON_EMPTY)
                                    .withContentInclusion(JsonInclude.Include.NON_NULL))
                    .build();

    private OciJson() {}

    /**
     * {@return the document as a record}
     *
     * @param what what the document is, for the message: "manifest sha256:…"
     * @throws Fault INVALID_ARGUMENT if it is not JSON, or not of this shape
     */
    public static <T> T read(byte[] json, Class<T> type, String what) {
        T value;
        try {
            value = MAPPER.readValue(json, type);
        } catch (JacksonException e) {
            throw Fault.invalidArgument("%s is not valid: %s", what, reason(e)).causedBy(e);
        }
        if (value == null) {
            throw Fault.invalidArgument("%s is not valid: it is the JSON value null", what);
        }
        return value;
    }

    /** What and where, without the library's own objects. */
    private static String reason(JacksonException e) {
        String text = e.getOriginalMessage().lines().findFirst().orElse("it cannot be read");
        int aside = text.indexOf(" (");
        String what = aside < 0 ? text : text.substring(0, aside);
        return e.getLocation() == null
                ? what
                : "%s, at line %d, column %d"
                        .formatted(
                                what, e.getLocation().getLineNr(), e.getLocation().getColumnNr());
    }

    /** {@return the record as JSON without white space} */
    public static byte[] write(Object value) {
        return MAPPER.writeValueAsBytes(value);
    }
}
