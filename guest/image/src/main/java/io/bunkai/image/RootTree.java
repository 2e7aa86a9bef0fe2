// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;

/**
 * The guest's root file system as a tree in a folder. Its layout is the merged one: {@code /bin},
 * {@code /sbin} and {@code /lib} are links into {@code /usr}.
 */
final class RootTree {
    static final String HOME = "usr/lib/bunkai";
    static final String JRE = HOME + "/jre";
    static final String AGENT = HOME + "/agent";
    static final String AOT_CACHE = HOME + "/agent.aot";

    /** The commands that /sbin/init, the AOT training and a person on the console have. */
    private static final List<String> APPLETS =
            List.of(
                    ("[ arp awk base64 basename blockdev cat chgrp chmod chown chroot chvt clear"
                         + " cmp cp cut date dd df diff dirname dmesg du echo env expr false find"
                         + " free fsfreeze getopt grep gunzip gzip halt head hexdump hostname id"
                         + " ifconfig insmod ip kill killall less ln losetup ls lsmod md5sum mkdir"
                         + " mkfifo mknod mktemp modprobe more mount mv nc netstat nproc nsenter od"
                         + " pidof ping ping6 poweroff printf ps pwd readlink realpath reboot reset"
                         + " rm rmdir rmmod route sed seq setsid sh sha256sum sleep sort stat"
                         + " strings stty sync sysctl tail tar tee test time timeout top touch tr"
                         + " traceroute true tty udhcpc umount uname uniq unshare uptime usleep vi"
                         + " watch wc wget which xargs xxd yes zcat")
                            .split(" "));

    /** Where the kernel and /sbin/init mount something, and folders that programs expect. */
    private static final List<String> FOLDERS =
            List.of(
                    "dev",
                    "etc",
                    "mnt",
                    "proc",
                    "root",
                    "run",
                    "sys",
                    "tmp",
                    "usr/bin",
                    "usr/lib",
                    "usr/lib64",
                    "usr/sbin",
                    "var/lib",
                    HOME,
                    AGENT);

    private final Path root;

    private RootTree(Path root) {
        this.root = root;
    }

    /** Makes the folders, the links and the files of our own. */
    static RootTree create(Path root) throws IOException {
        RootTree tree = new RootTree(root);
        for (String folder : FOLDERS) {
            Files.createDirectories(root.resolve(folder));
        }
        tree.link("bin", "usr/bin");
        tree.link("sbin", "usr/sbin");
        tree.link("lib", "usr/lib");
        tree.link("lib64", "usr/lib64");
        tree.link("var/run", "../run");
        tree.link("var/tmp", "../tmp");
        tree.link("etc/resolv.conf", "../run/resolv.conf");
        tree.link("etc/mtab", "../proc/self/mounts");
        for (String file : List.of("passwd", "group", "hosts", "hostname", "fstab")) {
            tree.resource("rootfs/etc/" + file, "etc/" + file, 0644);
        }
        tree.resource("rootfs/sbin/init", "usr/sbin/init", 0755);
        for (String file : List.of("jvm.options", "jvm-tcg.options", "jvm-kvm.options")) {
            tree.resource("rootfs/" + file, HOME + "/" + file, 0644);
        }
        return tree;
    }

    /** {@return the folder that is going to be the root} */
    Path root() {
        return root;
    }

    /** {@return a place in the tree; nothing is made} */
    Path resolve(String path) {
        return root.resolve(path);
    }

    /** Installs busybox under all the names it answers to here. */
    void addBusybox(Path busybox) throws IOException {
        copy(busybox, "usr/bin/busybox", 0755);
        for (String applet : APPLETS) {
            link("usr/bin/" + applet, "busybox");
        }
        // The kernel starts this one by its full name.
        link("usr/sbin/modprobe", "../bin/busybox");
    }

    /**
     * Installs libraries where the loader looks for them.
     *
     * @param libraries name to file, as {@link LibraryClosure} found them
     * @param loader the full path that programs name as their loader
     * @param packages the tree the libraries come from
     */
    void addLibraries(Map<String, Path> libraries, String loader, Path packages)
            throws IOException {
        for (Map.Entry<String, Path> library : libraries.entrySet()) {
            String folder = packages.relativize(library.getValue().getParent()).toString();
            String merged = folder.startsWith("usr/") ? folder : "usr/" + folder;
            copy(library.getValue(), merged + "/" + library.getKey(), 0755);
            if (loader.endsWith("/" + library.getKey())) {
                Path named = PackageTree.resolve(root, loader);
                Path actual = root.resolve(merged).resolve(library.getKey());
                if (!named.equals(actual)) {
                    Files.createSymbolicLink(named, parent(named).relativize(actual));
                }
            }
        }
    }

    /** Copies a file into the tree. */
    void copy(Path source, String path, int permissions) throws IOException {
        Path target = root.resolve(path);
        Files.createDirectories(parent(target));
        Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
        setPermissions(target, permissions);
    }

    /** Writes a text to a file in the tree. */
    void write(String path, String content) throws IOException {
        Path target = root.resolve(path);
        Files.createDirectories(parent(target));
        Files.writeString(target, content);
        setPermissions(target, 0644);
    }

    /** Sets the permissions of a file in the tree. */
    void setPermissions(String path, int permissions) throws IOException {
        setPermissions(root.resolve(path), permissions);
    }

    private void resource(String name, String path, int permissions) throws IOException {
        Path target = root.resolve(path);
        Files.write(target, Resources.read(name));
        setPermissions(target, permissions);
    }

    private void link(String path, String target) throws IOException {
        Path link = root.resolve(path);
        if (!Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
            Files.createSymbolicLink(link, Path.of(target));
        }
    }

    private static void setPermissions(Path file, int permissions) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int bit = 8; bit >= 0; bit--) {
            text.append((permissions >> bit & 1) == 1 ? "rwxrwxrwx".charAt(8 - bit) : '-');
        }
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(text.toString()));
    }

    private static Path parent(Path path) {
        Path parent = path.getParent();
        if (parent == null) {
            throw Fault.internal("%s has no parent", path);
        }
        return parent;
    }
}
