// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostMountsTest {
    private static final String HOME = "/run/kata-containers/x";

    @TempDir Path temporary;
    private Path folder;
    private Path file;

    @BeforeEach
    void make() throws IOException {
        Path real = temporary.toRealPath();
        folder = Files.createDirectory(real.resolve("folder"));
        file = Files.writeString(real.resolve("file"), "content");
    }

    private HostMounts fit(boolean canShare, RuntimeSpec.Mount... mounts) {
        return HostMounts.of(List.of(mounts), temporary, HOME, canShare);
    }

    private static RuntimeSpec.Mount bind(Path source, String destination, String... options) {
        return RuntimeSpec.Mount.of(destination, "bind", source.toString(), List.of(options));
    }

    private FaultCode refusal(boolean canShare, RuntimeSpec.Mount mount) {
        return catchThrowableOfType(Fault.class, () -> fit(canShare, mount)).code();
    }

    @Test
    void whatIsNoBindMountStaysAsItIs() {
        RuntimeSpec.Mount proc = RuntimeSpec.Mount.of("/proc", "proc", "proc", List.of("nosuid"));

        assertThat(fit(true, proc)).isEqualTo(new HostMounts(List.of(proc), List.of(), List.of()));
    }

    @Test
    void foldersAndFilesAreEntriesOfTheSharedFolder() {
        HostMounts fitted = fit(true, bind(folder, "/a", "rbind"), bind(file, "/b", "rbind", "ro"));

        assertThat(fitted.shares())
                .containsExactly(
                        new Plan.Share(folder, "0", false, true),
                        new Plan.Share(file, "1", true, false));
        assertThat(fitted.mounts())
                .containsExactly(
                        bind(Path.of(HostMounts.SHARED, "0"), "/a", "rbind"),
                        bind(Path.of(HostMounts.SHARED, "1"), "/b", "rbind", "ro"));
        assertThat(fitted.files()).isEmpty();
    }

    @Test
    void whatIsMountedTwiceInTheSameWayIsSharedOnce() {
        HostMounts fitted =
                fit(
                        true,
                        bind(folder, "/a", "rbind"),
                        bind(folder, "/b", "rbind", "ro"),
                        bind(folder, "/c", "rbind"));

        assertThat(fitted.shares()).hasSize(2);
        assertThat(fitted.mounts().getLast().source())
                .isEqualTo(fitted.mounts().getFirst().source());
    }

    @ParameterizedTest
    @CsvSource({
        "rw, false, true",
        "ro, true, false",
        "rro, true, false",
        "'ro,rslave', true, true",
        "'ro,rprivate', true, false"
    })
    void aReadOnlyShareFollowsOnlyIfItIsAskedTo(String options, boolean readOnly, boolean follows) {
        assertThat(fit(true, bind(folder, "/a", options.split(","))).shares())
                .containsExactly(new Plan.Share(folder, "0", readOnly, follows));
    }

    @Test
    void aLinkStandsForWhatItLeadsTo() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("link"), folder);

        assertThat(fit(true, bind(link, "/a", "rbind")).shares())
                .extracting(Plan.Share::source)
                .containsExactly(folder);
    }

    @Test
    void aRelativeSourceIsTheBundles() {
        assertThat(fit(true, bind(Path.of("folder"), "/a", "bind")).shares())
                .extracting(Plan.Share::source)
                .containsExactly(folder);
    }

    @ParameterizedTest
    @CsvSource({"/etc/resolv.conf", "/etc/hosts", "/etc/hostname"})
    void theFilesOfTheNameServiceAreCopied(String destination) {
        HostMounts fitted = fit(true, bind(file, destination, "rbind"));

        assertThat(fitted.files()).containsExactly(new Plan.GuestFile(file, HOME + "/files/0"));
        assertThat(fitted.shares()).isEmpty();
    }

    @Test
    void withoutSharingSmallFilesAreCopiedAndTheRestIsRefused() throws IOException {
        Path large = temporary.resolve("large");
        try (RandomAccessFile content = new RandomAccessFile(large.toFile(), "rw")) {
            content.setLength(1024 * 1024 + 1);
        }

        assertThat(fit(false, bind(file, "/b", "rbind")).files()).hasSize(1);
        assertThat(refusal(false, bind(large, "/b", "rbind")))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(refusal(false, bind(folder, "/b", "rbind")))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void whatOnlyTheHostsKernelSpeaksToIsRefused() {
        assertThat(refusal(true, bind(Path.of("/dev/null"), "/dev/x", "rbind")))
                .isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(refusal(true, bind(temporary.resolve("none"), "/x", "rbind")))
                .isEqualTo(FaultCode.NOT_FOUND);
    }
}
