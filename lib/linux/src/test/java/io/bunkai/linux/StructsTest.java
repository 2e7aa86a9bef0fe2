// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StructsTest {
    @TempDir Path directory;

    private final Map<String, StructLayout> layouts =
            new TreeMap<>(
                    Map.of(
                            "struct timespec", Structs.TIMESPEC,
                            "struct pollfd", Structs.POLLFD,
                            "struct iovec", Structs.IOVEC,
                            "struct msghdr", Structs.MSGHDR,
                            "struct cmsghdr", Structs.CMSGHDR,
                            "struct sockaddr_un", Structs.SOCKADDR_UN,
                            "struct winsize", Structs.WINSIZE,
                            "siginfo_t", Structs.SIGINFO,
                            "struct epoll_event", Structs.EPOLL_EVENT,
                            "struct termios", Structs.TERMIOS));

    {
        layouts.put("struct statx_timestamp", Structs.STATX_TIMESTAMP);
        layouts.put("struct statx", Structs.STATX);
        layouts.put("struct dirent64", Structs.DIRENT64);
        layouts.put("struct flock", Structs.FLOCK);
        layouts.put("struct rusage", Structs.RUSAGE);
        layouts.put("struct rlimit", Structs.RLIMIT);
        layouts.put("struct statfs", Structs.STATFS);
        layouts.put("struct sock_filter", Structs.SOCK_FILTER);
        layouts.put("struct sock_fprog", Structs.SOCK_FPROG);
    }

    @Test
    void agreeWithTheCCompilerInSizeAndEveryOffset() throws Exception {
        StringBuilder program = new StringBuilder();
        // The kernel's termios and the C library's have one name and cannot be included together.
        program.append("#define _GNU_SOURCE\n#include <dirent.h>\n#include <sys/stat.h>\n");
        program.append("#include <linux/filter.h>\n");
        program.append("#include <stdio.h>\n#include <stddef.h>\n#include <time.h>\n");
        program.append("#include <poll.h>\n#include <signal.h>\n#include <sys/socket.h>\n");
        program.append("#include <sys/un.h>\n#include <sys/uio.h>\n#include <asm/termbits.h>\n");
        program.append("#include <sys/epoll.h>\n");
        program.append("#include <fcntl.h>\n#include <sys/resource.h>\n#include <sys/vfs.h>\n");
        program.append("struct winsize {unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;};\n");
        program.append("int main(void) {\n");
        StringBuilder expected = new StringBuilder();
        layouts.forEach((name, layout) -> describe(name, layout, program, expected));
        program.append("return 0; }\n");

        assertThat(compileAndRun(program.toString())).isEqualTo(expected.toString());
    }

    private static void describe(
            String name, StructLayout layout, StringBuilder program, StringBuilder expected) {
        program.append("printf(\"%s %zu\\n\", \"" + name + "\", sizeof(" + name + "));\n");
        expected.append(name).append(' ').append(layout.byteSize()).append('\n');
        for (MemoryLayout field : layout.memberLayouts()) {
            field.name()
                    .ifPresent(member -> {
                        String line = name + "." + member;
                        program.append(
                                "printf(\"%s %zu\\n\", \""
                                        + line
                                        + "\", offsetof("
                                        + name
                                        + ", "
                                        + member
                                        + "));\n");
                        expected.append(line).append(' ');
                        expected.append(Structs.offset(layout, member)).append('\n');
                    });
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
