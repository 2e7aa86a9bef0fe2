// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What is changed in the source of Linux, each with the versions it is for and the reason. The form
 * of the text is described in {@code changes.conf}.
 *
 * @param changes in the order in which they are made
 * @param added content of the files that are added, by name
 */
record SourceChanges(List<Change> changes, Map<String, String> added) {
    private static final String SEPARATOR = " | ";
    private static final Pattern VERSIONS = Pattern.compile("([\\d.]*)-([\\d.]*)");

    /** One change. */
    sealed interface Change {
        /** {@return the file that is changed or added, as a path in the tree} */
        String path();

        /** {@return the versions of Linux that it is made to} */
        VersionRange versions();

        /** {@return why} */
        String reason();
    }

    /** A file of ours becomes part of the kernel. */
    record Addition(String folder, String name, VersionRange versions, String reason)
            implements Change {
        @Override
        public String path() {
            return folder + "/" + name;
        }
    }

    /** An expression that occurs once is replaced. */
    record Edit(
            String path,
            String expression,
            String replacement,
            VersionRange versions,
            String reason)
            implements Change {}

    SourceChanges {
        changes = List.copyOf(changes);
        added = Collections.unmodifiableSortedMap(new TreeMap<>(added));
    }

    /** {@return those that every kernel of ours has} */
    static SourceChanges ours() throws IOException {
        String text = new String(Resources.read("changes.conf"), StandardCharsets.UTF_8);
        List<Change> changes = parse(text);
        Map<String, String> added = new TreeMap<>();
        for (Change change : changes) {
            if (change instanceof Addition addition) {
                byte[] content = Resources.read("changes/" + addition.name());
                added.put(addition.name(), new String(content, StandardCharsets.UTF_8));
            }
        }
        return new SourceChanges(changes, added);
    }

    /**
     * {@return the changes that a text lists}
     *
     * @throws Fault INVALID_ARGUMENT if a line is none; with its number
     */
    static List<Change> parse(String text) {
        List<Change> changes = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\n", -1)) {
            number++;
            if (!line.isBlank() && !line.startsWith("#")) {
                changes.add(parse(line, number));
            }
        }
        return changes;
    }

    private static Change parse(String line, int number) {
        String[] fields = line.strip().split(Pattern.quote(SEPARATOR), -1);
        for (int i = 0; i < fields.length; i++) {
            fields[i] = fields[i].strip();
        }
        if (fields.length == 5 && fields[0].equals("add")) {
            return new Addition(fields[1], fields[2], versions(fields[3], number), fields[4]);
        }
        if (fields.length == 6 && fields[0].equals("edit") && !fields[2].isEmpty()) {
            return new Edit(
                    fields[1], fields[2], fields[3], versions(fields[4], number), fields[5]);
        }
        throw Fault.invalidArgument("changes, line %d: '%s' is neither add nor edit", number, line);
    }

    private static VersionRange versions(String text, int number) {
        var found = VERSIONS.matcher(text);
        if (!found.matches()) {
            throw Fault.invalidArgument("changes, line %d: '%s' is not FROM-UNTIL", number, text);
        }
        return VersionRange.of(found.group(1), found.group(2));
    }

    /** {@return what the digest of a changed source has to depend on} */
    String digest() {
        return Digests.sha256(changes + "\n" + added);
    }

    /** {@return path to reason of what is changed in this version} */
    SortedMap<String, String> of(KernelVersion version) {
        SortedMap<String, String> made = new TreeMap<>();
        for (Change change : changes) {
            if (change.versions().contains(version)) {
                made.put(change.path(), change.reason());
            }
        }
        return made;
    }

    /**
     * Changes a tree that nobody else uses yet.
     *
     * @throws Fault FAILED_PRECONDITION if a change does not fit; with its name
     */
    void apply(Path tree, KernelVersion version) throws IOException {
        for (Change change : changes) {
            if (change.versions().contains(version)) {
                switch (change) {
                    case Addition addition -> add(tree, version, addition);
                    case Edit edit -> edit(tree, version, edit);
                }
            }
        }
    }

    private void add(Path tree, KernelVersion version, Addition addition) throws IOException {
        Path makefile = tree.resolve(addition.folder()).resolve("Makefile");
        if (!Files.exists(makefile)) {
            throw doesNotFit(version, addition, "there is no " + addition.folder() + "/Makefile");
        }
        Files.writeString(
                makefile.resolveSibling(addition.name()), added.getOrDefault(addition.name(), ""));
        Files.writeString(
                makefile,
                "\nobj-y += " + addition.name().replaceFirst("\\.c$", ".o") + "\n",
                StandardOpenOption.APPEND);
    }

    private static void edit(Path tree, KernelVersion version, Edit edit) throws IOException {
        Path file = tree.resolve(edit.path());
        // Names of people in the comments of Linux have all kinds of letters: bytes stay bytes.
        String text = Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
        int first = text.indexOf(edit.expression());
        int last = text.lastIndexOf(edit.expression());
        if (first < 0 || first != last) {
            throw doesNotFit(
                    version,
                    edit,
                    "'%s' is there %s"
                            .formatted(
                                    edit.expression(),
                                    first < 0 ? "not at all" : "more than once"));
        }
        Files.writeString(
                file,
                text.substring(0, first)
                        + edit.replacement()
                        + text.substring(first + edit.expression().length()),
                StandardCharsets.ISO_8859_1);
    }

    private static Fault doesNotFit(KernelVersion version, Change change, String why) {
        return Fault.failedPrecondition(
                        "the change of %s does not fit Linux %s", change.path(), version)
                .causedBy(Fault.failedPrecondition("%s", why))
                .withHint(
                        "limit the versions that it is for in changes.conf; an unpacked tree"
                                + " (-k) is built as it is");
    }
}
