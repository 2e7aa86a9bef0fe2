// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Programs that only pretend: a make that merges and writes a configuration, and makes files named
 * as a kernel's. What it was asked is kept.
 */
final class FakeTools implements ToolRunner {
    /** Every command, and the environment of every make. */
    final List<List<String>> commands = new ArrayList<>();

    final List<Map<String, String>> environments = new ArrayList<>();

    /** Options that the pretended kernel does not know. */
    final List<String> unknown = new ArrayList<>();

    /** What make says, and ends with, when it compiles. */
    List<String> compilation = List.of("  CC      init/main.o", "  LD      vmlinux");

    int compilationStatus;
    String compiler = "gcc (Fake) 1.0";
    boolean interruptsCompilation;

    @Override
    public int run(
            Path directory,
            Map<String, String> environment,
            List<String> command,
            Consumer<String> output)
            throws IOException, InterruptedException {
        commands.add(command);
        String program = command.getFirst();
        if (program.endsWith("gcc")) {
            output.accept(compiler);
        } else if (program.endsWith("ld")) {
            output.accept("ld (Fake) 2.0");
        } else if (program.endsWith("strip")) {
            Files.copy(Path.of(command.get(3)), Path.of(command.get(2)));
        } else if (program.equals("sh")) {
            merge(command);
        } else if (program.equals("nice")) {
            environments.add(environment);
            return make(environment, command, output);
        } else if (program.equals("tar")) {
            Path tree = Path.of(command.get(3).replaceFirst("^--directory=", ""));
            FakeTools.source(tree, "6", "1", "176");
        } else if (program.equals("patch")) {
            return Files.readString(Path.of(command.getLast().replaceFirst("^--input=", "")))
                            .contains("fits")
                    ? 0
                    : 1;
        } else {
            throw new IOException("there is no program " + program);
        }
        return 0;
    }

    /** As merge_config.sh -m -O DIRECTORY FILE...: the last of two wins. */
    private static void merge(List<String> command) throws IOException {
        Path build = Path.of(command.get(4));
        List<String> lines = new ArrayList<>();
        for (String file : command.subList(5, command.size())) {
            for (String line : Files.readAllLines(Path.of(file))) {
                ConfigOption.ofLine(line)
                        .ifPresent(option -> {
                            lines.removeIf(other -> other.startsWith(option.name() + "="));
                            lines.add(option.toString());
                        });
            }
        }
        Files.write(build.resolve(".config"), lines);
    }

    private int make(Map<String, String> environment, List<String> command, Consumer<String> output)
            throws IOException, InterruptedException {
        Path build = Path.of(command.get(6).replaceFirst("^O=", ""));
        if (command.contains("allnoconfig")) {
            Path from = Path.of(environment.getOrDefault("KCONFIG_ALLCONFIG", ""));
            List<String> lines = new ArrayList<>(Files.readAllLines(from));
            lines.removeIf(line -> unknown.stream().anyMatch(name -> line.startsWith(name + "=")));
            Files.write(build.resolve(".config"), lines);
        } else if (!command.contains("olddefconfig")) {
            if (interruptsCompilation) {
                throw new InterruptedException("by the test");
            }
            compilation.forEach(output);
            for (String file :
                    List.of(
                            "vmlinux",
                            "System.map",
                            "arch/x86/boot/bzImage",
                            "arch/arm64/boot/Image",
                            "arch/arm64/boot/Image.gz",
                            "include/config/kernel.release")) {
                Path path = build.resolve(file);
                Files.createDirectories(path.getParent());
                Files.writeString(path, file.endsWith("release") ? "6.1.176-bunkai\n" : file);
            }
            return compilationStatus;
        }
        return 0;
    }

    /** Makes what a kernel's source is recognised by. */
    static Path source(Path tree, String major, String minor, String patch) throws IOException {
        Files.createDirectories(tree);
        Files.writeString(tree.resolve("Kbuild"), "");
        Files.writeString(
                tree.resolve("Makefile"),
                "# SPDX\nVERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = %s\nEXTRAVERSION =\n"
                        .formatted(major, minor, patch));
        Path x86 = Files.createDirectories(tree.resolve("arch/x86"));
        Files.createDirectories(x86.resolve("kernel"));
        Files.writeString(x86.resolve("kernel/Makefile"), "");
        Files.createDirectories(x86.resolve("mm"));
        Files.writeString(x86.resolve("mm/init.c"), "free(POISON_FREE_INITMEM, what);\n");
        return tree;
    }
}
