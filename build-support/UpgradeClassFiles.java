// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies a jar and gives its class files the version and the stack maps of Java 8.
 *
 * <p>The JVM keeps no class files from before Java 6 in an AOT cache: they are read and verified, by
 * the slow verifier, on every start. picocli is compiled for Java 5 so that anyone can use it, and
 * that costs the command line more than half of its start. The code itself stays as it is.
 *
 * <p>Usage: {@code java UpgradeClassFiles.java FROM TO}
 */
final class UpgradeClassFiles {
    /** From this one on a class file has stack maps, and can be cached. */
    private static final int JAVA_6 = 50;

    private static final int JAVA_8 = 52;

    private UpgradeClassFiles() {}

    public static void main(String[] arguments) throws IOException {
        Path from = Path.of(arguments[0]);
        try (URLClassLoader classes =
                        new URLClassLoader(
                                new URL[] {from.toUri().toURL()},
                                ClassLoader.getPlatformClassLoader());
                ZipFile source = new ZipFile(from.toFile());
                OutputStream file = Files.newOutputStream(Path.of(arguments[1]));
                ZipOutputStream target = new ZipOutputStream(file)) {
            ClassFile format =
                    ClassFile.of(
                            StackMapsOption.GENERATE_STACK_MAPS,
                            // Stack maps name the common type of two branches.
                            ClassHierarchyResolverOption.of(
                                    ClassHierarchyResolver.ofResourceParsing(classes)));
            for (ZipEntry entry : Collections.list(source.entries())) {
                byte[] content = source.getInputStream(entry).readAllBytes();
                ZipEntry copy = new ZipEntry(entry.getName());
                copy.setTime(entry.getTime());
                target.putNextEntry(copy);
                target.write(
                        entry.getName().endsWith(".class") ? upgraded(format, content) : content);
                target.closeEntry();
            }
        }
    }

    private static byte[] upgraded(ClassFile format, byte[] content) {
        ClassModel model = format.parse(content);
        if (model.majorVersion() >= JAVA_6) {
            return content;
        }
        ClassTransform version =
                (builder, element) -> {
                    if (element instanceof ClassFileVersion) {
                        builder.withVersion(JAVA_8, 0);
                    } else {
                        builder.with(element);
                    }
                };
        // Code that is handed on instruction by instruction gets new stack maps; as a whole it
        // would be copied without.
        ClassTransform code =
                ClassTransform.transformingMethodBodies(
                        (builder, element) -> builder.with(element));
        return format.transformClass(model, version.andThen(code));
    }
}
