// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserLookupTest {
    @TempDir Path root;

    @BeforeEach
    void writeFiles() throws IOException {
        Files.createDirectories(root.resolve("etc"));
        Files.writeString(
                root.resolve("etc/passwd"),
                """
                root:x:0:0:root:/root:/bin/sh
                www-data:x:33:34:www:/var/www:/bin/false
                broken
                bad:x:many:1::/:
                77:x:78:78::/:
                """);
        Files.writeString(
                root.resolve("etc/group"),
                """
                root:x:0:
                www-data:x:34:
                logs:x:56:syslog,www-data
                early:x:5:www-data
                nobodys:x:57:someone,www-data-not
                """);
    }

    @Test
    void aNameBringsItsGroupAndAllGroupsThatListIt() {
        assertThat(find("www-data")).isEqualTo(new UserLookup.Identity(33, 34, List.of(5, 56)));
    }

    @Test
    void aNumberWithAnEntryIsTreatedLikeItsName() {
        assertThat(find("33")).isEqualTo(new UserLookup.Identity(33, 34, List.of(5, 56)));
    }

    @Test
    void aNumberNeedsNoEntry() {
        assertThat(find("1000")).isEqualTo(new UserLookup.Identity(1000, 0, List.of()));
        assertThat(find("1000:2000")).isEqualTo(new UserLookup.Identity(1000, 2000, List.of()));
        assertThat(find("77").uid()).isEqualTo(77); // though somebody is called that
    }

    @Test
    void aGroupThatIsNamedIsTheOnlyOne() {
        assertThat(find("www-data:logs")).isEqualTo(new UserLookup.Identity(33, 56, List.of()));
        assertThat(find(":logs")).isEqualTo(new UserLookup.Identity(0, 56, List.of()));
    }

    @Test
    void refusesNamesThatTheFilesDoNotHave() {
        for (String user : List.of("nobody", "bad", "www-data:none", "4294967296", "-1")) {
            assertThatExceptionOfType(Fault.class)
                    .isThrownBy(() -> find(user))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(FaultCode.NOT_FOUND));
        }
    }

    @Test
    void knowsNobodyWithoutFiles() throws IOException {
        Files.delete(root.resolve("etc/passwd"));
        Files.delete(root.resolve("etc/group"));
        assertThat(find("5:6")).isEqualTo(new UserLookup.Identity(5, 6, List.of()));
        assertThatExceptionOfType(Fault.class).isThrownBy(() -> find("root"));
    }

    @Test
    void followsLinksAsTheContainerSeesThem(@TempDir Path outside) throws IOException {
        Files.writeString(outside.resolve("passwd"), "root:x:666:666::/:\n");
        Files.createDirectories(root.resolve("data"));
        Files.move(root.resolve("etc/passwd"), root.resolve("data/passwd"));
        Files.createSymbolicLink(root.resolve("etc/passwd"), Path.of("/data/passwd"));
        assertThat(find("www-data").uid()).isEqualTo(33);
        Files.delete(root.resolve("etc/passwd"));
        Files.createSymbolicLink(root.resolve("etc/passwd"), outside.resolve("passwd"));
        assertThatExceptionOfType(Fault.class).isThrownBy(() -> find("root"));
        Files.delete(root.resolve("etc/passwd"));
        Path climbing = Path.of("../../../../../../../../../..", outside.toString(), "passwd");
        Files.createSymbolicLink(root.resolve("etc/passwd"), climbing);
        assertThatExceptionOfType(Fault.class).isThrownBy(() -> find("root"));
    }

    @Test
    void readsNoDirectoriesAndEndlessLinks() throws IOException {
        Files.delete(root.resolve("etc/passwd"));
        Files.createDirectory(root.resolve("etc/passwd"));
        Files.delete(root.resolve("etc/group"));
        Files.createSymbolicLink(root.resolve("etc/group"), Path.of("group"));
        assertThat(find("5")).isEqualTo(new UserLookup.Identity(5, 0, List.of()));
    }

    private UserLookup.Identity find(String user) {
        return UserLookup.of(root).find(user);
    }
}
