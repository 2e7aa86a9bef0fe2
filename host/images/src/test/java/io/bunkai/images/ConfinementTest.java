// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the unpacking child could reach, asked by a shell in its place. */
class ConfinementTest {
    @TempDir Path temporary;

    @Test
    void isNobodyAndCannotBecomeMore() throws IOException {
        assertThat(inside("id -u; id -g; id -G")).isEqualTo("65534\n65534\n65534\n");
        assertThat(inside("/usr/bin/setpriv --dump"))
                .contains("no_new_privs: 1")
                .contains("Inheritable capabilities: [none]")
                .contains("Ambient capabilities: [none]")
                .contains("Capability bounding set: [none]");
        for (String deed : List.of("mount -t tmpfs x /usr", "chroot /usr true", "umount /java")) {
            assertThat(inside("/usr/bin/busybox " + deed + " 2>&1 || echo refused"))
                    .endsWith("refused\n");
        }
    }

    @Test
    void seesNoFilesButLibrariesAndItsClasses() throws IOException {
        assertThat(inside("ls -A /").lines())
                .contains("classes", "etc", "java", "usr")
                .doesNotContain("proc", "dev", "sys", "root", "home", "tmp", "var", "work");
        assertThat(inside("ls -A /etc").lines()).allMatch(name -> name.startsWith("java"));
        assertThat(inside("ls /classes").lines()).containsExactly("0", "1", "2");
    }

    @Test
    void canWriteNowhere() throws IOException {
        for (String place : List.of("/", "/classes", "/java", "/usr", "/etc")) {
            assertThat(
                            inside(
                                    "{ echo x > "
                                            + place
                                            + "/x; } 2>/dev/null && echo written || echo refused"))
                    .isEqualTo("refused\n");
        }
    }

    @Test
    void hasNoNetworkAndNoEnvironment() throws IOException {
        // Without /proc the kernel is asked through a socket.
        assertThat(inside("/usr/bin/busybox ip link")).contains("lo:").doesNotContain("2:");
        assertThat(inside("/usr/bin/env").lines())
                .allMatch(line -> line.matches("(LD_LIBRARY_PATH=/java/lib|PWD=.*|SHLVL=.*|_=.*)"));
    }

    @Test
    void isLimited() throws IOException {
        assertThat(inside("ulimit -t; ulimit -n; ulimit -c")).isEqualTo("1800\n64\n0\n");
    }

    @Test
    void leavesNoMountBehind() throws IOException {
        inside("true");
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .doesNotContain(temporary.toString());
    }

    @Test
    void seesGivenDirectoriesButCannotChangeThemOrFollowTheirLinks() throws IOException {
        Path given = Files.createDirectories(temporary.resolve("a layer"));
        Files.writeString(given.resolve("file"), "content");
        Files.createSymbolicLink(given.resolve("link"), Path.of("file"));
        Command.run("chmod", "0", given.resolve("file"));
        Command.run("mknod", given.resolve("null"), "c", "1", "3");
        String script =
                """
                cd /layers/0
                cat file
                readlink link
                cat link || echo not followed
                { echo x > file; } 2>/dev/null || echo not written
                cat null 2>/dev/null || echo no device
                """;
        assertThat(inside(Confinement.Program.PACKER, List.of(given), script))
                .isEqualTo("contentfile\nnot followed\nnot written\nno device\n");
    }

    @Test
    void keepsOnlyWhatReadingDirectoriesNeeds() throws IOException {
        assertThat(
                        inside(
                                Confinement.Program.PACKER,
                                List.of(),
                                "id -u; ulimit -n; /usr/bin/setpriv --dump"))
                .startsWith("65534\n320\n")
                .contains("no_new_privs: 1")
                .contains("Inheritable capabilities: dac_read_search,sys_admin\n")
                .contains("Ambient capabilities: dac_read_search,sys_admin\n")
                .contains("Capability bounding set: dac_read_search,sys_admin\n");
    }

    private String inside(String script) throws IOException {
        return inside(Confinement.Program.UNPACKER, List.of(), script);
    }

    /** Runs a shell instead of Java, behind the very same command. */
    private String inside(Confinement.Program program, List<Path> directories, String script)
            throws IOException {
        Path mountPoint = Files.createDirectories(temporary.resolve("root"));
        List<String> command =
                Confinement.of(program).command(mountPoint, UnpackLimits.DEFAULTS, directories);
        int java = command.indexOf("/java/bin/java");
        List<String> shell = new java.util.ArrayList<>(command.subList(0, java));
        shell.addAll(List.of("/bin/sh", "-c", script));
        return Command.run(shell.toArray());
    }
}
