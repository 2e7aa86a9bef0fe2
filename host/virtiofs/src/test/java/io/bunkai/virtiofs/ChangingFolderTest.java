// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A large folder that the host and the guest change while the guest lists it. Needs root. */
class ChangingFolderTest {
    private static final int STAYING = 50_000;
    private static final int GOING = 2_000;
    private static final int LISTING_BYTES = 32 * 1024;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int ENTRY = Structs.ENTRY_OUT.bytes();

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Opcode.class,
            names = {"READDIR", "READDIRPLUS"})
    @Timeout(300)
    void whatIsThereThroughoutIsListedOnce(Opcode how) throws Exception {
        for (int i = 0; i < STAYING; i++) {
            Files.createFile(folder.resolve("staying-" + i));
        }
        for (int i = 0; i < GOING; i++) {
            Files.createFile(folder.resolve("going-" + i));
        }
        try (ServedDirectory served = new ServedDirectory(folder)) {
            GuestMount guest = served.guest;
            guest.init();
            AtomicBoolean listed = new AtomicBoolean();
            CompletableFuture<Integer> changes =
                    CompletableFuture.supplyAsync(() -> change(folder, listed));
            Map<String, Integer> found;
            try {
                found = list(guest, how);
            } finally {
                listed.set(true);
            }
            assertThat(changes.join()).as("changes while it was listed").isGreaterThan(10);
            for (int i = 0; i < STAYING; i++) {
                assertThat(found.remove("staying-" + i)).as("staying-" + i).isEqualTo(1);
            }
            assertThat(found.remove(".")).isEqualTo(1);
            assertThat(found.remove("..")).isEqualTo(1);
            assertThat(found).allSatisfy((name, times) -> assertThat(times).as(name).isEqualTo(1));
            assertThat(list(guest, how)).hasSizeGreaterThan(STAYING); // and again, from the start
        }
    }

    /** Names come and go, none of them twice; {@return how many times something changed} */
    private static int change(Path folder, AtomicBoolean listed) {
        int changes = 0;
        try {
            while (!listed.get()) {
                Files.deleteIfExists(folder.resolve("going-" + changes));
                Files.createFile(folder.resolve("coming-" + changes));
                if (changes % 3 == 0) {
                    Files.delete(folder.resolve("coming-" + changes));
                }
                changes++;
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return changes;
    }

    /** {@return how often each name came} */
    private static Map<String, Integer> list(GuestMount guest, Opcode how) throws IOException {
        int before = how == Opcode.READDIRPLUS ? ENTRY : 0;
        Map<String, Integer> found = new HashMap<>();
        long handle = guest.opendir(GuestMount.ROOT);
        long next = 0;
        while (true) {
            int arguments = guest.put(handle, next, LISTING_BYTES, 0, 0L, 0, 0);
            guest.call(how, GuestMount.ROOT, arguments, 0, 0, LISTING_BYTES);
            int length = guest.lane(0).length(0);
            if (length == 0) {
                guest.releasedir(GuestMount.ROOT, handle);
                return found;
            }
            MemorySegment data = guest.lane(0).data(0);
            for (int at = 0; at < length; ) {
                MemorySegment entry = data.asSlice(at + before);
                next = entry.get(LONG, Structs.DIRENT.offset("off"));
                int size = entry.get(INT, Structs.DIRENT.offset("namelen"));
                byte[] name =
                        entry.asSlice(Structs.DIRENT.bytes(), size).toArray(ValueLayout.JAVA_BYTE);
                found.merge(new String(name, StandardCharsets.UTF_8), 1, Integer::sum);
                at += (before + Structs.DIRENT.bytes() + size + 7) & -8;
            }
        }
    }
}
