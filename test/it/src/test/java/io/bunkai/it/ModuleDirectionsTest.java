// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * The map of the tree holds: a module knows only what stands above it in the parent pom, host and
 * guest meet in {@code lib} and nowhere else, and only one module calls the kernel.
 */
class ModuleDirectionsTest {
    private static final Path ROOT = SourceTree.root();
    private static final String OWN_PREFIX = "io.bunkai.";

    private static final Pattern REQUIRES =
            Pattern.compile("(?m)^\\s*requires\\s+(?:static\\s+|transitive\\s+)*([\\w.]+)\\s*;");
    private static final Pattern MODULE = Pattern.compile("(?m)^(?:open\\s+)?module\\s+([\\w.]+)");
    private static final Pattern EXPORTS = Pattern.compile("(?m)^\\s*exports\\s+([\\w.]+)");

    /** By folder, in the parent pom's order. */
    private static final Map<String, Module> MODULES = new LinkedHashMap<>();

    /**
     * @param artifact its Maven coordinate
     * @param artifacts coordinates of the modules of this tree that it depends on, in any scope
     * @param name its name to the compiler; empty if it has no module-info.java
     * @param requires modules of this tree that it reads
     */
    private record Module(
            String folder,
            String artifact,
            List<String> artifacts,
            String name,
            List<String> requires) {}

    @BeforeAll
    static void readTheTree() throws Exception {
        for (String folder : texts(pom(ROOT).getDocumentElement(), "module")) {
            MODULES.put(folder, read(folder));
        }
        assertThat(MODULES).isNotEmpty();
    }

    private static Module read(String folder) throws Exception {
        Element project = pom(ROOT.resolve(folder)).getDocumentElement();
        List<String> artifacts = new ArrayList<>();
        NodeList dependencies = project.getElementsByTagName("dependency");
        for (int i = 0; i < dependencies.getLength(); i++) {
            Element dependency = (Element) dependencies.item(i);
            if (texts(dependency, "groupId").contains("io.bunkai")) {
                artifacts.addAll(texts(dependency, "artifactId"));
            }
        }
        Path info = ROOT.resolve(folder).resolve("src/main/java/module-info.java");
        String declaration = Files.exists(info) ? Files.readString(info) : "";
        List<String> requires =
                allOf(REQUIRES, declaration).stream()
                        .filter(name -> name.startsWith(OWN_PREFIX))
                        .toList();
        return new Module(
                folder,
                ownArtifact(project),
                artifacts,
                allOf(MODULE, declaration).stream().findFirst().orElse(""),
                requires);
    }

    /** The parent has an artifactId, too, and stands one level deeper. */
    private static String ownArtifact(Element project) {
        NodeList all = project.getElementsByTagName("artifactId");
        for (int i = 0; i < all.getLength(); i++) {
            if (project.isSameNode(all.item(i).getParentNode())) {
                return all.item(i).getTextContent().strip();
            }
        }
        throw new AssertionError("a pom without an artifactId");
    }

    @Test
    void everyModuleOfTheTreeIsInTheParentPomAndViceVersa() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT, 3)) {
            List<String> found =
                    files.filter(file -> file.endsWith("pom.xml"))
                            .map(file -> ROOT.relativize(file.getParent()).toString())
                            .filter(folder -> folder.matches("(lib|host|guest|test)/[^/]+"))
                            .toList();
            assertThat(MODULES.keySet()).containsExactlyInAnyOrderElementsOf(found);
        }
    }

    @Test
    void aModuleDependsOnlyOnModulesThatStandBeforeIt() {
        List<String> artifactsSeen = new ArrayList<>();
        List<String> namesSeen = new ArrayList<>();
        for (Module module : MODULES.values()) {
            assertThat(artifactsSeen).as(module.folder()).containsAll(module.artifacts());
            assertThat(namesSeen).as(module.folder()).containsAll(module.requires());
            artifactsSeen.add(module.artifact());
            namesSeen.add(module.name());
        }
    }

    /** Maven's scopes are wider than the compiler's view, so each requirement needs both. */
    @Test
    void whatIsReadIsDeclaredInThePom() {
        Map<String, String> artifactOfName = new LinkedHashMap<>();
        MODULES.values().forEach(module -> artifactOfName.put(module.name(), module.artifact()));
        for (Module module : MODULES.values()) {
            assertThat(module.artifacts())
                    .as(module.folder())
                    .containsAll(module.requires().stream().map(artifactOfName::get).toList());
        }
    }

    @Test
    void hostAndGuestMeetInTheLibraryAndNowhereElse() {
        assertThat(crossings("host/", "guest/")).isEmpty();
        assertThat(crossings("guest/", "host/")).isEmpty();
        assertThat(crossings("lib/", "host/")).isEmpty();
        assertThat(crossings("lib/", "guest/")).isEmpty();
    }

    private static List<String> crossings(String from, String to) {
        List<String> crossings = new ArrayList<>();
        for (Module module : MODULES.values()) {
            for (Module other : MODULES.values()) {
                boolean knows =
                        module.artifacts().contains(other.artifact())
                                || module.requires().contains(other.name());
                if (module.folder().startsWith(from) && other.folder().startsWith(to) && knows) {
                    crossings.add(module.folder() + " -> " + other.folder());
                }
            }
        }
        return crossings;
    }

    @Test
    void aModuleHasOnePackageOfItsOwnName() throws IOException {
        for (Module module : MODULES.values()) {
            if (module.name().isEmpty()) {
                continue;
            }
            Path info = ROOT.resolve(module.folder()).resolve("src/main/java/module-info.java");
            List<String> exported = allOf(EXPORTS, Files.readString(info));
            assertThat(exported).as(module.folder()).contains(module.name());
            // What is generated from a protocol definition has a package per protocol.
            boolean generates =
                    Files.exists(ROOT.resolve(module.folder()).resolve("src/main/protobuf"));
            assertThat(exported.size() == 1 || generates).as(module.folder()).isTrue();
        }
    }

    @Test
    void onlyOneModuleCallsTheKernel() {
        Pattern downcall =
                Pattern.compile(
                        "java\\.lang\\.foreign\\.(Linker|SymbolLookup)|SuppressWarnings\\([^)]*\"restricted\"");
        assertThat(sourcesWith(downcall))
                .isNotEmpty()
                .allSatisfy(file -> assertThat(file).startsWith("lib/linux/"));
    }

    private static List<String> sourcesWith(Pattern pattern) {
        List<String> found = new ArrayList<>();
        for (String folder : MODULES.keySet()) {
            Path sources = ROOT.resolve(folder).resolve("src/main/java");
            if (!Files.isDirectory(sources)) {
                continue;
            }
            try (Stream<Path> files = Files.walk(sources)) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    if (pattern.matcher(Files.readString(file)).find()) {
                        found.add(ROOT.relativize(file).toString());
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    private static List<String> allOf(Pattern pattern, String text) {
        List<String> found = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    private static Document pom(Path folder) throws Exception {
        return DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(folder.resolve("pom.xml").toFile());
    }

    private static List<String> texts(Element parent, String tag) {
        List<String> texts = new ArrayList<>();
        NodeList elements = parent.getElementsByTagName(tag);
        for (int i = 0; i < elements.getLength(); i++) {
            texts.add(elements.item(i).getTextContent().strip());
        }
        return texts;
    }
}
