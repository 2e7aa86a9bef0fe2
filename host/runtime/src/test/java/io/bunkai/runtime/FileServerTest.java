// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.ProcessIdentity;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.testkit.Await;
import java.nio.file.Files;
import java.nio.file.Path;
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
