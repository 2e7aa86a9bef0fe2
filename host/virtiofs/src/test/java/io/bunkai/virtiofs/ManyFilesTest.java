// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.fuse.Opcode;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** More files than descriptors: with file handles, and as where there are none. Needs root. */
class ManyFilesTest {
    private static final int DESCRIPTORS = 60;
    private static final int FILES = 500;

    @TempDir Path folder;

    private ServedDirectory served;
    private GuestMount guest;

    private void serve(String handles) throws IOException {
        served = new ServedDirectory(folder, DESCRIPTORS, "--inode-file-handles=" + handles);
        guest = served.guest;
        guest.init();
    }

    @AfterEach
    void end() throws Exception {
        assertThat(served.descriptors.used()).isLessThanOrEqualTo(DESCRIPTORS);
        guest.init(); // forgets all
        assertThat(served.files.known()).isEqualTo(1);
        assertThat(served.descriptors.used()).isEqualTo(1);
        served.close();
    }

    private void makeFiles() throws IOException {
        for (int i = 0; i < FILES; i++) {
            Files.writeString(folder.resolve("file-" + i), "content of " + i);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "never"})
    void allFilesThatAreKnownCanBeUsed(String handles) throws Exception {
        makeFiles();
        serve(handles);
        long[] nodes = new long[FILES];
        for (int i = 0; i < FILES; i++) {
            nodes[i] = guest.lookup(GuestMount.ROOT, "file-" + i).node();
        }
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < FILES; i++) {
                assertThat(guest.getattr(nodes[i]).size()).isEqualTo(("content of " + i).length());
                long handle = guest.open(nodes[i], Fd.O_RDONLY);
                assertThat(guest.read(nodes[i], handle, 0, 100))
                        .asString()
                        .isEqualTo("content of " + i);
                guest.release(nodes[i], handle);
            }
        }
        assertThat(served.files.known()).isEqualTo(FILES + 1);
    }

    /** The table becomes small again when a guest has forgotten what it walked through. */
    @Test
    void aNodeThatWasForgottenIsNeverThatOfALaterFile() throws Exception {
        int many = 60_000;
        for (int i = 0; i < many; i++) {
            Files.createFile(folder.resolve("file-" + i));
        }
        serve("never");
        Set<Long> nodes = new HashSet<>();
        for (int i = 0; i < many; i++) {
            nodes.add(guest.lookup(GuestMount.ROOT, "file-" + i).node());
        }
        assertThat(nodes).hasSize(many);
        for (long node : nodes) {
            guest.forget(node, 1);
        }
        assertThat(served.files.known()).isEqualTo(1);
        for (int i = 0; i < 3000; i++) {
            long node = guest.lookup(GuestMount.ROOT, "file-" + i).node();
            assertThat(nodes.add(node)).as("node of file-" + i + " is a new one").isTrue();
            assertThat(guest.getattr(node).size()).isZero();
        }
        assertThat(served.files.known()).isEqualTo(3001);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "never"})
    void aFileIsFoundAgainAfterTheGuestHasMovedIt(String handles) throws Exception {
        makeFiles();
        serve(handles);
        long node = guest.lookup(GuestMount.ROOT, "file-7").node();
        long sub = guest.mkdir(GuestMount.ROOT, "sub", 0755).node();
        lookUpAll();
        guest.call(Opcode.RENAME, GuestMount.ROOT, guest.put(sub, "file-7", "moved"), 0, 0, 0);
        lookUpAll();
        assertThat(guest.getattr(node).size()).isEqualTo("content of 7".length());
        assertThat(guest.lookup(sub, "moved").node()).isEqualTo(node);
    }

    private void lookUpAll() throws IOException {
        for (int i = 8; i < FILES; i++) {
            guest.lookup(GuestMount.ROOT, "file-" + i);
        }
    }

    @Test
    void withoutHandlesAnotherFileOfTheSameNameIsNotTakenForIt() throws Exception {
        makeFiles();
        serve("never");
        long node = guest.lookup(GuestMount.ROOT, "file-7").node();
        lookUpAll();
        Files.move(folder.resolve("file-7"), folder.resolve("elsewhere"));
        Files.writeString(folder.resolve("file-7"), "another");
        assertThatThrownBy(() -> guest.getattr(node)).hasMessageContaining("ESTALE");
        assertThat(guest.lookup(GuestMount.ROOT, "file-7").node()).isNotEqualTo(node);
    }

    @Test
    void withHandlesAFileIsFoundWhereverTheHostHasMovedIt() throws Exception {
        makeFiles();
        serve("prefer");
        long node = guest.lookup(GuestMount.ROOT, "file-7").node();
        lookUpAll();
        Files.move(folder.resolve("file-7"), folder.resolve("elsewhere"));
        Files.writeString(folder.resolve("file-7"), "another");
        assertThat(guest.getattr(node).size()).isEqualTo("content of 7".length());
        long other = guest.lookup(GuestMount.ROOT, "file-8").node();
        lookUpAll();
        Files.delete(folder.resolve("file-8"));
        assertThatThrownBy(() -> guest.getattr(other)).hasMessageContaining("ESTALE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "never"})
    void aFileThatIsOpenStaysThatFile(String handles) throws Exception {
        makeFiles();
        serve(handles);
        long node = guest.lookup(GuestMount.ROOT, "file-7").node();
        long handle = guest.open(node, Fd.O_RDWR);
        guest.unlink(GuestMount.ROOT, "file-7");
        lookUpAll();
        lookUpAll();
        assertThat(guest.getattr(node).links()).isZero();
        assertThat(guest.read(node, handle, 0, 100)).asString().isEqualTo("content of 7");
        guest.release(node, handle);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "never"})
    void noFileVanishesFromAListing(String handles) throws Exception {
        makeFiles();
        serve(handles);
        // All descriptors are taken by open files: nothing can be closed.
        long taken = guest.lookup(GuestMount.ROOT, "file-0").node();
        long directory = guest.opendir(GuestMount.ROOT);
        try {
            while (true) {
                guest.open(taken, Fd.O_RDONLY);
            }
        } catch (GuestMount.Refused _) {
            // as it should
        }
        Map<String, Long> listed = list(directory);
        assertThat(listed).hasSize(FILES + 2);
        assertThat(listed.get("file-499")).isZero(); // a name without a node: to be looked up
        assertThat(listed.get("file-0")).isEqualTo(taken);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "never"})
    void aListingKnowsAllFilesAndForgetsThem(String handles) throws Exception {
        makeFiles();
        serve(handles);
        long directory = guest.opendir(GuestMount.ROOT);
        Map<String, Long> listed = list(directory);
        assertThat(listed).hasSize(FILES + 2);
        assertThat(served.files.known()).isEqualTo(FILES + 1);
        assertThat(list(directory)).isEqualTo(listed);
        for (Map.Entry<String, Long> entry : listed.entrySet()) {
            if (entry.getValue() != 0) {
                guest.forget(entry.getValue(), 2);
            }
        }
        assertThat(served.files.known()).isEqualTo(1);
    }

    /** {@return names and nodes, as READDIRPLUS tells them} */
    private Map<String, Long> list(long handle) throws IOException {
        Map<String, Long> all = new HashMap<>();
        Listing.list(
                guest,
                GuestMount.ROOT,
                handle,
                4096,
                (node, name) -> {
                    byte[] bytes = name.toArray(ValueLayout.JAVA_BYTE);
                    assertThat(all.put(new String(bytes, StandardCharsets.UTF_8), node)).isNull();
                });
        return all;
    }
}
