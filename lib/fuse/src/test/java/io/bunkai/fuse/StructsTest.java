// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tables against the header of the C compiler, as far as that goes: structures and names that are
 * newer are left out, and their sizes are held by hand below.
 */
class StructsTest {
    private static final Path HEADER = Path.of("/usr/include/linux/fuse.h");

    @TempDir Path directory;

    @Test
    void agreeWithTheCCompilerInSizeAndEveryOffset() throws Exception {
        int known = headerMinor();
        Program program = new Program();
        for (Struct struct : Structs.all()) {
            if (struct.since() > known) {
                continue;
            }
            String name = "struct " + struct.name();
            program.expect(name, "sizeof(" + name + ")", struct.bytes());
            for (Struct.Field field : struct.fields()) {
                if (field.since() <= known) {
                    program.expect(
                            name + "." + field.name(),
                            "offsetof(" + name + ", " + field.name() + ")",
                            field.offset());
                    program.expect(
                            "size of " + name + "." + field.name(),
                            "sizeof(((" + name + " *)0)->" + field.name() + ")",
                            field.bytes());
                }
            }
        }
        assertThat(compileAndRun(program.source())).isEqualTo(program.expected());
    }

    @Test
    void agreeWithTheCCompilerInTheNumbersOfOpcodesFlagsAndNotifications() throws Exception {
        int known = headerMinor();
        Program program = new Program();
        for (Opcode opcode : Opcode.all()) {
            if (opcode.since() <= known) {
                program.expect("FUSE_" + opcode, opcode.number());
            }
        }
        for (InitFlag flag : InitFlag.values()) {
            if (flag.since() <= known) {
                // The last bit of an int is a negative number in C.
                program.expect(
                        "(unsigned long long)FUSE_" + flag + " & (1ULL << " + flag.bit() + ")",
                        flag.mask());
            }
        }
        for (NotificationCode code : NotificationCode.values()) {
            if (code.since() <= known) {
                program.expect("FUSE_NOTIFY_" + code, code.number());
            }
        }
        Set<String> newer = known < 40 ? Set.of("FOPEN_PASSTHROUGH") : Set.of();
        for (Field field : Flags.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && !newer.contains(field.getName())) {
                String name = field.getName();
                boolean whole = name.startsWith("FATTR_") || name.startsWith("FOPEN_");
                program.expect((whole ? "" : "FUSE_") + name, field.getInt(null));
            }
        }
        program.expect("FUSE_MAX_NR_SECCTX", ExtensionType.MAX_NR_SECCTX);
        program.expect("FUSE_ROOT_ID", RequestHeader.ROOT);
        program.expect("FUSE_INIT_BSWAP_RESERVED", Opcode.INIT_BYTE_SWAPPED);
        program.expect("FUSE_COMPAT_SETXATTR_IN_SIZE", Structs.SETXATTR_IN_COMPAT_BYTES);
        assertThat(compileAndRun(program.source())).isEqualTo(program.expected());
    }

    @Test
    void haveTheSizesOfTheHeaderWhereNoCompilerKnowsThem() {
        assertThat(Structs.STATX_IN.bytes()).isEqualTo(24);
        assertThat(Structs.SX_TIME.bytes()).isEqualTo(16);
        assertThat(Structs.STATX.bytes()).isEqualTo(256);
        assertThat(Structs.STATX_OUT.bytes()).isEqualTo(288);
        assertThat(Structs.SUPP_GROUPS.bytes()).isEqualTo(4);
        assertThat(Structs.COPY_FILE_RANGE_OUT.bytes()).isEqualTo(8);
        assertThat(Structs.NOTIFY_PRUNE_OUT.bytes()).isEqualTo(16);
    }

    @Test
    void areAllInTheListAndNamedOnce() throws Exception {
        Set<Object> fields =
                java.util.Arrays.stream(Structs.class.getFields())
                        .filter(field -> field.getType() == Struct.class)
                        .map(StructsTest::value)
                        .collect(Collectors.toSet());
        assertThat(Structs.all()).doesNotHaveDuplicates();
        assertThat(Set.<Object>copyOf(Structs.all())).isEqualTo(fields);
        assertThat(Structs.all()).extracting(Struct::name).doesNotHaveDuplicates();
    }

    @Test
    void findOpcodesByTheirNumbersAndNothingElse() {
        TreeMap<Integer, Opcode> found = new TreeMap<>();
        for (int number = -1; number < 5000; number++) {
            Opcode opcode = Opcode.of(number);
            if (opcode != null) {
                found.put(number, opcode);
            }
        }
        assertThat(found).hasSize(Opcode.all().size()).doesNotContainKeys(0, 7, 19, 54, 4096);
        found.forEach((number, opcode) -> assertThat(opcode.number()).isEqualTo(number));
    }

    private static Object value(Field field) {
        try {
            return field.get(null);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private int headerMinor() throws Exception {
        assertThat(HEADER).exists();
        Program program = new Program();
        program.expect("minor", "FUSE_KERNEL_MINOR_VERSION", 0);
        return Integer.parseInt(compileAndRun(program.source()).split("minor ")[1].strip());
    }

    /** A C program that prints names and numbers, and what it should print. */
    private static final class Program {
        private final StringBuilder source =
                new StringBuilder(
                        """
                        #include <linux/fuse.h>
                        #include <stddef.h>
                        #include <stdio.h>
                        int main(void) {
                        """);
        private final StringBuilder expected = new StringBuilder();

        void expect(String expression, long value) {
            expect(expression, expression, value);
        }

        void expect(String name, String expression, long value) {
            source.append("printf(\"%s %lld\\n\", \"").append(name).append("\", (long long)(");
            source.append(expression).append("));\n");
            expected.append(name).append(' ').append(value).append('\n');
        }

        String source() {
            return source + "return 0; }\n";
        }

        String expected() {
            return expected.toString();
        }
    }

    private String compileAndRun(String program) throws IOException, InterruptedException {
        Path source = Files.writeString(directory.resolve("structs.c"), program);
        Path binary = directory.resolve("structs");
        run("gcc", "-o", binary.toString(), source.toString());
        return run(binary.toString());
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
