// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Containers whose machines are copies of one that was frozen: nothing that should differ is the
 * same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(600)
class TemplateTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    /** What has to be another in each machine, a line each. */
    private static final String IDENTITY =
            "head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo;"
                    + " cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id; hostname;"
                    + " date +%s";

    @BeforeAll
    void makeTemplate() throws Exception {
        NODE.bunkai("run", "--rm", "--", "true").expectSuccess();
        NODE.awaitTemplate();
    }

    /** {@return a digest of everything that clones are made of} */
    private static List<String> content() throws Exception {
        List<String> digests = new ArrayList<>();
        for (Path template : NODE.templates()) {
            for (String file : List.of("memory", "devices", "manifest.json")) {
                MessageDigest sha = MessageDigest.getInstance("SHA-256");
                try (var in = Files.newInputStream(template.resolve(file))) {
                    in.transferTo(
                            new java.security.DigestOutputStream(
                                    java.io.OutputStream.nullOutputStream(), sha));
                }
                digests.add(java.util.HexFormat.of().formatHex(sha.digest()));
            }
        }
        return digests;
    }

    private static void assertClone(String container) {
        assertThat(TestNode.commandLine(NODE.vmmPid(container))).contains("-incoming");
    }

    @Test
    void aStartIsACloneOfTheTemplate() {
        NODE.bunkai("run", "-d", "--name", "clone", "--", "sleep", "1000").expectSuccess();
        assertClone("clone");
        assertThat(NODE.bunkai("exec", "clone", "echo", "hello").expectSuccess().out())
                .isEqualTo("hello\n");
        NODE.bunkai("rm", "-f", "clone").expectSuccess();
    }

    @Test
    void clonesHaveNothingInCommonThatShouldDifferAndTheRightTime() throws Exception {
        assertDifferent(6, 3);
    }

    @Test
    @Tag("long")
    void aHundredClonesHaveNothingInCommonThatShouldDiffer() throws Exception {
        assertDifferent(100, 4);
    }

    private static void assertDifferent(int clones, int atOnce) throws Exception {
        Set<String> seen = new HashSet<>();
        for (int begun = 0; begun < clones; begun += atOnce) {
            List<CompletableFuture<String>> running = new ArrayList<>();
            for (int i = 0; i < atOnce; i++) {
                running.add(
                        CompletableFuture.supplyAsync(() ->
                                NODE.bunkai("run", "--rm", "--", "sh", "-c", IDENTITY)
                                        .expectSuccess()
                                        .out()));
            }
            for (CompletableFuture<String> run : running) {
                List<String> lines = run.get(300, TimeUnit.SECONDS).lines().toList();
                assertThat(lines).hasSize(5);
                assertThat(lines.subList(0, 4))
                        .allSatisfy(line -> assertThat(seen.add(line)).isTrue());
                long now = System.currentTimeMillis() / 1000;
                assertThat(Long.parseLong(lines.get(4))).isBetween(now - 120, now);
            }
        }
    }

    @Test
    void whatAContainerDoesToItsMemoryStaysItsOwn() throws Exception {
        List<String> before = content();
        NODE.bunkai(
                        "run",
                        "--rm",
                        "--",
                        "sh",
                        "-c",
                        "head -c 60000000 /dev/urandom >/dev/shm/x; sync")
                .expectSuccess();
        assertThat(content()).isEqualTo(before);
        assertThat(NODE.bunkai("run", "--rm", "--", "echo", "well").expectSuccess().out())
                .isEqualTo("well\n");
    }

    @Test
    void aDaemonThatDiesLeavesTheTemplateToTheNextOne() throws Exception {
        ProcessIdentity daemon = ProcessIdentity.of(NODE.daemonPid()).orElseThrow();
        assertThat(Processes.signal(daemon.pid(), Signals.SIGKILL)).isTrue();
        Await.until("the daemon's end", TestNode.patience(), () -> !daemon.isAlive());
        NODE.bunkai("run", "-d", "--name", "later", "--", "sleep", "1000").expectSuccess();
        assertClone("later");
        NODE.bunkai("rm", "-f", "later").expectSuccess();
        assertThat(NODE.templates()).hasSize(1);
    }
}
