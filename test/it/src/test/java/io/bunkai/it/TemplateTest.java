// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Fd;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Containers whose machines are copies of one that was frozen: nothing that should differ is the
 * same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(600)
class TemplateTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    private static final long TOLERANCE_MILLIS = 100;
    private static final int PIECE_BYTES = 1 << 16;

    private static final DateTimeFormatter FILE_TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSSSS Z", Locale.ROOT);

    /** What has to be another in each machine, a line each. */
    private static final String IDENTITY =
            "head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo;"
                    + " cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id; hostname;"
                    + " : >/now; stat -c %y /now";

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
                digest(template.resolve(file), sha);
                digests.add(HexFormat.of().formatHex(sha.digest()));
            }
        }
        return digests;
    }

    /** Takes what is no hole, and where that is. */
    private static void digest(Path file, MessageDigest into) throws Exception {
        ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES);
        try (FileChannel content = FileChannel.open(file);
                Fd holes = Fd.open(file, Fd.O_RDONLY)) {
            for (long at = holes.seekData(0);
                    at < content.size();
                    at = holes.seekData(at + piece.limit())) {
                into.update(ByteBuffer.allocate(Long.BYTES).putLong(at).flip());
                content.read(piece.clear(), at);
                into.update(piece.flip());
            }
        }
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
    @Tag("long")
    void aHundredClonesHaveNothingInCommonThatShouldDiffer() throws Exception {
        assertDifferent(100, 4, run(IDENTITY));
    }

    /** Java's numbers and the rest, see {@link #IDENTITY}. */
    @Test
    void clonesHaveNothingInCommonThatShouldDifferAndTheRightTime(@TempDir Path classes)
            throws Exception {
        assertDifferent(20, 2, runWithJava(classes));
    }

    @Test
    @Tag("long")
    void javaInAHundredClonesDrawsOtherNumbersInEach(@TempDir Path classes) throws Exception {
        assertDifferent(100, 2, runWithJava(classes));
    }

    private static String[] run(String script) {
        return new String[] {"run", "--rm", "--", "sh", "-c", script};
    }

    /** The embedded image has no Java, so it gets the host's, and the libraries that needs. */
    private static String[] runWithJava(Path classes) throws Exception {
        Path file = classes.resolve(DrawUuid.class.getName().replace('.', '/') + ".class");
        Files.createDirectories(file.getParent());
        try (InputStream in = DrawUuid.class.getResourceAsStream(file.getFileName().toString())) {
            Files.write(file, in.readAllBytes());
        }
        List<String> words = new ArrayList<>(List.of("run", "--rm"));
        for (String folder : List.of("/lib", "/lib64")) {
            words.addAll(List.of("-v", Path.of(folder).toRealPath() + ":" + folder + ":ro"));
        }
        words.addAll(List.of("-v", System.getProperty("java.home") + ":/jdk:ro"));
        words.addAll(List.of("-v", classes + ":/classes:ro"));
        String java = "/jdk/bin/java -XX:TieredStopAtLevel=1 -cp /classes ";
        words.addAll(List.of("--", "sh", "-c", java + DrawUuid.class.getName() + "; " + IDENTITY));
        return words.toArray(String[]::new);
    }

    /** What runs in a container: a UUID as Java draws it. */
    static final class DrawUuid {
        private DrawUuid() {}

        public static void main(String[] arguments) {
            System.out.println(UUID.randomUUID());
        }
    }

    private static void assertDifferent(int clones, int atOnce, String... command)
            throws Exception {
        Set<String> seen = new HashSet<>();
        for (int begun = 0; begun < clones; begun += atOnce) {
            Instant begin = Instant.now();
            List<CompletableFuture<String>> running = new ArrayList<>();
            for (int i = 0; i < atOnce; i++) {
                running.add(
                        CompletableFuture.supplyAsync(
                                () -> NODE.bunkai(command).expectSuccess().out()));
            }
            for (CompletableFuture<String> run : running) {
                List<String> lines = run.get(300, TimeUnit.SECONDS).lines().toList();
                assertThat(lines).hasSizeBetween(5, 6);
                assertThat(lines.subList(0, lines.size() - 1))
                        .allSatisfy(line -> assertThat(seen.add(line)).isTrue());
                assertIsNow(lines.getLast(), begin);
            }
        }
    }

    /** A tenth of a second is what a clone's clock may be wrong by. */
    private static void assertIsNow(String time, Instant begin) {
        Instant told = OffsetDateTime.parse(time, FILE_TIME).toInstant();
        assertThat(told)
                .isBetween(
                        begin.minusMillis(TOLERANCE_MILLIS),
                        Instant.now().plusMillis(TOLERANCE_MILLIS));
    }

    @Test
    void theClockOfACloneIsRight() {
        NODE.bunkai("run", "-d", "--name", "clock", "--", "sleep", "1000").expectSuccess();
        assertClone("clock");
        for (int i = 0; i < 3; i++) {
            Instant begin = Instant.now();
            String told =
                    NODE.bunkai("exec", "clock", "sh", "-c", ": >/now; stat -c %y /now")
                            .expectSuccess()
                            .out();
            assertIsNow(told.strip(), begin);
        }
        NODE.bunkai("rm", "-f", "clock").expectSuccess();
    }

    @Test
    void aCloneHasTheProcessorsAndTheMemoryThatWereAskedFor() {
        NODE.bunkai("template", "create", "--cpus", "2", "-m", "1g").expectSuccess();
        NODE.bunkai(
                        "run", "-d", "--name", "large", "--cpus", "2", "-m", "1g", "--", "sleep",
                        "1000")
                .expectSuccess();
        assertClone("large");
        assertThat(NODE.bunkai("exec", "large", "nproc").expectSuccess().out()).isEqualTo("2\n");
        String total =
                NODE.bunkai("exec", "large", "awk", "/MemTotal/ { print $2 }", "/proc/meminfo")
                        .expectSuccess()
                        .out();
        assertThat(Long.parseLong(total.strip())).isBetween(1_000_000L, 1_300_000L);
        NODE.bunkai("rm", "-f", "large").expectSuccess();
    }

    @Test
    void aMachineThatIsKilledBeforeItIsFrozenStopsNobody() throws Exception {
        NODE.bunkai("run", "--rm", "-m", "210m", "--", "true").expectSuccess();
        ProcessIdentity machine = NODE.awaitTemplateMachine();
        assertThat(Processes.signal(machine.pid(), Signals.SIGKILL)).isTrue();
        assertThat(NODE.bunkai("run", "--rm", "-m", "210m", "--", "echo", "up").out())
                .isEqualTo("up\n");
        assertThat(NODE.root().resolve("run/templates")).isEmptyDirectory();
    }

    @Test
    void aDaemonThatIsKilledWhileItMakesATemplateLeavesNothingOfIt() throws Exception {
        NODE.bunkai("run", "--rm", "-m", "220m", "--", "true").expectSuccess();
        ProcessIdentity machine = NODE.awaitTemplateMachine();
        killDaemon();
        assertThat(NODE.bunkai("run", "--rm", "-m", "220m", "--", "echo", "up").out())
                .isEqualTo("up\n");
        assertThat(machine.isAlive()).isFalse();
        NODE.bunkai("template", "create", "-m", "220m").expectSuccess();
        assertThat(NODE.root().resolve("run/templates")).isEmptyDirectory();
    }

    @Test
    void aTemplateThatWasDamagedOnTheDiskIsMadeAnew() throws Exception {
        String key = NODE.bunkai("template", "create", "-m", "230m").expectSuccess().out().strip();
        Path memory = NODE.root().resolve("lib/templates").resolve(key).resolve("memory");
        try (RandomAccessFile damaged = new RandomAccessFile(memory.toFile(), "rw")) {
            damaged.seek(damaged.length() / 2);
            int was = damaged.read();
            damaged.seek(damaged.length() / 2);
            damaged.write(was ^ 1);
        }
        killDaemon();
        assertThat(NODE.bunkai("run", "--rm", "-m", "230m", "--", "echo", "up").out())
                .isEqualTo("up\n");
        assertThat(NODE.daemonLog())
                .contains("a template is damaged and is made anew template=" + key);
    }

    private static void killDaemon() throws Exception {
        ProcessIdentity daemon = ProcessIdentity.of(NODE.daemonPid()).orElseThrow();
        assertThat(Processes.signal(daemon.pid(), Signals.SIGKILL)).isTrue();
        Await.until("the daemon's end", TestNode.patience(), () -> !daemon.isAlive());
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
        killDaemon();
        NODE.bunkai("run", "-d", "--name", "later", "--", "sleep", "1000").expectSuccess();
        assertClone("later");
        NODE.bunkai("rm", "-f", "later").expectSuccess();
    }
}
