// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

/**
 * Writes one JSON document, in the order of the calls. Much smaller than a library, of which an
 * interpreted guest would load a hundred classes to write one file.
 *
 * <p>Not thread-safe. Whoever closes more than was opened gets an exception, not broken JSON.
 *
 * @spec https://www.rfc-editor.org/rfc/rfc8259 RFC 8259
 */
final class JsonWriter {
    private static final String HEX = "0123456789abcdef";
    private static final int FIRST_PRINTABLE = 0x20;

    private final StringBuilder out = new StringBuilder(4096);
    private int depth;
    private boolean needsComma;

    /** Begins an object that is an element, or the document. */
    JsonWriter object() {
        return open('{');
    }

    /** Begins an object that is the member {@code name}. */
    JsonWriter object(String name) {
        name(name);
        return open('{');
    }

    /** Begins an array that is the member {@code name}. */
    JsonWriter array(String name) {
        name(name);
        return open('[');
    }

    /** Ends the object begun last. */
    JsonWriter endObject() {
        return close('}');
    }

    /** Ends the array begun last. */
    JsonWriter endArray() {
        return close(']');
    }

    /** Writes a member. */
    JsonWriter field(String name, String value) {
        name(name);
        return quoted(value);
    }

    /** Writes a member. */
    JsonWriter field(String name, long value) {
        name(name);
        return raw(Long.toString(value));
    }

    /** Writes a member whose 64 bits are an unsigned number. */
    JsonWriter unsignedField(String name, long value) {
        name(name);
        return raw(Long.toUnsignedString(value));
    }

    /** Writes a member. */
    JsonWriter field(String name, boolean value) {
        name(name);
        return raw(value ? "true" : "false");
    }

    /** Writes a member that is an array of strings. */
    JsonWriter strings(String name, Iterable<String> values) {
        array(name);
        for (String value : values) {
            element(value);
        }
        return endArray();
    }

    /** Writes an element. */
    JsonWriter element(String value) {
        comma();
        return quoted(value);
    }

    /** Writes an element whose 32 bits are an unsigned number. */
    JsonWriter unsignedElement(int value) {
        comma();
        return raw(Integer.toUnsignedString(value));
    }

    /**
     * {@return the document}
     *
     * @throws IllegalStateException if something is still open
     */
    String finish() {
        if (depth != 0) {
            throw new IllegalStateException("the document is not complete");
        }
        return out.toString();
    }

    private JsonWriter open(char bracket) {
        comma();
        out.append(bracket);
        depth++;
        needsComma = false;
        return this;
    }

    private JsonWriter close(char bracket) {
        if (depth == 0) {
            throw new IllegalStateException("nothing is open");
        }
        depth--;
        out.append(bracket);
        needsComma = true;
        return this;
    }

    private void name(String name) {
        comma();
        quoted(name);
        out.append(':');
        needsComma = false;
    }

    private void comma() {
        if (needsComma) {
            out.append(',');
            needsComma = false;
        }
    }

    private JsonWriter raw(String text) {
        out.append(text);
        needsComma = true;
        return this;
    }

    private JsonWriter quoted(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < FIRST_PRINTABLE) {
                out.append("\\u00").append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            } else {
                out.append(c);
            }
        }
        out.append('"');
        needsComma = true;
        return this;
    }
}
