// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.api.control.Mount;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MountOptionsTest {
    private static List<Mount> parse(String... words) {
        MountOptions options = new MountOptions();
        new CommandLine(
                        CommandLine.Model.CommandSpec.create()
                                .addMixin(
                                        "mounts",
                                        CommandLine.Model.CommandSpec.forAnnotatedObject(options)))
                .parseArgs(words);
        return options.resolve(Path.of("/here"));
    }

    private static String shown(Mount mount) {
        return mount.getType()
                + " "
                + mount.getSource()
                + " "
                + mount.getDestination()
                + " "
                + String.join(",", mount.getOptionsList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    /a:/b                | bind /a /b rbind
                    /a:/b:ro             | bind /a /b rbind,ro
                    ./a:/b:rw            | bind /here/./a /b rbind,rw
                    .:/b:ro,rslave       | bind /here/. /b rbind,ro,rslave
                    ~/a:/b:z             | bind /here/~/a /b rbind
                    """)
    void volumes(String text, String expected) {
        assertThat(parse("-v", text)).extracting(MountOptionsTest::shown).containsExactly(expected);
        assertThat(parse("--volume=" + text)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    type=bind,source=/a,target=/b                    | bind /a /b rbind
                    type=bind,src=a/b,dst=/b,readonly                | bind /here/a/b /b rbind,ro
                    type=bind,src=/a,destination=/b,ro=false         | bind /a /b rbind,rw
                    target=/b,type=bind,src=/a,bind-propagation=rslave | bind /a /b rbind,rslave
                    type=tmpfs,target=/b                             | tmpfs tmpfs /b nosuid,nodev,noexec
                    type=tmpfs,target=/b,tmpfs-size=1m,tmpfs-mode=700 | tmpfs tmpfs /b nosuid,nodev,noexec,size=1048576,mode=700
                    """)
    void mounts(String text, String expected) {
        assertThat(parse("--mount", text))
                .extracting(MountOptionsTest::shown)
                .containsExactly(expected);
    }

    @Test
    void memory() {
        assertThat(parse("--tmpfs", "/a", "--tmpfs=/b:size=64k,exec"))
                .extracting(MountOptionsTest::shown)
                .containsExactly(
                        "tmpfs tmpfs /a nosuid,nodev,noexec",
                        "tmpfs tmpfs /b nosuid,nodev,noexec,size=64k,exec");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-v=/a",
                "-v=:/b",
                "-v=/a:",
                "-v=/a:/b:ro:rw",
                "-v=/a:/b:fast",
                "--mount=type=bind,source=/a",
                "--mount=type=bind,target=/a",
                "--mount=type=bind,source=/a,target=/b,readonly=perhaps",
                "--mount=type=bind,source=/a,target=/b,bind-propagation=up",
                "--mount=type=nfs,target=/b",
                "--mount=type=tmpfs,target=/b,colour=red",
                "--mount=type=tmpfs",
                "--tmpfs=/a:colour=red"
            })
    void whatMakesNoSenseIsRefused(String word) {
        Fault fault = catchThrowableOfType(Fault.class, () -> parse(word));

        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-v=data:/b", "--mount=type=volume,source=data,target=/b"})
    void volumesWithNamesAreNotThere(String word) {
        Fault fault = catchThrowableOfType(Fault.class, () -> parse(word));

        assertThat(fault.code()).isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(fault.hint()).isPresent();
    }
}
