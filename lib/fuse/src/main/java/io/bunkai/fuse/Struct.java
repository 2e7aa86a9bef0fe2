// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One structure of the protocol: its fields in order, each with its place. All numbers are little
 * endian, and a structure lies at any address.
 *
 * <p>Not a {@code StructLayout}: sixty of these, with a path for each offset that is looked up, are
 * a good part of a small server's start. Offsets are asked for once, into constants.
 */
public final class Struct {
    /**
     * One field.
     *
     * @param name what the header calls it
     * @param offset where it begins, in bytes from the beginning of the structure
     * @param bytes how many it takes
     * @param since the minor version of the protocol that gave it this name
     */
    public record Field(String name, int offset, int bytes, int since) {}

    private final String name;
    private final int since;
    private final int bytes;
    private final Map<String, Field> fields;

    private Struct(String name, int since, int bytes, Map<String, Field> fields) {
        this.name = name;
        this.since = since;
        this.bytes = bytes;
        this.fields = Collections.unmodifiableMap(fields);
    }

    static Builder named(String name) {
        return new Builder(name, 0);
    }

    /** Of a structure that came with a minor version which the tests' C header may not have. */
    static Builder named(String name, int since) {
        return new Builder(name, since);
    }

    /** {@return its name in the C header: {@code fuse_in_header}} */
    public String name() {
        return name;
    }

    /** {@return the minor version of the protocol that brought it; 0 for 7.31 and before} */
    public int since() {
        return since;
    }

    /** {@return its size, without what has no fixed size behind it} */
    public int bytes() {
        return bytes;
    }

    /** {@return its fields, in order} */
    public List<Field> fields() {
        return List.copyOf(fields.values());
    }

    /**
     * {@return where a field begins, in bytes}
     *
     * @throws IllegalArgumentException if there is no such field
     */
    public int offset(String field) {
        Field found = fields.get(field);
        if (found == null) {
            throw new IllegalArgumentException(name + " has no field " + field);
        }
        return found.offset();
    }

    @Override
    public String toString() {
        return "struct " + name;
    }

    /** Adds field after field. The header pads by hand, so that there is nothing to align. */
    static final class Builder {
        private final String name;
        private final int since;
        private final List<Field> fields = new ArrayList<>();
        private int end;

        private Builder(String name, int since) {
            this.name = name;
            this.since = since;
        }

        Builder u16(String field) {
            return field(field, 2, since);
        }

        Builder u32(String field) {
            return field(field, 4, since);
        }

        Builder u64(String field) {
            return field(field, 8, since);
        }

        Builder u16(String field, int sinceMinor) {
            return field(field, 2, sinceMinor);
        }

        Builder u32(String field, int sinceMinor) {
            return field(field, 4, sinceMinor);
        }

        /** Bytes without a meaning of their own: padding, spare words, a structure within. */
        Builder bytes(String field, int count) {
            return field(field, count, since);
        }

        Builder bytes(String field, int count, int sinceMinor) {
            return field(field, count, sinceMinor);
        }

        Builder struct(String field, Struct inner) {
            return field(field, inner.bytes(), since);
        }

        private Builder field(String field, int count, int sinceMinor) {
            fields.add(new Field(field, end, count, sinceMinor));
            end += count;
            return this;
        }

        Struct build() {
            Map<String, Field> byName = new LinkedHashMap<>();
            fields.forEach(field -> byName.put(field.name(), field));
            return new Struct(name, since, end, byName);
        }
    }
}
