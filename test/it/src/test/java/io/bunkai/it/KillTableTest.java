// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.runtime.CrashPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The table of deaths in the documentation is the one that is proven. */
class KillTableTest {
    private static final boolean UPDATE = Boolean.getBoolean("bunkai.update");
    private static final Path DOCUMENT = SourceTree.root().resolve("docs/reliability.md");
    private static final String BEGIN = "<!-- generated from the kill matrix: begin -->\n";
    private static final String END = "<!-- generated from the kill matrix: end -->\n";

    /** With {@code -Dbunkai.update=true} it is written. */
    @Test
    void theDocumentedTableIsTheProvenOne() throws IOException {
        String document = Files.readString(DOCUMENT);
        int begin = document.indexOf(BEGIN) + BEGIN.length();
        int end = document.indexOf(END);
        assertThat(end).as("the place of the table in %s", DOCUMENT).isGreaterThanOrEqualTo(begin);
        String wanted =
                document.substring(0, begin)
                        + "\n"
                        + KillMatrix.table()
                        + "\n"
                        + document.substring(end);
        if (UPDATE) {
            Files.writeString(DOCUMENT, wanted);
        }
        assertThat(Files.readString(DOCUMENT))
                .as(
                        "write it anew: ./mvnw -pl test/it -am test -Dtest=KillTableTest"
                                + " -Dbunkai.update=true")
                .isEqualTo(wanted);
    }

    @Test
    void everyPointHasARowAndSomebodyDiesThere() {
        assertThat(KillMatrix.table().lines().skip(2).map(row -> row.split("`")[1]))
                .containsExactlyElementsOf(
                        Arrays.stream(CrashPoint.values()).map(CrashPoint::label).toList());
        assertThat(KillMatrix.cells())
                .extracting(KillMatrix.Cell::point)
                .contains(CrashPoint.values());
    }
}
