// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.testkit.Leftover.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Plants one thing of each kind, and looks whether the check sees it, names it, and sees it go. */
class LeakCheckTest {
    private final Deadline deadline = Deadline.after(Duration.ofMinutes(2));
    private final Closer undo = new Closer();
    private final TestRoot root = undo.own(TestRoot.create());
    private final String name = root.path().getFileName().toString();

    @AfterEach
    void cleanUp() {
        undo.close();
    }

    @Test
    void findsNothingWhereNothingIsLeft() {
        LeakCheck check = check();

        check.assertNothingLeft(deadline);
    }

    @Test
    void seesADescendant() {
        LeakCheck check = check();
        try (CommandRun.Running sleeper = CommandRun.of("sleep", "1001").start()) {
            assertThat(check.leftovers())
                    .singleElement()
                    .satisfies(left -> {
                        assertThat(left.kind()).isEqualTo(Kind.PROCESS);
                        assertThat(left.description())
                                .startsWith(sleeper.pid() + " sleep 1001; descends from")
                                .contains("its parent is process " + ProcessHandle.current().pid());
                    });
        }
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesAnOrphanThatMentionsTheRoot() throws IOException {
        LeakCheck check = check();
        long byEnvironment = orphan("STATE=" + root.path() + " exec sleep 1002");
        long byFolder = orphan("cd " + root.path() + "; unset PWD OLDPWD; exec sleep 1002");
        long byFile = orphan("exec sleep 1002 3>" + root.path() + "/file");
        Files.delete(root.resolve("file"));

        assertThat(check.leftovers())
                .extracting(left -> left.description().replaceFirst("; its parent.*", ""))
                .containsExactlyInAnyOrder(
                        byEnvironment + " sleep 1002; is ours by its environment",
                        byFolder + " sleep 1002; is ours by its cwd",
                        byFile + " sleep 1002; is ours by an open file");
    }

    @Test
    void ignoresProcessesOfOthers() {
        LeakCheck check = check();
        long stranger = orphan("exec sleep 1003");

        assertThat(ProcessHandle.of(stranger)).isPresent();
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesAZombieOfOurs() {
        LeakCheck check = check();
        long parent = orphan("export STATE=" + root.path() + "; sleep 0 & exec sleep 1004");
        awaitZombieOf(parent);

        assertThat(check.leftovers())
                .hasSize(2)
                .anySatisfy(left ->
                        assertThat(left.description())
                                .contains("(zombie) [sleep]; was never waited for")
                                .contains("its parent is process " + parent));
    }

    @Test
    void ignoresAZombieThatOthersForgot() {
        LeakCheck check = check();
        awaitZombieOf(orphan("sleep 0 & exec sleep 1005"));

        check.assertNothingLeft(deadline);
    }

    @Test
    void seesAMountAndDoesNotLookIntoIt() throws IOException {
        Path point = Files.createDirectory(root.resolve("point"));
        LeakCheck check = check();
        run("mount", "-t", "tmpfs", "some-source", point.toString());
        undo.onClose(() -> unmountIfMounted(point));
        Files.createFile(point.resolve("file"));

        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .containsExactly("mount: " + point + " of type tmpfs from some-source");
        run("umount", point.toString());
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesASecondMountOnTheSamePoint() throws IOException {
        Path point = Files.createDirectory(root.resolve("point"));
        run("mount", "-t", "tmpfs", "none", point.toString());
        undo.onClose(() -> unmountIfMounted(point));
        LeakCheck check = check();
        run("mount", "-t", "tmpfs", "none", point.toString());

        assertThat(check.leftovers()).hasSize(1);
        run("umount", point.toString());
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesACgroupAndItsMembers() throws IOException {
        LeakCheck check = check();
        Path cgroup = Files.createDirectory(cgroupHierarchy().resolve(name));
        undo.onClose(() -> Files.deleteIfExists(cgroup));
        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .containsExactly("cgroup: " + cgroup);

        long member = orphan("exec sleep 1006");
        Files.writeString(cgroup.resolve("cgroup.procs"), String.valueOf(member));
        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .contains("cgroup: " + cgroup + ", with process " + member + " sleep 1006");

        kill(member);
        awaitEnd(member);
        Files.delete(cgroup);
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesANamedNetworkNamespace() {
        LeakCheck check = check();
        run("ip", "netns", "add", name);
        undo.onClose(() -> CommandRun.of("ip", "netns", "del", name).run(deadline));

        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .contains("network namespace: /run/netns/" + name)
                .anyMatch(text -> text.startsWith("mount: /run/netns/" + name));
        run("ip", "netns", "del", name);
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesATap() {
        LeakCheck check = check();
        run("ip", "tuntap", "add", "dev", name, "mode", "tap");
        undo.onClose(() -> CommandRun.of("ip", "link", "del", name).run(deadline));

        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .containsExactly("link: " + name + ", a tap");
        run("ip", "link", "del", name);
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesALoopDevice() throws IOException {
        Path file = Files.write(root.resolve("disk"), new byte[1 << 20]);
        LeakCheck check = check();
        String device =
                CommandRun.of("losetup", "--find", "--show", file.toString())
                        .run(deadline)
                        .expectSuccess()
                        .out()
                        .strip();
        undo.onClose(() -> CommandRun.of("losetup", "--detach", device).run(deadline));

        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .containsExactly("loop device: " + device + " of " + file);
        run("losetup", "--detach", device);
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesFilesBeneathTheRootButThoseThatMayStay() throws IOException {
        Files.createDirectories(root.resolve("images"));
        Files.createFile(root.resolve("before"));
        LeakCheck check =
                LeakCheck.options()
                        .roots(root.path())
                        .onlyMentioning(name)
                        .ignoringFiles("images/**")
                        .before();
        Files.createFile(root.resolve("images/cached"));
        Path folder = Files.createDirectory(root.resolve("run"));
        Path file = Files.createFile(folder.resolve("socket"));
        Path link = Files.createSymbolicLink(root.resolve("link"), Path.of("/"));

        assertThat(check.leftovers())
                .extracting(Leftover::toString)
                .containsExactly("file: " + link, "file: " + folder + "/", "file: " + file);
        Files.delete(link);
        Files.delete(file);
        Files.delete(folder);
        check.assertNothingLeft(deadline);
    }

    @Test
    void seesADescriptorOfAWatchedProcess() throws IOException {
        Path file = Files.createFile(root.resolve("file"));
        long self = ProcessHandle.current().pid();
        LeakCheck check =
                LeakCheck.options()
                        .roots(root.path())
                        .onlyMentioning(name)
                        .descriptorsOf(() -> List.of(self))
                        .before();
        try (InputStream once = Files.newInputStream(file);
                InputStream again = Files.newInputStream(file)) {
            assertThat(once.available() + again.available()).isZero();
            assertThat(check.leftovers())
                    .extracting(Leftover::toString)
                    .containsExactly(
                            "descriptor: " + file + " in process " + self,
                            "descriptor: " + file + " in process " + self);
        }
        check.assertNothingLeft(deadline);
    }

    @Test
    void waitsUntilTheLastThingIsGone() throws IOException {
        Path file = root.resolve("file");
        AtomicInteger looks = new AtomicInteger();
        LeakCheck check =
                LeakCheck.options()
                        .roots(root.path())
                        .onlyMentioning(name)
                        .descriptorsOf(() -> {
                            if (looks.incrementAndGet() == 4) {
                                delete(file);
                            }
                            return List.of();
                        })
                        .before();
        Files.createFile(file);

        check.assertNothingLeft(deadline);
        assertThat(looks.get()).isGreaterThanOrEqualTo(4);
    }

    @Test
    void namesEverythingThatIsLeftAtTheDeadline() throws IOException {
        LeakCheck check = check();
        Files.createFile(root.resolve("one"));
        Files.createFile(root.resolve("two"));

        assertThatThrownBy(() -> check.assertNothingLeft(Deadline.after(Duration.ZERO)))
                .isInstanceOf(AssertionError.class)
                .hasMessage(
                        "2 things were left behind:\n  file: %s/one\n  file: %s/two"
                                .formatted(root.path(), root.path()));
    }

    @Test
    void readsMountsWithStrangeNames() {
        assertThat(
                        MountTable.parse(
                                "36 35 98:0 /mnt1 /mnt\\0402\\134 rw,noatime master:1 shared:2 -"
                                        + " ext3 /dev/ro\\040ot rw"))
                .isEqualTo(new MountTable.Mount("/mnt1", "/mnt 2\\", "ext3", "/dev/ro ot"));
    }

    @Test
    void readsProcessesWithStrangeNames() {
        String numbers = "1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ";

        assertThat(ProcessTable.parse("42 (a) Z b) Z " + numbers + "777 0 0\n"))
                .contains(new ProcessTable.Entry(42, 1, 777, true, "a) Z b"));
    }

    private LeakCheck check() {
        return LeakCheck.options().roots(root.path()).onlyMentioning(name).before();
    }

    private void run(String... command) {
        CommandRun.of(command).run(deadline).expectSuccess();
    }

    /** Starts a process that is nobody's descendant; it is killed after the test. */
    private long orphan(String script) {
        String text =
                CommandRun.of(
                                "setsid",
                                "--fork",
                                "sh",
                                "-c",
                                "echo $$; exec >/dev/null 2>&1 </dev/null; " + script)
                        .run(deadline)
                        .expectSuccess()
                        .out();
        long pid = Long.parseLong(text.strip());
        undo.onClose(() -> kill(pid));
        awaitCommand(pid, "sleep");
        return pid;
    }

    private void awaitCommand(long pid, String name) {
        Await.until(
                name,
                deadline,
                () ->
                        ProcessTable.read().entries().stream()
                                .anyMatch(
                                        entry -> entry.pid() == pid && entry.name().equals(name)));
    }

    private void awaitZombieOf(long parent) {
        Await.until(
                "a zombie",
                deadline,
                () ->
                        ProcessTable.read().entries().stream()
                                .anyMatch(entry -> entry.parent() == parent && entry.isZombie()));
    }

    private void awaitEnd(long pid) {
        Await.until(
                "the end of a process",
                deadline,
                () ->
                        ProcessTable.read().entries().stream()
                                .noneMatch(entry -> entry.pid() == pid && !entry.isZombie()));
    }

    private static void kill(long pid) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void unmountIfMounted(Path point) {
        while (!MountTable.pointsBeneath(point).isEmpty()) {
            run("umount", point.toString());
        }
    }

    /** {@return a hierarchy in which folders can be made: of version 2, else any of version 1} */
    private static Path cgroupHierarchy() {
        List<MountTable.Mount> mounts = MountTable.read();
        return mounts.stream()
                .filter(mount -> mount.fileSystem().equals("cgroup2"))
                .findFirst()
                .or(() ->
                        mounts.stream()
                                .filter(mount -> mount.fileSystem().equals("cgroup"))
                                .findFirst())
                .map(mount -> Path.of(mount.point()))
                .orElseThrow();
    }
}
