// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.MemoryPipe;
import io.bunkai.testkit.SmallDisk;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The file system of the journal is full at each of its writes, for one write or from then on: what
 * was asked for fails with words that say what to do, or is done, and afterwards the container can
 * be used or removed, and nothing is left.
 */
@Timeout(300)
class FullDiskTest {
    private static final int KIB = 512;

    private FakeNode node;
    private SmallDisk disk;
    private StateRoot root;

    private void makeNode() {
        node = new FakeNode();
        node.hypervisor().program(ScriptedProcess::readStdin);
        disk = SmallDisk.on(node.stateRoot().path(), KIB);
        root = StateRoot.open(node.stateRoot().path());
    }

    @AfterEach
    void end() {
        if (node != null) {
            disk.close();
            node.close();
            node = null;
        }
    }

    /** One thing that is asked of a container. */
    private interface Step {
        void take(Containers containers) throws Exception;
    }

    private static Container box(Containers containers) {
        return containers.get("box");
    }

    private static void exec(Container container) throws Exception {
        String id = container.exec(FakeNode.exec("true"));
        container.startExec(id, FakeNode.soon());
        container.exit(id).get(60, TimeUnit.SECONDS);
    }

    /** Everything that writes to the journal. */
    private static final List<Step> LIFE =
            List.of(
                    containers -> {
                        var _ = create(containers);
                    },
                    containers -> box(containers).prepare(FakeNode.soon()),
                    containers -> box(containers).start(FakeNode.soon()),
                    containers -> exec(box(containers)),
                    containers -> box(containers).pause(FakeNode.soon()),
                    containers -> box(containers).resume(FakeNode.soon()),
                    containers -> box(containers).stop(0, Duration.ofSeconds(60)),
                    containers -> box(containers).remove(false));

    /** Which writes find no room. */
    enum Full {
        ONCE,
        FROM_THEN_ON
    }

    @ParameterizedTest
    @CsvSource({"ONCE, false", "ONCE, true", "FROM_THEN_ON, false", "FROM_THEN_ON, true"})
    void whicheverWriteFindsNoRoomThereIsNoHalfState(Full full, boolean nextDaemon)
            throws Exception {
        int fatal = 0;
        int writes;
        do {
            fatal++;
            makeNode();
            writes = liveThrough(full, fatal, nextDaemon);
            end();
        } while (writes >= fatal);
        assertThat(writes).as("the writes of a life").isGreaterThan(8);
    }

    /** {@return how often the journal was written} */
    private int liveThrough(Full full, int fatal, boolean nextDaemon) throws Exception {
        AtomicInteger writes = new AtomicInteger();
        AtomicBoolean room = new AtomicBoolean();
        Runnable beforeWrite =
                () -> {
                    int number = writes.incrementAndGet();
                    if (room.get() || number < fatal || (full == Full.ONCE && number > fatal)) {
                        disk.drain();
                    } else {
                        disk.fill();
                    }
                };
        int written;
        try (Containers containers = node.open(root, beforeWrite)) {
            live(containers, fatal);
            written = writes.get();
            room.set(true);
            disk.drain();
            if (!nextDaemon) {
                assertUsableOrRemovable(containers, fatal);
            }
        }
        if (nextDaemon) {
            disk.drain();
            try (Containers containers = node.open(root, () -> {})) {
                assertUsableOrRemovable(containers, fatal);
            }
        }
        assertThat(node.hypervisor().living()).isZero();
        assertThat(root.sandboxes()).isEmptyDirectory();
        assertThat(root.outputs())
                .satisfiesAnyOf(
                        outputs -> assertThat(outputs).doesNotExist(),
                        outputs -> assertThat(outputs).isEmptyDirectory());
        return written;
    }

    /** Up to the first thing that fails. */
    private static void live(Containers containers, int fatal) throws Exception {
        for (Step step : LIFE) {
            try {
                step.take(containers);
            } catch (Fault e) {
                assertThat(e.code())
                        .as("write %d: %s", fatal, e.getMessage())
                        .isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
                assertThat(e.getMessage()).contains("could not be written");
                assertThat(e.hint().orElse("")).startsWith("make room in ");
                return;
            }
        }
    }

    private static void assertUsableOrRemovable(Containers containers, int fatal) throws Exception {
        if (containers.all().isEmpty()) {
            return; // it was never made, or has been removed
        }
        Container box = box(containers);
        switch (box.stage()) {
            case DESCRIBED -> {
                box.start(FakeNode.soon());
                exec(box);
            }
            case PREPARED -> box.start(FakeNode.soon());
            case RUNNING -> exec(box);
            case PAUSED -> {
                box.resume(FakeNode.soon());
                exec(box);
            }
            case ENDED -> assertThat(box.exit("").isDone()).as("write %d", fatal).isTrue();
        }
        box.remove(true);
    }

    @Test
    void aPauseThatCannotBeJournaledIsUndone() throws Exception {
        makeNode();
        try (Containers containers = node.open(root, () -> {})) {
            Container box = create(containers);
            box.start(FakeNode.soon());
            disk.fill();
            assertThat(pause(box)).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
            List<String> calls = node.hypervisor().machine(box.id()).agent().calls();
            assertThat(calls) // the output is read meanwhile
                    .filteredOn(call -> call.endsWith("Container"))
                    .endsWith("PauseContainer", "ResumeContainer");
            assertThat(box.stage()).isEqualTo(Container.Stage.RUNNING);
            disk.drain();
            box.pause(FakeNode.soon());
            assertThat(box.stage()).isEqualTo(Container.Stage.PAUSED);
            box.remove(true);
        }
    }

    private static FaultCode pause(Container box) {
        try {
            box.pause(FakeNode.soon());
            throw new AssertionError("it was paused");
        } catch (Fault e) {
            return e.code();
        }
    }

    /** Output that cannot be kept is missing from the kept output and from nowhere else. */
    @Test
    void aProcessWritesOnWhileItsOutputCannotBeKept() throws Exception {
        makeNode();
        List<String> lines = List.of("before", "meanwhile".repeat(1000), "after");
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    for (String line : lines) {
                        process.awaitSignal();
                        process.print(line);
                    }
                    process.readStdin();
                });
        MemoryPipe toReader = new MemoryPipe(100_000);
        try (Containers containers = node.open(root, () -> {});
                InputStream reader = toReader.input()) {
            Container box = create(containers);
            box.attach("", null, toReader.output(), null);
            box.start(FakeNode.soon());
            for (String line : lines) {
                box.signal("", Signals.SIGTERM);
                assertThat(new String(reader.readNBytes(line.length()), StandardCharsets.UTF_8))
                        .isEqualTo(line);
                if (line.equals("before")) {
                    disk.fill();
                } else {
                    disk.drain();
                }
            }
            assertThat(
                            box.output().read(0, 100_000, Duration.ZERO).entries().stream()
                                    .map(entry -> new String(entry.data(), StandardCharsets.UTF_8)))
                    .containsExactly("before", "after");
            box.remove(true);
        }
    }

    private static Container create(Containers containers) {
        return containers.create(new FakeNode.Wish().name("box").stdin().request()).container();
    }
}
