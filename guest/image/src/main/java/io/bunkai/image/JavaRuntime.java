// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.lang.module.ResolvedModule;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Makes the smallest Java runtime that can run the agent, out of a JDK. */
final class JavaRuntime {
    static final String AGENT_MODULE = "io.bunkai.agent";

    private final CommandRunner commands;
    private final Path jdk;

    /** Uses the JDK in the folder {@code jdk}. */
    JavaRuntime(CommandRunner commands, Path jdk) {
        this.commands = commands;
        this.jdk = jdk;
    }

    /**
     * {@return the JDK's own version, as its {@code release} file has it}
     *
     * @throws Fault NOT_FOUND if the folder holds no JDK of our own version
     */
    String version() throws IOException {
        Path release = jdk.resolve("release");
        if (!Files.isExecutable(jdk.resolve("bin/jlink")) || !Files.exists(release)) {
            throw Fault.notFound("%s holds no JDK", jdk)
                    .withHint(
                            "name the folder of a JDK %s with --jdk", Runtime.version().feature());
        }
        String version = "";
        for (String line : Files.readAllLines(release)) {
            if (line.startsWith("JAVA_RUNTIME_VERSION=")) {
                version = line.substring(line.indexOf('=') + 1).replace("\"", "");
            }
        }
        if (version.isEmpty()
                || Runtime.Version.parse(version).feature() != Runtime.version().feature()) {
            throw Fault.notFound("the JDK in %s is version %s", jdk, version)
                    .withHint(
                            "name the folder of a JDK %s with --jdk", Runtime.version().feature());
        }
        return version;
    }

    /**
     * {@return the modules of the JDK that the agent needs}
     *
     * @param agentJars the folder with the agent's jars
     * @throws Fault NOT_FOUND if the agent's module or one it needs is missing
     */
    Set<String> modulesFor(Path agentJars) throws IOException, InterruptedException {
        ModuleFinder agent = ModuleFinder.of(agentJars);
        Configuration resolved;
        try {
            resolved =
                    Configuration.empty()
                            .resolve(agent, ModuleFinder.ofSystem(), Set.of(AGENT_MODULE));
        } catch (FindException | ResolutionException e) {
            throw Fault.notFound("the jars in %s do not make a complete agent", agentJars)
                    .causedBy(e)
                    .withHint("build it: ./mvnw -pl guest/agent -am package");
        }
        Set<String> system = new TreeSet<>();
        List<Path> undescribed = new ArrayList<>();
        for (ResolvedModule module : resolved.modules()) {
            ModuleReference reference = module.reference();
            Optional<Path> jar =
                    reference
                            .location()
                            .filter(uri -> uri.getScheme().equals("file"))
                            .map(Path::of);
            if (jar.isEmpty()) {
                system.add(module.name());
            } else if (reference.descriptor().isAutomatic()) {
                undescribed.add(jar.get());
            }
        }
        for (Path jar : undescribed) {
            system.addAll(analyse(jar));
        }
        return system;
    }

    /** {@return the version that the agent's jar states, or an empty text} */
    static String agentVersion(Path agentJars) {
        return ModuleFinder.of(agentJars)
                .find(AGENT_MODULE)
                .map(ModuleReference::descriptor)
                .flatMap(ModuleDescriptor::rawVersion)
                .orElse("");
    }

    /**
     * {@return the version of the protocol that the agent in these jars speaks}
     *
     * @throws Fault NOT_FOUND if the jars do not say so
     */
    static String agentProtocol(List<Path> jars) throws IOException {
        URL[] places = new URL[jars.size()];
        for (int i = 0; i < places.length; i++) {
            places[i] = jars.get(i).toUri().toURL();
        }
        try (URLClassLoader loader =
                new URLClassLoader(places, ClassLoader.getPlatformClassLoader())) {
            Object version =
                    loader.loadClass("io.bunkai.api.ProtocolVersion").getField("AGENT").get(null);
            return String.valueOf(version);
        } catch (ReflectiveOperationException e) {
            throw Fault.notFound("the agent's jars do not say which protocol it speaks")
                    .causedBy(e)
                    .withHint("build it: ./mvnw -pl guest/agent -am package");
        }
    }

    /**
     * Writes a runtime image of these modules to {@code target}, which must not exist.
     *
     * @return the native files of the runtime: programs and libraries
     */
    List<Path> link(Set<String> modules, Path target) throws IOException, InterruptedException {
        Path invokers = Files.createTempFile("bunkai-", ".invokers");
        try {
            Files.write(invokers, Resources.read("invokers"));
            link(modules, invokers, target);
        } finally {
            Files.delete(invokers);
        }
        Trees.delete(target.resolve("legal"));
        // Only needed to dump an archive of classes, and the agent has a better one.
        Files.deleteIfExists(target.resolve("lib/classlist"));
        List<Path> natives = new ArrayList<>();
        try (Stream<Path> all = Files.walk(target)) {
            for (Path file : (Iterable<Path>) all.sorted()::iterator) {
                if (Files.isRegularFile(file) && ElfFile.isElf(file)) {
                    if (file.startsWith(target.resolve("bin")) && !file.endsWith("java")) {
                        Files.delete(file);
                    } else {
                        natives.add(file);
                    }
                }
            }
        }
        List<String> strip = new ArrayList<>(List.of("strip", "--strip-unneeded", "--"));
        natives.forEach(file -> strip.add(file.toString()));
        commands.check(Path.of("/"), strip);
        return natives;
    }

    private void link(Set<String> modules, Path invokers, Path target)
            throws IOException, InterruptedException {
        commands.check(
                Path.of("/"),
                List.of(
                        jdk.resolve("bin/jlink").toString(),
                        "--add-modules",
                        String.join(",", modules),
                        // Costs nothing: the classes that the agent needs are in the AOT cache.
                        "--compress",
                        "zip-6",
                        // What links native functions is made here, not at each start.
                        "--generate-jli-classes=@" + invokers,
                        "--strip-debug",
                        "--no-header-files",
                        "--no-man-pages",
                        "--output",
                        target.toString()));
    }

    /** A jar that does not say what it needs is asked by looking at its classes. */
    private Set<String> analyse(Path jar) throws IOException, InterruptedException {
        String output =
                commands.check(
                        Path.of("/"),
                        List.of(
                                jdk.resolve("bin/jdeps").toString(),
                                "--ignore-missing-deps",
                                "--multi-release",
                                String.valueOf(Runtime.version().feature()),
                                "--print-module-deps",
                                jar.toString()));
        Set<String> modules = new TreeSet<>();
        for (String name : output.strip().split(",", -1)) {
            if (!name.isBlank()) {
                modules.add(name.strip());
            }
        }
        return modules;
    }
}
