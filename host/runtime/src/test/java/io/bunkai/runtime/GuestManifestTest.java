// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuestManifestTest {
    @TempDir Path image;

    private void manifest(String json) throws IOException {
        Files.writeString(image.resolve("manifest.json"), json);
    }

    @Test
    void eachAcceleratorHasParametersOfItsOwn() throws IOException {
        manifest(
                """
                {"kernelParameters": {"kvm": "quiet  tsc=reliable ", "tcg": "quiet"}, "more": 1}
                """);
        assertThat(GuestManifest.kernelParameters(image, Accelerator.KVM))
                .containsExactly("quiet", "tsc=reliable");
        assertThat(GuestManifest.kernelParameters(image, Accelerator.TCG)).containsExactly("quiet");
    }

    @Test
    void noParametersAreNoParameter() throws IOException {
        manifest("{\"kernelParameters\": {\"tcg\": \" \"}}");
        assertThat(GuestManifest.kernelParameters(image, Accelerator.TCG)).isEmpty();
    }

    @Test
    void eachAcceleratorHasItsFormOfTheKernelInThisFolderOnly() throws IOException {
        manifest(
                """
                {"kernels": {"kvm": "vmlinux", "tcg": "../../elsewhere/vmlinuz"}}
                """);
        assertThat(GuestManifest.kernel(image, Accelerator.KVM))
                .isEqualTo(image.resolve("vmlinux"));
        assertThat(GuestManifest.kernel(image, Accelerator.TCG))
                .isEqualTo(image.resolve("vmlinuz"));
    }

    @Test
    void anImageThatIsNotThereIsToldWithWhatToDo() {
        Fault fault =
                catchThrowableOfType(
                        Fault.class, () -> GuestManifest.kernelParameters(image, Accelerator.TCG));
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(fault.hint()).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "[]", "{}", "{\"kernelParameters\": {\"kvm\": \"quiet\"}}", "{\"kern"})
    void whatCannotBeUnderstoodIsRefused(String json) throws IOException {
        manifest(json);
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () ->
                                                GuestManifest.kernelParameters(
                                                        image, Accelerator.TCG))
                                .code())
                .isEqualTo(FaultCode.DATA_LOSS);
    }
}
