// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RenamesTest {
    @TempDir private Path folder;

    @Test
    void swapsTwoFolders() throws IOException {
        Path one = Files.createDirectory(folder.resolve("one"));
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.writeString(one.resolve("first"), "");
        Files.writeString(other.resolve("second"), "");
        Renames.exchange(one, other);
        assertThat(one.resolve("second")).exists();
        assertThat(other.resolve("first")).exists();
    }

    @Test
    void saysThatOneIsMissing() {
        assertThatThrownBy(() -> Renames.exchange(folder, folder.resolve("gone")))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }
}
