// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A machine of plain QEMU with a shared directory: the kernel and the modules of this tree's guest,
 * busybox, and a script that lies in the directory. No agent, no daemon.
 */
final class PlainGuest implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private static final String INIT =
            """
            #!/bin/busybox sh
            /bin/busybox mount -a -T /mounts
            /bin/busybox --install -s /bin
            export PATH=/bin
            while read -r module; do insmod "/modules/$module"; done </modules/order
            insmod /modules/fuse.ko
            insmod /modules/virtiofs.ko
            mkdir -p /mnt
            mount -t virtiofs share /mnt && echo BEGIN
            sh /mnt/.run/script 2>&1
            echo "END $?"
            umount /mnt && echo UNMOUNTED
            poweroff -f
            """;

    private final Path work;
    private final Process server;
    private final Process machine;

    private PlainGuest(Path work, Process server, Process machine) {
        this.work = work;
        this.server = server;
        this.machine = machine;
    }

    /**
     * Boots.
     *
     * @param work a folder of the test's own
     * @param script for busybox's shell, run with the directory at /mnt
     * @param options for the server, beside directory and socket
     */
    static PlainGuest boot(Path work, Path share, String script, int queues, List<String> options)
            throws IOException {
        return boot("qemu-system-x86_64", work, share, script, queues, options);
    }

    /** Boots with another QEMU. */
    static PlainGuest boot(
            String qemu, Path work, Path share, String script, int queues, List<String> options)
            throws IOException {
        Files.createDirectories(share.resolve(".run"));
        Files.writeString(share.resolve(".run/script"), script);
        Path socket = work.resolve("fs.sock");
        List<String> words = new ArrayList<>();
        words.add(SourceTree.bunkai().resolveSibling("bunkai-virtiofsd").toString());
        words.addAll(List.of("--shared-dir=" + share, "--socket-path=" + socket));
        words.addAll(options);
        Process server = start(work, "server", words);
        Await.until(
                "the server's socket",
                Deadline.after(Duration.ofSeconds(20)),
                () -> Files.exists(socket) || !server.isAlive());
        assertThat(server.isAlive()).as(log(work, "server")).isTrue();
        Process machine =
                start(
                        work,
                        "console",
                        List.of(
                                qemu,
                                "-machine",
                                "q35,accel=tcg",
                                "-cpu",
                                "max",
                                "-m",
                                "512",
                                "-smp",
                                "2",
                                "-nodefaults",
                                "-no-reboot",
                                "-display",
                                "none",
                                "-serial",
                                "stdio",
                                "-object",
                                "memory-backend-memfd,id=mem,size=512M,share=on",
                                "-numa",
                                "node,memdev=mem",
                                "-kernel",
                                guest().resolve("vmlinuz").toString(),
                                "-initrd",
                                initramfs(work).toString(),
                                "-append",
                                "console=ttyS0 quiet panic=-1",
                                "-chardev",
                                "socket,id=fs,path=" + socket,
                                "-device",
                                "vhost-user-fs-pci,chardev=fs,tag=share,queue-size=1024,"
                                        + "num-request-queues="
                                        + queues));
        return new PlainGuest(work, server, machine);
    }

    private static Process start(Path work, String name, List<String> words) throws IOException {
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve(name + ".log").toFile())
                .start();
    }

    private static String log(Path work, String name) throws IOException {
        return Files.readString(work.resolve(name + ".log"), StandardCharsets.ISO_8859_1);
    }

    private static Path guest() {
        return SourceTree.bunkai().resolveSibling("../guest").normalize();
    }

    /** The guest's own initramfs, and behind it what makes it another one. */
    private static Path initramfs(Path work) throws IOException {
        Path root = work.resolve("rootfs");
        CommandRun.of("fsck.erofs", "--extract=" + root, guest().resolve("rootfs.erofs").toString())
                .run(Deadline.after(PATIENCE));
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(Files.readAllBytes(guest().resolve("initrd.img")));
        entry(all, "init", 0100755, INIT.getBytes(StandardCharsets.UTF_8));
        try (Stream<Path> files = Files.walk(root.resolve("usr/lib/modules"))) {
            for (Path file : files.toList()) {
                String name = String.valueOf(file.getFileName());
                if (name.equals("fuse.ko") || name.equals("virtiofs.ko")) {
                    entry(all, "modules/" + name, 0100644, Files.readAllBytes(file));
                }
            }
        }
        entry(all, "TRAILER!!!", 0, new byte[0]);
        Path file = work.resolve("initramfs.img");
        Files.write(file, all.toByteArray());
        return file;
    }

    /** As Documentation/driver-api/early-userspace/buffer-format.rst of Linux has it. */
    private static void entry(ByteArrayOutputStream all, String name, int mode, byte[] content) {
        pad(all);
        all.writeBytes(
                String.format(
                                "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                                0,
                                mode,
                                0,
                                0,
                                1,
                                0,
                                content.length,
                                0,
                                0,
                                0,
                                0,
                                name.length() + 1,
                                0)
                        .getBytes(StandardCharsets.US_ASCII));
        all.writeBytes((name + "\0").getBytes(StandardCharsets.US_ASCII));
        pad(all);
        all.writeBytes(content);
        pad(all);
    }

    private static void pad(ByteArrayOutputStream all) {
        while (all.size() % 4 != 0) {
            all.write(0);
        }
    }

    /** Waits until the console has shown this. */
    void awaitConsole(String text) {
        Await.until(
                "'" + text + "' on the console",
                Deadline.after(PATIENCE),
                () -> {
                    try {
                        return !machine.isAlive() || console().contains(text);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    private String console() throws IOException {
        return log(work, "console").replace("\r", "");
    }

    /**
     * {@return what the script has printed} Waits until the machine is off, and until the server
     * has ended by itself, as it does then.
     */
    List<String> output() throws IOException, InterruptedException {
        assertThat(machine.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as(console()).isTrue();
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).as("the server's end").isTrue();
        assertThat(server.exitValue()).as(log(work, "server")).isZero();
        assertThat(log(work, "server")).isEmpty();
        List<String> lines = console().lines().toList();
        int begin = lines.indexOf("BEGIN");
        int end = lines.indexOf("END 0");
        assertThat(begin).as(console()).isNotNegative();
        assertThat(end).as(console()).isGreaterThan(begin);
        assertThat(lines).contains("UNMOUNTED");
        return lines.subList(begin + 1, end);
    }

    @Override
    public void close() {
        machine.destroyForcibly().onExit().join();
        server.destroyForcibly().onExit().join();
    }
}
