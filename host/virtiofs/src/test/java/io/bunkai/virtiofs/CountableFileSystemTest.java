// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.util.List;
import org.junit.jupiter.api.Test;

class CountableFileSystemTest {
    private static final List<String> LINES =
            List.of(
                    "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
                    "40 21 7:0 / /xfs rw shared:3 master:2 - xfs /dev/loop0 rw,attr2,noquota",
                    "41 21 7:1 /a /b rw - xfs /dev/loop1 rw,attr2,allocsize=4k,noquota",
                    "42 21 7:2 / /c rw - xfs /dev/loop2 rw,allocsize=64k",
                    "43 21 0:5 / /xfs-like rw - tmpfs xfs rw");

    @Test
    void xfsIsCountedOnlyIfItSetsNoMoreAsideThanABlock() {
        for (long countable : new long[] {21, 41, 43, 99}) {
            assertThatCode(() -> CountableFileSystem.require(LINES, countable))
                    .doesNotThrowAnyException();
        }
        for (long refused : new long[] {40, 42}) {
            assertThatThrownBy(() -> CountableFileSystem.require(LINES, refused))
                    .isInstanceOfSatisfying(
                            Fault.class,
                            fault -> assertThat(fault.hint().orElse("")).contains("allocsize=4k"))
                    .hasMessageContaining("XFS");
        }
    }
}
