// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A value that the peer sent. Whatever is asked of it is checked: a member that is missing or of
 * another kind than expected is a {@link QmpProtocolException} that names it. Immutable.
 */
public final class QmpValue {
    private final JsonNode node;
    private final String place;

    private QmpValue(JsonNode node, String place) {
        this.node = node;
        this.place = place;
    }

    static QmpValue of(JsonNode node, String place) {
        return new QmpValue(node, place);
    }

    /** {@return whether there is a member of this name, whatever its kind} */
    public boolean has(String name) {
        return node.get(name) != null;
    }

    /** {@return the member of this name} */
    public QmpValue member(String name) throws QmpProtocolException {
        JsonNode member = node.get(name);
        if (member == null) {
            throw new QmpProtocolException(place + " has no member '" + name + "'");
        }
        return new QmpValue(member, place + "." + name);
    }

    /** {@return the elements of this list} */
    public List<QmpValue> items() throws QmpProtocolException {
        if (!node.isArray()) {
            throw notA("list");
        }
        List<QmpValue> items = new ArrayList<>(node.size());
        for (JsonNode item : node) {
            items.add(new QmpValue(item, place + "[" + items.size() + "]"));
        }
        return items;
    }

    /** {@return the string that is the member of this name} */
    public String text(String name) throws QmpProtocolException {
        return member(name).text();
    }

    /** {@return the string that is the member of this name; empty if there is none} */
    public Optional<String> optionalText(String name) throws QmpProtocolException {
        return has(name) ? Optional.of(text(name)) : Optional.empty();
    }

    /** {@return the truth value that is the member of this name} */
    public boolean bool(String name) throws QmpProtocolException {
        return member(name).bool();
    }

    /** {@return the whole number that is the member of this name} */
    public long number(String name) throws QmpProtocolException {
        return member(name).number();
    }

    /** {@return the whole number of at most 31 bits that is the member of this name} */
    public int integer(String name) throws QmpProtocolException {
        QmpValue member = member(name);
        if (!member.node.isIntegralNumber() || !member.node.canConvertToInt()) {
            throw member.notA("number of 32 bits");
        }
        return member.node.intValue();
    }

    /** {@return this string} */
    public String text() throws QmpProtocolException {
        if (!node.isString()) {
            throw notA("string");
        }
        return node.stringValue();
    }

    /** {@return this truth value} */
    public boolean bool() throws QmpProtocolException {
        if (!node.isBoolean()) {
            throw notA("truth value");
        }
        return node.booleanValue();
    }

    /** {@return this whole number} */
    public long number() throws QmpProtocolException {
        if (!node.isIntegralNumber() || !node.canConvertToLong()) {
            throw notA("number of 64 bits");
        }
        return node.longValue();
    }

    private QmpProtocolException notA(String kind) {
        return new QmpProtocolException(place + " is not a " + kind);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof QmpValue value && node.equals(value.node);
    }

    @Override
    public int hashCode() {
        return node.hashCode();
    }

    /** {@return the value as JSON, on one line} */
    @Override
    public String toString() {
        return node.toString();
    }
}
