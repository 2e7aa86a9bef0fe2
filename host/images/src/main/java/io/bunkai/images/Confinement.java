// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.airlift.compress.v3.zstd.ZstdJavaInputStream;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The command line of a child that makes a disk: a Java runtime with this module, which has nothing
 * but what its {@link Program} names.
 *
 * <p>Its file system is a small read-only one in a mount namespace of its own: the system's
 * programs and libraries, the Java runtime and the few classes it needs; no /proc, /dev, /sys,
 * /etc, no file of the user's or the daemon's. It has no network, no capabilities beyond those of
 * its program and cannot get any, is nobody, and may use only so much processor time, so long
 * files, so many descriptors and threads. All of it ends with the process. Being root of the host
 * is needed to arrange this; there is no way to make disks without.
 *
 * @param javaHome the Java runtime that the child uses
 * @param classPath jars and directories with the child's classes; empty if they are part of the
 *     runtime
 */
record Confinement(Program program, Path javaHome, List<Path> classPath) {
    /**
     * What runs in a child, and what of root's powers it keeps.
     *
     * @param others one class out of each of the other places that its classes come from
     * @param capabilities as setpriv names them
     * @param readsDirectories whether it reads the files of directories that it is given
     */
    record Program(
            Class<?> main,
            List<Class<?>> others,
            List<String> capabilities,
            boolean readsDirectories) {
        /** Reads layers from its standard input. */
        static final Program UNPACKER =
                new Program(
                        LayerUnpacker.class,
                        List.of(Fault.class, ZstdJavaInputStream.class),
                        List.of(),
                        false);

        /**
         * Reads directories, all of whose files it must be able to read whoever owns them. For
         * attributes in "trusted.", among them an overlay's markers, the kernel asks for
         * CAP_SYS_ADMIN and no less; the program gives up what else that allows before it reads.
         */
        static final Program PACKER =
                new Program(
                        DirectoryPacker.class,
                        List.of(Fault.class, Fd.class),
                        List.of("dac_read_search", "sys_admin"),
                        true);

        Program {
            others = List.copyOf(others);
            capabilities = List.copyOf(capabilities);
        }

        /** {@return "-all" and what is kept, as setpriv wants it} */
        private String capabilitySet() {
            StringBuilder set = new StringBuilder("-all");
            capabilities.forEach(capability -> set.append(",+").append(capability));
            return set.toString();
        }
    }

    /** Where the child sees the directories that it was given, each under its number from 0. */
    static final String DIRECTORIES = "/layers";

    private static final int NOBODY = 65_534;
    private static final int DESCRIPTORS = 64;
    private static final int TASKS = 1024;

    /**
     * Builds the file system, enters it and becomes the child. Arguments: the mount point (an
     * existing directory), the Java runtime, the number of class path elements, these, the number
     * of directories, these, and the command.
     */
    private static final String SCRIPT =
            """
            set -eu
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin
            root=$1 java=$2 count=$3
            shift 3
            mount -t tmpfs -o mode=755,nosuid,nodev,size=256m tmpfs "$root"
            for dir in usr lib lib32 lib64 bin sbin; do
                if [ -L "/$dir" ]; then
                    cp -P "/$dir" "$root/$dir"
                elif [ -d "/$dir" ]; then
                    mkdir "$root/$dir"
                    mount --bind "/$dir" "$root/$dir"
                    mount -o remount,bind,ro,nosuid,nodev "$root/$dir"
                fi
            done
            mkdir "$root/java" "$root/classes" "$root/etc"
            mount --bind "$java" "$root/java"
            mount -o remount,bind,ro,nosuid,nodev "$root/java"
            for dir in /etc/java*; do
                if [ -d "$dir" ]; then
                    cp -rL "$dir" "$root/etc/" 2>/dev/null || true
                fi
            done
            number=0
            while [ "$number" -lt "$count" ]; do
                cp -rL "$1" "$root/classes/$number"
                shift
                number=$((number + 1))
            done
            chmod -R a+rX "$root/classes" "$root/etc"
            mkdir "$root/layers"
            number=0 count=$1
            shift
            while [ "$number" -lt "$count" ]; do
                mkdir "$root/layers/$number"
                mount -o bind,ro,nosuid,nodev,noexec,nosymfollow "$1" "$root/layers/$number"
                shift
                number=$((number + 1))
            done
            mount -o remount,ro,nosuid,nodev "$root"
            cd "$root"
            exec "$@"
            """;

    Confinement {
        classPath = List.copyOf(classPath);
    }

