// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ProbeTest {
    @TempDir Path directory;

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    /** A program that plays QEMU, and counts how often it is started. */
    private Path script(String body) throws IOException {
        Path script = directory.resolve("qemu");
        Path count = directory.resolve("count");
        Files.writeString(script, "#!/bin/sh\necho >>" + count + "\n" + body + "\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        return script;
    }

    private int starts() throws IOException {
        return Files.readAllLines(directory.resolve("count")).size();
    }

    /** A device that is there and open to this user is all that the script needs. */
    private AcceleratorProbe probe() throws IOException {
        Path device = directory.resolve("kvm");
        if (!Files.exists(device)) {
            Files.createFile(device);
        }
        return new AcceleratorProbe(directory.resolve("state/kvm"), device);
    }

    @Test
    void theFirmwareGoesAllItsWayUnderSoftwareEmulation() throws Exception {
        assertThat(ProbeGuest.run(Specs.QEMU, Accelerator.TCG, soon()))
                .isEqualTo(new ProbeGuest.Outcome.Ran());
    }

    @Test
    void theFirmwareBeginsAtItsResetVector() {
        byte[] image = ProbeFirmware.image();
        assertThat(image).hasSize(65536);
        assertThat(image[0xfff0]).isEqualTo((byte) 0xea);
        assertThat(image[0xf000]).isEqualTo((byte) 0xfa);
    }

    @Test
    void everyStepHasAName() {
        assertThat(ProbeFirmware.lastStep("")).isEqualTo("before its first instruction");
        for (int steps = 1; steps <= ProbeFirmware.ALL_STEPS.length(); steps++) {
            assertThat(ProbeFirmware.lastStep(ProbeFirmware.ALL_STEPS.substring(0, steps)))
                    .isNotEqualTo("at an unknown place");
        }
    }

    @Test
    void aGuestThatRunsIsAnAnswerThatIsKept() throws IOException {
        Path qemu = script("printf rcplmatu; exit 33");
        AcceleratorProbe.Answer answer = probe().kvm(qemu, soon());
        assertThat(answer).isEqualTo(new AcceleratorProbe.Answer(true, "a probe guest ran"));
        assertThat(answer.accelerator()).isEqualTo(Accelerator.KVM);
        assertThat(probe().kvm(qemu, soon())).isEqualTo(answer);
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void anAnswerThatCannotBeKeptLeavesNothing() throws IOException {
        Path inItsPlace = Files.createDirectories(directory.resolve("state/kvm/inhabited"));
        assertThat(probe().kvm(script("printf rcplmatu; exit 33"), soon()).works()).isTrue();
        try (var files = Files.list(directory.resolve("state"))) {
            assertThat(files).containsExactly(inItsPlace.getParent());
        }
    }

    @Test
    void aGuestThatKvmGivesUpOnIsAnAnswerThatIsKept() throws IOException {
        Path qemu =
                script(
                        "printf rcpl; echo 'qemu-system-x86_64: warning: whatever' >&2;"
                                + " echo 'KVM internal error. Suberror: 1' >&2; exec sleep 1000");
        AcceleratorProbe.Answer answer = probe().kvm(qemu, soon());
        assertThat(answer)
                .isEqualTo(
                        new AcceleratorProbe.Answer(
                                false,
                                "a probe guest stopped at its first 64-bit computations: KVM"
                                        + " internal error. Suberror: 1"));
        assertThat(answer.accelerator()).isEqualTo(Accelerator.TCG);
        assertThat(probe().kvm(qemu, soon())).isEqualTo(answer);
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void aQemuThatFailsSaysWhyInItsFirstComplaint() throws IOException {
        Path qemu =
                script(
                        "echo 'qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69' >&2;"
                                + " echo 'Assertion failed' >&2; kill -ABRT $$");
        assertThat(probe().kvm(qemu, soon()).reason())
                .isEqualTo(
                        "a probe guest stopped before its first instruction: error: failed to set"
                                + " MSR 0x10a to 0x69");
    }

    @Test
    void aGuestThatSkipsAStepDidNotRun() throws IOException {
        Path qemu = script("printf rcplmtu; exit 33");
        assertThat(probe().kvm(qemu, soon()).works()).isFalse();
    }

    @Test
    void anAnswerThatIsOnlyLateIsNotKept() throws IOException {
        Path qemu = script("printf rcplma; exec sleep 1000");
        for (int round = 1; round <= 2; round++) {
            assertThat(probe().kvm(qemu, Deadline.after(Duration.ofMillis(500))))
                    .isEqualTo(
                            new AcceleratorProbe.Answer(
                                    false,
                                    "a probe guest stopped while it waited for a timer interrupt:"
                                            + " it was not done in time"));
            assertThat(starts()).isEqualTo(round);
        }
    }

    @Test
    void aDifferentQemuIsAskedAnew() throws IOException {
        probe().kvm(script("exit 1"), soon());
        assertThat(probe().kvm(script("printf rcplmatu; exit 33"), soon()).works()).isTrue();
        assertThat(starts()).isEqualTo(2);
    }

    @Test
    void aDamagedAnswerIsAskedForAgain() throws IOException {
        Path qemu = script("printf rcplmatu; exit 33");
        probe().kvm(qemu, soon());
        Path kept = directory.resolve("state/kvm");
        Files.writeString(kept, Files.readString(kept).replace("works", "perhaps"));
        assertThat(probe().kvm(qemu, soon()).works()).isTrue();
        assertThat(starts()).isEqualTo(2);
    }

    @Test
    void withoutTheDeviceNobodyIsAsked() {
        var probe = new AcceleratorProbe(directory.resolve("state"), directory.resolve("none"));
        assertThat(probe.kvm(Specs.QEMU, soon()))
                .isEqualTo(
                        new AcceleratorProbe.Answer(
                                false, "there is no " + directory.resolve("none")));
    }

    @Test
    void aMissingQemuIsTheReason() throws IOException {
        assertThat(probe().kvm(Path.of("/no/such/qemu"), soon()).reason())
                .contains("/no/such/qemu");
    }

    @Test
    void thisMachineGetsAnAnswerWithAReason() {
        AcceleratorProbe.Answer answer =
                new AcceleratorProbe(directory.resolve("state/kvm")).kvm(Specs.QEMU, soon());
        assertThat(answer.reason()).isNotBlank();
    }
}
