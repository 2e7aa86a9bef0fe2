// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.config.LimitsConfiguration;
import io.bunkai.config.SharingConfiguration;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.testkit.Await;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FileServerTest {
    private final FakeNode node = new FakeNode();
    private final List<ProcessIdentity> known = new ArrayList<>();

    @AfterEach
    void end() {
        node.close();
    }

    private FileServer start(String script, SpareServers spares) throws Exception {
        Files.writeString(node.fileServer(), script);
        Files.setPosixFilePermissions(
                node.fileServer(), PosixFilePermissions.fromString("rwx------"));
        Plan plan;
        try (Containers containers = node.open()) {
            FakeNode.Wish wish =
                    new FakeNode.Wish()
                            .mounts(RuntimeSpec.Mount.of("/x", "bind", "/etc", List.of("rbind")));
            plan = containers.plan(wish.request()).plan();
        }
        Files.createDirectories(plan.machine().directory());
        return FileServer.start(
                plan.machine(), plan.host().sharing().orElseThrow(), spares, known::add);
    }

    private static String awaitEnd(FileServer server) {
        Await.until("its end", FakeNode.soon(), () -> server.end().isPresent());
        return server.end().orElseThrow();
    }

    @Test
    void itSeesWhatIsSharedAndCannotWriteBesideIt() throws Exception {
        String script =
                """
                #!/bin/sh
                folder=${2#--shared-dir=}
                test -e "$folder/0/passwd" && ! touch "$folder/new" 2>/dev/null && echo as it should
                """;
        try (SpareServers none = new SpareServers();
                FileServer server = start(script, none)) {
            assertThat(awaitEnd(server)).contains("exited with status 0").contains("as it should");
            assertThat(known).containsExactly(server.identity());
        }
    }

    private static SharingConfiguration limited(
            String program, LimitsConfiguration limits, String... arguments) {
        return new SharingConfiguration(
                true, Path.of(program), "auto", 1024, List.of(arguments), limits);
    }

    private static List<String> command(SharingConfiguration configuration) {
        return FileServer.plan(List.of(), configuration, Path.of("/m")).server();
    }

    private String own() throws Exception {
        Path program = node.folder().resolve("bunkai-virtiofsd");
        Files.copy(node.fileServer(), program, StandardCopyOption.COPY_ATTRIBUTES);
        return program.toString();
    }

    @Test
    void itIsToldTheLimits() throws Exception {
        SharingConfiguration configuration =
                limited(own(), new LimitsConfiguration(10, 20, 30, 0), "--xattr");
        assertThat(command(configuration))
                .endsWith("--fs-bw-size=10", "--fs-bw-burst=20", "--fs-ops-size=30", "--xattr");
    }

    @Test
    void aLimitIsSetOnce() throws Exception {
        SharingConfiguration configuration =
                limited(own(), new LimitsConfiguration(10, 0, 0, 0), "--fs-bw-size=5");
        assertThatThrownBy(() -> command(configuration))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("--fs-bw-size= is set by virtio_fs_extra_args and by");
    }

    @Test
    void aServerThatKnowsNoLimitsIsNotUsedWithSome() {
        SharingConfiguration configuration =
                limited(node.fileServer().toString(), new LimitsConfiguration(0, 0, 30, 0));
        assertThatThrownBy(() -> command(configuration))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("knows none");
    }

    /** A guest may make a server say as much as a disk holds. */
    @Test
    void ofItsComplaintsTheLastAreTold() throws Exception {
        String script = "#!/bin/sh\nyes complaint | head -c 3000000\necho the last one\nexit 3\n";
        try (SpareServers none = new SpareServers();
                FileServer server = start(script, none)) {
            assertThat(awaitEnd(server)).hasSizeLessThan(1200).endsWith("the last one");
        }
    }

    @Test
    void nothingIsMountedOnTheHost() throws Exception {
        try (SpareServers none = new SpareServers();
                FileServer server = start("#!/bin/sh\nexit 0\n", none)) {
            awaitEnd(server);
            Path directory = node.stateRoot().sandboxes();
            assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                    .doesNotContain(directory.toString());
        }
    }
}