    /** {@return a child that runs the classes of this process on its Java runtime} */
    static Confinement of(Program program) {
        List<Class<?>> loaded = new ArrayList<>(program.others);
        loaded.addFirst(program.main);
        List<Path> classPath = new ArrayList<>();
        for (Class<?> type : loaded) {
            Path place = placeOf(type);
            if (place != null) {
                classPath.add(place);
            }
        }
        return new Confinement(program, Path.of(System.getProperty("java.home")), classPath);
    }

    /** {@return the jar or directory of a class; null if it is part of the Java runtime} */
    private static @Nullable Path placeOf(Class<?> type) {
        CodeSource source = type.getProtectionDomain().getCodeSource();
        URL location = source == null ? null : source.getLocation();
        if (location == null || location.getProtocol().equals("jrt")) {
            return null;
        }
        try {
            return Path.of(location.toURI());
        } catch (URISyntaxException e) {
            throw Fault.internal("the place of %s is not known", type.getName()).causedBy(e);
        }
    }

    /**
     * {@return the command that starts the child}
     *
     * @param mountPoint an empty directory that exists as long as the child runs
     * @param directories absolute paths of what the child is to see, without what is mounted there
     */
    List<String> command(Path mountPoint, UnpackLimits limits, List<Path> directories) {
        String root = mountPoint.toString();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "/usr/bin/unshare",
                                "--mount",
                                "--net",
                                "--ipc",
                                "--uts",
                                "--propagation",
                                "private",
                                "--",
                                "/bin/sh",
                                "-c",
                                SCRIPT,
                                "sh",
                                root,
                                javaHome.toString(),
                                Integer.toString(classPath.size())));
        classPath.forEach(element -> command.add(element.toString()));
        command.add(Integer.toString(directories.size()));
        directories.forEach(directory -> command.add(directory.toString()));
        command.addAll(
                List.of(
                        "/usr/bin/prlimit",
                        "--fsize=" + mostDiskBytes(limits),
                        "--cpu=%d:%d"
                                .formatted(
                                        limits.processorSeconds(), limits.processorSeconds() + 5),
                        "--nofile=" + descriptors(limits),
                        "--nproc=" + TASKS,
                        "--core=0",
                        "--",
                        "/usr/sbin/chroot",
                        root,
                        "/usr/bin/setpriv",
                        "--reuid=" + NOBODY,
                        "--regid=" + NOBODY,
                        "--clear-groups",
                        "--no-new-privs",
                        "--bounding-set=" + program.capabilitySet(),
                        "--inh-caps=" + program.capabilitySet(),
                        "--ambient-caps=" + program.capabilitySet(),
                        "--",
                        // The launcher finds its library through /proc, or else through this.
                        "/usr/bin/env",
                        "-i",
                        "LD_LIBRARY_PATH=/java/lib",
                        "/java/bin/java"));
        command.addAll(javaArguments(limits.heap()));
        return command;
    }

    private List<String> javaArguments(ByteSize heap) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "-Xmx" + heap.bytes(),
                                "-XX:+UseSerialGC",
                                "-XX:-UsePerfData",
                                "-XX:+DisableAttachMechanism",
                                // Standard output is the disk: nothing else may ever write there.
                                "-Xlog:disable",
                                "-XX:+DisplayVMOutputToStderr",
                                "-XX:+ErrorFileToStderr",
                                "--sun-misc-unsafe-memory-access=allow"));
        arguments.addAll(optionsOfProgram());
        if (classPath.isEmpty()) {
            arguments.add("-m");
            arguments.add(moduleOf(program.main) + "/" + program.main.getName());
        } else {
            List<String> elements = new ArrayList<>();
            for (int i = 0; i < classPath.size(); i++) {
                elements.add("/classes/" + i);
            }
            arguments.add("-cp");
            arguments.add(String.join(":", elements));
            arguments.add(program.main.getName());
        }
        return arguments;
    }

    private List<String> optionsOfProgram() {
        return program.readsDirectories
                ? List.of(
                        "--enable-native-access="
                                + (classPath.isEmpty() ? moduleOf(Fd.class) : "ALL-UNNAMED"),
                        // It ends before better code would pay.
                        "-XX:TieredStopAtLevel=1")
                : List.of();
    }

    private static String moduleOf(Class<?> type) {
        return Objects.requireNonNull(type.getModule().getName());
    }

    /** A directory is open while those in it are read. */
    private int descriptors(UnpackLimits limits) {
        return program.readsDirectories ? DESCRIPTORS + limits.depth() : DESCRIPTORS;
    }

    /** All contents once, a block too much for each file, and its metadata. */
    private static long mostDiskBytes(UnpackLimits limits) {
        long perEntry = 2L * ErofsFormat.BLOCK + limits.xattrBytes();
        return limits.unpacked().bytes() + limits.entries() * perEntry;
    }
}
