// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Spawn;
import io.bunkai.oci.Descriptor;
import io.bunkai.oci.Digest;
import io.bunkai.oci.ImageConfig;
import io.bunkai.oci.ImageIndex;
import io.bunkai.oci.ImageManifest;
import io.bunkai.oci.MediaType;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.Platform;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Makes the image that comes with the program: one static busybox, a name for each of its applets,
 * and the few files that programs expect. The same busybox gives the same bytes.
 */
public final class BusyboxImage {
    private static final String HINT = "install it: apt-get install busybox-static";
    private static final Pattern APPLET = Pattern.compile("[a-zA-Z0-9._+\\[\\]/-]+");
    private static final int MAX_LIST_BYTES = 256 * 1024;
    private static final String DAEMON_SHELL = "/bin/false";

    private static final String PASSWD =
            """
            root:x:0:0:root:/root:/bin/sh
            daemon:x:1:1:daemon:/usr/sbin:%1$s
            bin:x:2:2:bin:/bin:%1$s
            sys:x:3:3:sys:/dev:%1$s
            www-data:x:33:33:www-data:/var/www:%1$s
            nobody:x:65534:65534:nobody:/home:%1$s
            """
                    .formatted(DAEMON_SHELL);

    private static final String GROUP =
            """
            root:x:0:
            daemon:x:1:
            bin:x:2:
            sys:x:3:
            tty:x:5:
            disk:x:6:
            wheel:x:10:root
            www-data:x:33:
            users:x:100:
            nogroup:x:65534:
            """;

    private BusyboxImage() {}

    /**
     * Writes the image as an OCI layout.
     *
     * @param layout a directory that does not exist or is empty
     * @param busybox a statically linked busybox
     * @throws Fault FAILED_PRECONDITION if there is no busybox, or one that needs libraries
     */
    public static void write(Path layout, Path busybox) {
        byte[] program = read(busybox);
        byte[] layer = layer(program, applets(busybox));
        byte[] config =
                OciJson.write(
                        ImageConfig.of(
                                Platform.ofThisMachine(),
                                ImageConfig.Execution.of(
                                        List.of("sh"),
                                        List.of(
                                                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
                                List.of(Digest.of(layer))));
        byte[] manifest =
                OciJson.write(
                        ImageManifest.of(
                                Descriptor.of(MediaType.OCI_CONFIG, config),
                                List.of(Descriptor.of(MediaType.OCI_LAYER, layer))));
        byte[] index =
                OciJson.write(
                        ImageIndex.of(
                                List.of(
                                        Descriptor.of(MediaType.OCI_MANIFEST, manifest)
                                                .forPlatform(Platform.ofThisMachine())
                                                .withAnnotations(
                                                        Map.of(Descriptor.REF_NAME, "latest")))));
        try {
            Path blobs = Files.createDirectories(layout.resolve("blobs").resolve("sha256"));
            for (byte[] blob : List.of(layer, config, manifest)) {
                Files.write(blobs.resolve(Digest.of(blob).hex()), blob);
            }
            Files.write(layout.resolve("index.json"), index);
            Files.write(
                    layout.resolve("oci-layout"),
                    "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(UTF_8));
        } catch (IOException e) {
            throw KeptDisks.failure("the busybox image cannot be written to " + layout, e);
        }
    }

    /** {@return the digest of the program, which with this class decides the image} */
    static Digest digestOf(Path busybox) {
        return Digest.of(read(busybox));
    }

    private static byte[] read(Path busybox) {
        try {
            byte[] program = Files.readAllBytes(busybox);
            if (!isStatic(program)) {
                throw Fault.failedPrecondition("%s is not statically linked", busybox)
                        .withHint(HINT);
            }
            return program;
        } catch (IOException e) {
            throw Fault.failedPrecondition("there is no busybox at %s", busybox)
                    .withHint(HINT)
                    .causedBy(e);
        }
    }

    /** A program that needs a loader names it in a segment of the type PT_INTERP. */
    private static boolean isStatic(byte[] elf) {
        boolean is64Bit = elf.length > 64 && elf[0] == 0x7f && elf[1] == 'E' && elf[4] == 2;
        if (!is64Bit) {
            return false;
        }
        ByteBuffer fields = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
        long table = fields.getLong(32);
        int entry = Short.toUnsignedInt(fields.getShort(54));
        int count = Short.toUnsignedInt(fields.getShort(56));
        if (table < 0 || table + (long) entry * count > elf.length) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            if (fields.getInt((int) table + i * entry) == 3) {
                return false;
            }
        }
        return true;
    }

    /** {@return paths such as {@code bin/ls}, sorted} */
    private static Set<String> applets(Path busybox) {
        try (Closer open = new Closer()) {
            Pipe output = open.own(Pipe.create());
            LinuxProcess process =
                    open.own(
                            Spawn.of(busybox.toString(), "--list-full")
                                    .stdout(output.write())
                                    .start());
            output.write().close();
            String list = new String(output.read().input().readNBytes(MAX_LIST_BYTES), UTF_8);
            output.read().close();
            ExitStatus status = process.await();
            Set<String> applets = new TreeSet<>();
            list.lines().filter(APPLET.asMatchPredicate()).forEach(applets::add);
            applets.remove("linuxrc"); // the init of an initial RAM disk
            applets.remove("bin/busybox");
            if (status.shellCode() != 0 || applets.isEmpty()) {
                throw Fault.failedPrecondition(
                                "%s does not list its applets: it %s", busybox, status)
                        .withHint(HINT);
            }
            return applets;
        } catch (IOException e) {
            throw Fault.failedPrecondition("%s cannot be run", busybox).withHint(HINT).causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.unavailable("making the busybox image was interrupted").causedBy(e);
        }
    }

    private static byte[] layer(byte[] program, Set<String> applets) {
        TarWriter tar = new TarWriter();
        Set<String> directories =
                new LinkedHashSet<>(
                        List.of(
                                "bin",
                                "dev",
                                "etc",
                                "home",
                                "lib",
                                "mnt",
                                "opt",
                                "proc",
                                "run",
                                "sbin",
                                "sys",
                                "usr",
                                "usr/bin",
                                "usr/lib",
                                "usr/sbin",
                                "usr/local",
                                "usr/local/bin",
                                "usr/local/sbin",
                                "var",
                                "var/log",
                                "var/spool",
                                "var/www"));
        for (String applet : applets) {
            for (int at = applet.indexOf('/'); at > 0; at = applet.indexOf('/', at + 1)) {
                directories.add(applet.substring(0, at));
            }
        }
        directories.forEach(name -> tar.directory(name, 0755));
        tar.directory("root", 0700).directory("tmp", 01777).directory("var/tmp", 01777);
        tar.symlink("var/run", "../run");
        tar.file("etc/passwd", 0644, PASSWD.getBytes(UTF_8));
        tar.file("etc/group", 0644, GROUP.getBytes(UTF_8));
        tar.file("etc/shadow", 0600, "root:*:::::::\n".getBytes(UTF_8));
        tar.file("etc/hostname", 0644, new byte[0]);
        tar.file("etc/hosts", 0644, "127.0.0.1\tlocalhost\n::1\tlocalhost\n".getBytes(UTF_8));
        tar.file("etc/resolv.conf", 0644, new byte[0]);
        tar.file("etc/profile", 0644, "export PS1='\\w \\$ '\n".getBytes(UTF_8));
        tar.file("bin/busybox", 0755, program);
        applets.forEach(applet -> tar.hardLink(applet, "bin/busybox", 0755));
        return tar.finish();
    }
}
