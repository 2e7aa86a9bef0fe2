// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourceChangesTest {
    private static final KernelVersion LINUX = KernelVersion.parse("6.1.176");

    @TempDir private Path tree;

    @BeforeEach
    void makeATree() throws Exception {
        Files.createDirectories(tree.resolve("mm"));
        Files.writeString(tree.resolve("mm/Makefile"), "obj-y := init.o");
        // A name in a comment that is not UTF-8.
        Files.writeString(
                tree.resolve("mm/init.c"),
                "/* J\u00f6rg */ free(POISON, what); leave(POISON);",
                StandardCharsets.ISO_8859_1);
    }

    private static SourceChanges changes(String text) {
        return new SourceChanges(SourceChanges.parse(text), Map.of("clocks.c", "int clocks;\n"));
    }

    private String init() throws Exception {
        return Files.readString(tree.resolve("mm/init.c"), StandardCharsets.ISO_8859_1);
    }

    @Test
    void anExpressionThatIsThereOnceIsReplacedAndNothingElse() throws Exception {
        changes("edit | mm/init.c | POISON, what | -1, what | - | time").apply(tree, LINUX);
        assertThat(init()).isEqualTo("/* J\u00f6rg */ free(-1, what); leave(POISON);");
    }

    @Test
    void anAddedFileIsBuiltByTheMakefileOfItsFolder() throws Exception {
        changes("add | mm | clocks.c | - | time").apply(tree, LINUX);
        assertThat(tree.resolve("mm/clocks.c")).hasContent("int clocks;");
        assertThat(tree.resolve("mm/Makefile")).hasContent("obj-y := init.o\nobj-y += clocks.o");
    }

    @Test
    void aChangeThatDoesNotFitIsNamed() {
        assertThatThrownBy(() ->
                        changes("edit | mm/init.c | POISON | 0 | - | time").apply(tree, LINUX))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("the change of mm/init.c does not fit Linux 6.1.176")
                .hasStackTraceContaining("'POISON' is there more than once");
        assertThatThrownBy(() ->
                        changes("edit | mm/gone.c | POISON | 0 | - | time").apply(tree, LINUX))
                .hasStackTraceContaining("'POISON' is there not at all");
        assertThatThrownBy(() -> changes("add | gone | clocks.c | - | time").apply(tree, LINUX))
                .hasStackTraceContaining("there is no gone/Makefile");
    }

    @Test
    void aVersionThatIsNotMeantIsLeftAlone() throws Exception {
        SourceChanges changes = changes("edit | mm/init.c | POISON, what | -1 | 6.2- | time");
        String before = init();
        changes.apply(tree, LINUX);
        assertThat(init()).isEqualTo(before);
        assertThat(changes.of(LINUX)).isEmpty();
        assertThat(changes.of(KernelVersion.parse("6.2"))).containsEntry("mm/init.c", "time");
    }

    @Test
    void theDigestDependsOnWhatIsAddedAndReplaced() {
        SourceChanges one = changes("edit | mm/init.c | POISON, what | -1 | - | time");
        SourceChanges other = changes("edit | mm/init.c | POISON, what | -2 | - | time");
        assertThat(one.digest()).isNotEqualTo(other.digest());
        assertThat(new SourceChanges(one.changes(), Map.of("clocks.c", "")).digest())
                .isNotEqualTo(one.digest());
    }

    @Test
    void aLineThatIsNoChangeIsRefusedWithItsNumber() {
        assertThatThrownBy(() -> SourceChanges.parse("# a\nedit | mm/init.c | POISON"))
                .hasMessageContaining("changes, line 2");
        assertThatThrownBy(() -> SourceChanges.parse("add | mm | clocks.c | all | time"))
                .hasMessageContaining("'all' is not FROM-UNTIL");
    }

    @Test
    void oursAreListedWithAReasonAndAddFilesThatMayBeLinkedWithLinux() throws Exception {
        SourceChanges ours = SourceChanges.ours();
        assertThat(ours.changes()).isNotEmpty().allMatch(change -> !change.reason().isEmpty());
        assertThat(ours.added().values())
                .allMatch(text -> text.contains("SPDX-License-Identifier: Apache-2.0 OR GPL-2.0"));
    }
}
