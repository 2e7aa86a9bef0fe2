// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one line in which a child says on its standard error how it went; whatever else is there is
 * the Java runtime's. What the child says is a message to be shown, never a fact to be relied on.
 */
final class ChildReport {
    private static final String REPORT = "bunkai-unpack ";
    static final String OK = REPORT + "ok ";
    private static final String FAULT = REPORT + "fault ";
    private static final int LONGEST_MESSAGE = 1000;

    private ChildReport() {}

    /** What a child does. */
    @FunctionalInterface
    interface Work {
        /** {@return the length of the disk that was made} */
        long run() throws IOException;
    }

    // The child's side.

    /** Does the work and says how it went. {@return the exit status: 0 if the disk is complete} */
    static int run(PrintStream report, Work work) {
        try {
            report.println(OK + work.run());
            return 0;
        } catch (Fault e) {
            report.println(
                    FAULT
                            + e.code()
                            + " "
                            + oneLine(e.getMessage())
                            + e.hint().map(hint -> "\t" + oneLine(hint)).orElse(""));
        } catch (OutOfMemoryError e) {
            report.println(
                    FAULT
                            + "RESOURCE_EXHAUSTED the image has more files and names than fit into"
                            + " the memory for unpacking it");
        } catch (IOException | RuntimeException | StackOverflowError e) {
            report.println(FAULT + codeOf(e) + " " + oneLine(String.valueOf(e)));
        }
        return 1;
    }

    /** The Java library tells a full disk from other failures by the kernel's text only. */
    private static String codeOf(Throwable e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        boolean full =
                text.contains("no space left")
                        || text.contains("quota exceeded")
                        || text.contains("file too large");
        return e instanceof IOException && full ? "RESOURCE_EXHAUSTED" : "INTERNAL";
    }

    private static String oneLine(@Nullable String text) {
        return text == null ? "" : text.replaceAll("\\p{Cntrl}", " ");
    }

    // The parent's side.

    /** {@return the line in what the child has written, if it lived to write it} */
    static Optional<String> find(String errors) {
        return errors.lines().filter(line -> line.startsWith(REPORT)).findFirst();
    }

    /** {@return the failure that a line tells of} */
    static Optional<Fault> faultIn(String line) {
        if (!line.startsWith(FAULT)) {
            return Optional.empty();
        }
        String said = line.substring(FAULT.length());
        int space = said.indexOf(' ');
        String[] parts = said.substring(space + 1).split("\t", 2);
        Fault fault =
                Fault.of(codeOf(said.substring(0, Math.max(space, 0))), "%s", clean(parts[0]));
        return Optional.of(parts.length > 1 ? fault.withHint("%s", clean(parts[1])) : fault);
    }

    private static FaultCode codeOf(String name) {
        for (FaultCode code : FaultCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return FaultCode.UNKNOWN;
    }

    /** {@return the last that a child said which did not report} */
    static String lastWords(String errors) {
        String words =
                errors.lines()
                        .filter(line -> !line.startsWith(REPORT))
                        .filter(line -> !line.isBlank())
                        .reduce((first, last) -> last)
                        .orElse("it said nothing");
        return clean(words);
    }

    private static String clean(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() <= LONGEST_MESSAGE
                ? printable
                : printable.substring(0, LONGEST_MESSAGE) + "…";
    }
}
