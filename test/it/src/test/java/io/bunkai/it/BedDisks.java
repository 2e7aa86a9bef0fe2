// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.testkit.CommandRun;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the test bed gets of this machine, each folder as a disk that cannot be written: the JDK and
 * the programs at the paths that they have here, since the programs' launchers name the JDK and
 * their recordings name the jars; the units; the classes of the tests; an image for containers.
 */
final class BedDisks {
    private static final Path JDK = Path.of(System.getProperty("java.home"));
    private static final String UNITS = "/opt/units";

    private final Path folder;
    private final List<Path> files = new ArrayList<>();
    private final StringBuilder script = new StringBuilder();

    private BedDisks(Path folder) {
        this.folder = folder;
    }

    /** {@return the disks, made in a folder of the caller's} */
    static BedDisks make(Path folder) throws IOException {
        BedDisks disks = new BedDisks(folder);
        Path made = SourceTree.bunkai().toRealPath().getParent().getParent();
        disks.add("jdk", JDK, JDK.toString());
        // Logs, states and caches of the tree are not its programs.
        disks.add(
                "made",
                made,
                made.toString(),
                "--exclude-regex=^(log|state|kernel|guest\\.cache|\\.).*");
        disks.add("units", SourceTree.root().resolve("deploy/systemd"), UNITS);
        disks.add("classes", classes(folder), SystemdBed.CLASSES);
        disks.add("images", images(folder), SystemdBed.IMAGES);
        disks.install(made);
        return disks;
    }

    /** As an installation has it, but for the folders, which are links. */
    private void install(Path made) {
        script.append(
                """
                mkdir -p /opt/bunkai/libexec
                for folder in bin lib aot guest; do ln -s %1$s/$folder /opt/bunkai/$folder; done
                cp %2$s/bunkaid-takeover /opt/bunkai/libexec/
                cp -r %2$s/bunkaid.service %2$s/containerd.service.d /etc/systemd/system/
                systemctl daemon-reload
                """
                        .formatted(made, UNITS));
    }

    private void add(String name, Path content, String mountPoint, String... options) {
        Path file = folder.resolve(name + ".erofs");
        List<String> words = new ArrayList<>(List.of("mkfs.erofs", "--quiet", "--preserve-mtime"));
        words.addAll(List.of(options));
        words.addAll(List.of(file.toString(), content.toString()));
        CommandRun.of(words).run(TestNode.patience()).expectSuccess();
        // The first disk is the machine's own.
        char letter = (char) ('b' + files.size());
        script.append("mkdir -p ").append(mountPoint).append('\n');
        script.append("mount -t erofs -o ro /dev/vd%c %s%n".formatted(letter, mountPoint));
        files.add(file);
    }

    private static Path images(Path folder) {
        Path target = folder.resolve("images");
        Path script = SourceTree.root().resolve("test/containerd/make-images");
        CommandRun.of(script.toString(), target.toString(), "layers")
                .run(TestNode.patience())
                .expectSuccess();
        return target;
    }

    /** Folders and jars of the class path, each by a number, and a file with the path of them. */
    private static Path classes(Path folder) throws IOException {
        Path target = Files.createDirectory(folder.resolve("classes"));
        List<String> path = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (Files.exists(Path.of(entry))) {
                String name = path.size() + (entry.endsWith(".jar") ? ".jar" : "");
                CommandRun.of("cp", "-r", entry, target.resolve(name).toString())
                        .run(TestNode.patience())
                        .expectSuccess();
                path.add(SystemdBed.CLASSES + "/" + name);
            }
        }
        Files.writeString(target.resolve("path"), String.join(File.pathSeparator, path));
        return target;
    }

    /** {@return the disks in the order in which the machine is to have them} */
    List<Path> files() {
        return List.copyOf(files);
    }

    /** {@return what the machine does with them, in its shell} */
    String mountScript() {
        return script.toString();
    }
}
