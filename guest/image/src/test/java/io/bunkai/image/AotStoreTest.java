// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AotStoreTest {
    private final AtomicInteger trainings = new AtomicInteger();

    @TempDir private Path folder;

    /** An agent whose training writes something else each time. */
    private AotStore.Entry provide(String place, String jar, long time) throws Exception {
        RootTree tree = RootTree.create(folder.resolve(place));
        tree.write(RootTree.AGENT + "/agent.jar", jar);
        CommandRunner agent =
                (_, command) -> {
                    if (command.getLast().startsWith("-XX:AOTCacheOutput=")) {
                        tree.write(RootTree.AOT_CACHE, "training " + trainings.incrementAndGet());
                    }
                    return new CommandRunner.Result(0, "", "");
                };
        AotStore.Entry entry =
                new AotStore(folder.resolve("store"), new AotTraining(agent, tree), tree, time)
                        .provide();
        assertThat(entry.sha256()).isEqualTo(Digests.sha256(tree.resolve(RootTree.AOT_CACHE)));
        return entry;
    }

    @Test
    void theSameAgentIsTrainedOnce() throws Exception {
        AotStore.Entry first = provide("one", "jar", 1);
        assertThat(provide("two", "jar", 1)).isEqualTo(first);
        assertThat(trainings).hasValue(1);
    }

    @Test
    void anotherJarOrTimeIsAnotherTraining() throws Exception {
        AotStore.Entry first = provide("one", "jar", 1);
        assertThat(provide("two", "changed", 1).key()).isNotEqualTo(first.key());
        assertThat(provide("three", "jar", 2).key()).isNotEqualTo(first.key());
        assertThat(trainings).hasValue(3);
    }

    @Test
    void aDamagedCacheIsTrainedAgain() throws Exception {
        AotStore.Entry first = provide("one", "jar", 1);
        Files.writeString(folder.resolve("store/" + first.key() + ".aot"), "damaged");
        assertThat(provide("two", "jar", 1).sha256()).isNotEqualTo(first.sha256());
        assertThat(trainings).hasValue(2);
    }

    @Test
    void onlyTheLastFewAreKept() throws Exception {
        for (int i = 0; i < 7; i++) {
            provide("tree" + i, "jar" + i, 1);
        }
        try (Stream<Path> kept = Files.list(folder.resolve("store"))) {
            assertThat(kept).hasSize(8); // four, each with its digest
        }
    }
}
