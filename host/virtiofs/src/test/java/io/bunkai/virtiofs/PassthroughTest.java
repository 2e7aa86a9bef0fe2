// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Fd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest gets, through all of vhost-user and FUSE. Needs root. */
class PassthroughTest {
    @TempDir Path folder;

    private ServedDirectory served;
    private GuestMount guest;

    @BeforeEach
    void serve() throws Exception {
        served = new ServedDirectory(folder);
        guest = served.guest;
        guest.init();
    }

    @AfterEach
    void end() throws Exception {
        served.close();
    }

    @Test
    void aFileIsMadeWrittenReadAndRemoved() throws Exception {
        GuestMount.Created created =
                guest.create(GuestMount.ROOT, "file", Fd.O_RDWR | Fd.O_EXCL, 0100640);
        long node = created.entry().node();
        byte[] data = new byte[100_000];
        new Random(1).nextBytes(data);
        assertThat(guest.write(node, created.handle(), 10, data)).isEqualTo(data.length);
        assertThat(guest.read(node, created.handle(), 10, 200_000)).isEqualTo(data);
        assertThat(guest.getattr(node).size()).isEqualTo(data.length + 10);
        assertThat(guest.lookup(GuestMount.ROOT, "file").node()).isEqualTo(node);
        assertThat(Files.size(folder.resolve("file"))).isEqualTo(data.length + 10);
        guest.unlink(GuestMount.ROOT, "file");
        assertThat(guest.read(node, created.handle(), 10, 5)).hasSize(5);
        assertThat(guest.getattr(node).links()).isZero();
        guest.release(node, created.handle());
        guest.forget(node, 2);
        assertThat(served.files.known()).isEqualTo(1);
        assertThat(served.descriptors.used()).isEqualTo(1);
    }

    @Test
    void whatTheHostHasIsSeen() throws Exception {
        Files.writeString(folder.resolve("a"), "text", UTF_8);
        GuestMount.Entry entry = guest.lookup(GuestMount.ROOT, "a");
        long handle = guest.open(entry.node(), Fd.O_RDONLY);
        assertThat(guest.read(entry.node(), handle, 0, 4096)).asString(UTF_8).isEqualTo("text");
        guest.release(entry.node(), handle);
    }
}
