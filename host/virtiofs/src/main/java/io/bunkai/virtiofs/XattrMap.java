// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.XattrName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How the guest's names of extended attributes and the host's belong to each other: rules, of which
 * the first that fits counts.
 *
 * <p>A rule is {@code :TYPE:SCOPE:KEY:PREPEND:}, where any character in the place of the first ':'
 * divides all of it. The scope is {@code client} (names that the guest uses, which begin with KEY),
 * {@code server} (names that the host has, which begin with PREPEND) or {@code all}. {@code
 * :map:KEY:PREPEND:} stands for rules that prepend, and hide what the guest could not have made.
 *
 * @spec https://gitlab.com/virtio-fs/virtiofsd/-/blob/v1.13.2/doc/xattr-mapping.md xattr mapping
 */
public final class XattrMap {
    /** Names are what they are. */
    public static final XattrMap IDENTITY =
            new XattrMap(List.of(new Rule(Type.OK, true, true, "", "")));

    private static final String CAPABILITY = "security.capability";

    private enum Type {
        PREFIX,
        OK,
        BAD,
        UNSUPPORTED
    }

    private record Rule(Type type, boolean client, boolean server, String key, String prepend) {}

    /** What becomes of a name. */
    sealed interface Mapped {
        /** It has this name on the other side. */
        record Name(XattrName name) implements Mapped {}

        /** It may not be used. */
        record Denied() implements Mapped {}

        /** It is as if there were no such attributes. */
        record Unsupported() implements Mapped {}
    }

    private final List<Rule> rules;

    private XattrMap(List<Rule> rules) {
        this.rules = List.copyOf(rules);
    }

    /**
     * {@return the map that is written so}
     *
     * @throws IllegalArgumentException if it is none, or if a name could meet no rule
     */
    public static XattrMap of(String text) {
        List<Rule> rules = new ArrayList<>();
        int at = skipBlanks(text, 0);
        while (at < text.length()) {
            char divider = text.charAt(at);
            int typeEnd = field(text, at + 1, divider);
            String type = text.substring(at + 1, typeEnd);
            if (type.equals("map")) {
                int keyEnd = field(text, typeEnd + 1, divider);
                int prependEnd = field(text, keyEnd + 1, divider);
                if (skipBlanks(text, prependEnd + 1) < text.length()) {
                    throw new IllegalArgumentException("a 'map' rule has to be the last one");
                }
                addMap(
                        rules,
                        text.substring(typeEnd + 1, keyEnd),
                        text.substring(keyEnd + 1, prependEnd));
                return new XattrMap(rules);
            }
            int scopeEnd = field(text, typeEnd + 1, divider);
            int keyEnd = field(text, scopeEnd + 1, divider);
            int prependEnd = field(text, keyEnd + 1, divider);
            rules.add(
                    rule(
                            type,
                            text.substring(typeEnd + 1, scopeEnd),
                            text.substring(scopeEnd + 1, keyEnd),
                            text.substring(keyEnd + 1, prependEnd)));
            at = skipBlanks(text, prependEnd + 1);
        }
        if (rules.stream().noneMatch(rule -> rule.client() && rule.key().isEmpty())
                || rules.stream()
                        .noneMatch(rule ->
                                rule.server()
                                        && rule.key().isEmpty()
                                        && rule.prepend().isEmpty())) {
            throw new IllegalArgumentException(
                    "some names would meet no rule; end with one for all of them, as"
                            + " ':bad:all:::'");
        }
        return new XattrMap(rules);
    }

    private static int skipBlanks(String text, int from) {
        int at = from;
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    private static int field(String text, int from, char divider) {
        int end = text.indexOf(divider, from);
        if (end < 0) {
            throw new IllegalArgumentException(
                    "the rule that ends in '"
                            + text.substring(Math.min(from, text.length()))
                            + "' has a field too few, or no '"
                            + divider
                            + "' at its end");
        }
        return end;
    }

    private static Rule rule(String type, String scope, String key, String prepend) {
        Type known =
                switch (type) {
                    case "prefix" -> Type.PREFIX;
                    case "ok" -> Type.OK;
                    case "bad" -> Type.BAD;
                    case "unsupported" -> Type.UNSUPPORTED;
                    default ->
                            throw new IllegalArgumentException(
                                    "'" + type + "' is none of prefix, ok, bad, unsupported, map");
                };
        return switch (scope) {
            case "client" -> new Rule(known, true, false, key, prepend);
            case "server" -> new Rule(known, false, true, key, prepend);
            case "all" -> new Rule(known, true, true, key, prepend);
            default ->
                    throw new IllegalArgumentException(
                            "'" + scope + "' is none of client, server, all");
        };
    }

    private static void addMap(List<Rule> rules, String key, String prepend) {
        rules.add(new Rule(Type.PREFIX, true, true, key, prepend));
        if (!key.isEmpty()) {
            // What has the prefix already was not made through this map.
            rules.add(new Rule(Type.BAD, true, false, prepend, ""));
            rules.add(new Rule(Type.BAD, false, true, "", key));
            rules.add(new Rule(Type.OK, true, true, "", ""));
        } else {
            rules.add(new Rule(Type.BAD, true, true, "", ""));
        }
    }

    /** {@return what the guest's name is on the host} */
    Mapped toHost(XattrName name) {
        String text = text(name);
        for (Rule rule : rules) {
            if (rule.client() && text.startsWith(rule.key())) {
                return switch (rule.type()) {
                    case OK -> new Mapped.Name(name);
                    case PREFIX -> named(rule.prepend() + text, name);
                    case BAD -> new Mapped.Denied();
                    case UNSUPPORTED -> new Mapped.Unsupported();
                };
            }
        }
        return new Mapped.Denied();
    }

    /** {@return what the host's name is in the guest; empty if the guest does not see it} */
    Optional<XattrName> toGuest(XattrName name) {
        String text = text(name);
        for (Rule rule : rules) {
            if (!rule.server() || !text.startsWith(rule.prepend())) {
                continue;
            }
            return switch (rule.type()) {
                case OK -> Optional.of(name);
                case PREFIX -> stripped(name, rule.prepend().length());
                case BAD, UNSUPPORTED -> Optional.empty();
            };
        }
        return Optional.empty();
    }

    /**
     * {@return what file capabilities are called on the host, if not by their name} The kernel
     * removes them when a file is changed, but only under their own name.
     */
    Optional<XattrName> remappedCapability() {
        return toHost(XattrName.of(CAPABILITY)) instanceof Mapped.Name(XattrName name)
                        && !text(name).equals(CAPABILITY)
                ? Optional.of(name)
                : Optional.empty();
    }

    private static Optional<XattrName> stripped(XattrName name, int length) {
        byte[] bytes = name.bytes().toByteArray();
        return bytes.length == length
                ? Optional.empty()
                : Optional.of(
                        new XattrName(
                                ByteString.of(Arrays.copyOfRange(bytes, length, bytes.length))));
    }

    private static Mapped named(String text, XattrName before) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return bytes.length > XattrName.MAX_BYTES
                ? new Mapped.Denied()
                : new Mapped.Name(
                        text.length() == before.bytes().length()
                                ? before
                                : new XattrName(ByteString.of(bytes)));
    }

    /** Names are bytes: one character each. */
    private static String text(XattrName name) {
        return new String(name.bytes().toByteArray(), StandardCharsets.ISO_8859_1);
    }
}
