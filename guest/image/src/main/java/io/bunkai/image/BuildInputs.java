// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Everything that decides what an image contains, as one digest. */
final class BuildInputs {
    private final List<String> lines = new ArrayList<>();
    private final SortedMap<Path, String> jars = new TreeMap<>();

    /**
     * Reads the agent's jars and our own code; asks no other program.
     *
     * @throws Fault NOT_FOUND if there are no jars
     */
    static BuildInputs of(
            Path agentJars, String javaVersion, String kernelPackage, long epochSeconds)
            throws IOException {
        BuildInputs inputs = new BuildInputs();
        inputs.lines.add("builder " + inputs.ownCode());
        inputs.lines.add("java " + javaVersion);
        inputs.lines.add("kernel " + kernelPackage);
        inputs.lines.add("time " + epochSeconds);
        for (Path jar : jarsIn(agentJars)) {
            String digest = Digests.sha256(jar);
            inputs.jars.put(jar.toAbsolutePath().normalize(), digest);
            inputs.lines.add("agent " + jar.getFileName() + " " + digest);
        }
        return inputs;
    }

    /** {@return the agent's jars in the order of their names} */
    static List<Path> jarsIn(Path agentJars) throws IOException {
        List<Path> jars = new ArrayList<>();
        if (Files.isDirectory(agentJars)) {
            try (Stream<Path> entries = Files.list(agentJars)) {
                entries.filter(entry -> entry.toString().endsWith(".jar"))
                        .sorted()
                        .forEach(jars::add);
            }
        }
        if (jars.isEmpty()) {
            throw Fault.notFound("%s holds no jars of the agent", agentJars)
                    .withHint("name the folder with the agent's jars with --agent-lib");
        }
        return jars;
    }

    /** {@return the digest for an image of these packages} */
    String digest(Map<String, String> packages) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line).append('\n'));
        new TreeMap<>(packages)
                .forEach((name, version) -> text.append("package " + name + " " + version + "\n"));
        return Digests.sha256(text.toString());
    }

    /**
     * {@return the files among the inputs in the form that {@code sha256sum --check} reads, so that
     * a script can find out that nothing changed without starting a Java runtime}
     */
    String checksums() {
        StringBuilder text = new StringBuilder();
        jars.forEach((file, digest) -> text.append(digest + "  " + file + "\n"));
        return text.toString();
    }

    private String ownCode() throws IOException {
        var source = BuildInputs.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            throw Fault.internal("our own code lies in no file");
        }
        Path code;
        try {
            code = Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            throw Fault.internal("our own code lies in no file").causedBy(e);
        }
        if (Files.isRegularFile(code)) {
            String digest = Digests.sha256(code);
            jars.put(code.toAbsolutePath().normalize(), digest);
            return digest;
        }
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.walk(code)) {
            for (Path file :
                    (Iterable<Path>) files.filter(Files::isRegularFile).sorted()::iterator) {
                text.append(code.relativize(file) + " " + Digests.sha256(file) + "\n");
            }
        }
        return Digests.sha256(text.toString());
    }
}
