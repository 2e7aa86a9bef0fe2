// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.fuse.FuseServer;
import io.bunkai.linux.Fd;
import io.bunkai.virtio.VhostUserSession;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The program as the build lays it out: the launcher, the virtual machine's options, and modules in
 * jars, so that a class that is loaded late comes from a file that is open.
 */
final class LaidOutProgram {
    private static final Path LAUNCHER = Path.of("src/main/sh/bunkai-virtiofsd");
    private static final Path SETUP = Path.of("../../build-support/setup.sh");
    private static final Pattern OPTIONS =
            Pattern.compile("^VIRTIOFSD_OPTIONS='([^']+)'", Pattern.MULTILINE);
    private static final String EXECUTABLE = "rwxr-xr-x";

    private LaidOutProgram() {}

    /** {@return the launcher of the program} It and all it needs are put into this folder. */
    static Path make(Path folder) throws IOException, URISyntaxException {
        return make(folder, VirtiofsdMain.class);
    }

    /**
     * {@return the launcher of a program that a test puts in the place of the server's, in the same
     * module}
     *
     * @param more classes of the test that the program needs
     */
    static Path make(Path folder, Class<?> main, Class<?>... more)
            throws IOException, URISyntaxException {
        Path modules = Files.createDirectories(folder.resolve("lib"));
        for (Class<?> type :
                List.of(
                        VirtiofsdMain.class,
                        FuseServer.class,
                        VhostUserSession.class,
                        Fd.class,
                        Closer.class)) {
            pack(place(type), modules.resolve(type.getPackageName() + ".jar"), _ -> true);
        }
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(options());
        words.addAll(List.of("-p", modules.toString()));
        if (main != VirtiofsdMain.class) {
            Path besides = folder.resolve("besides.jar");
            List<String> names = new ArrayList<>(List.of(main.getSimpleName()));
            Stream.of(more).map(Class::getSimpleName).forEach(names::add);
            pack(place(main), besides, file -> isOf(names, file));
            words.add("--patch-module=io.bunkai.virtiofs=" + besides);
        }
        words.addAll(List.of("-m", "io.bunkai.virtiofs/" + main.getName()));
        script(
                folder.resolve("libexec/bunkai-virtiofsd"),
                "#!/bin/sh\nexec " + String.join(" ", words) + " \"$@\"\n");
        Path launcher = folder.resolve("bin/bunkai-virtiofsd");
        script(launcher, Files.readString(LAUNCHER));
        return launcher;
    }

    private static List<String> options() throws IOException {
        Matcher found = OPTIONS.matcher(Files.readString(SETUP));
        if (!found.find()) {
            throw new AssertionError(SETUP + " has no options for the program");
        }
        return List.of(found.group(1).strip().split("\\s+"));
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private static boolean isOf(List<String> names, Path file) {
        String name = file.getFileName().toString();
        return names.stream()
                .anyMatch(type -> name.equals(type + ".class") || name.startsWith(type + "$"));
    }

    private interface Choice {
        boolean takes(Path file);
    }

    private static void pack(Path classes, Path jar, Choice choice) throws IOException {
        if (Files.isRegularFile(classes)) { // packaged already
            Files.copy(classes, jar);
            return;
        }
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (choice.takes(file)) {
                    out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                    Files.copy(file, out);
                    out.closeEntry();
                }
            }
        }
    }

    private static void script(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(EXECUTABLE));
    }
}
