// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.vmm.Accelerator;
import java.util.List;
import java.util.Optional;

/** What an accelerator wants to have set, so that what helps one never slows the other. */
sealed interface Profile permits KvmProfile, TcgProfile {
    static Profile of(Accelerator accelerator) {
        return switch (accelerator) {
            case KVM -> new KvmProfile();
            case TCG -> new TcgProfile();
        };
    }

    /** {@return the value of {@code -accel}} */
    String accelerator();

    /** {@return the value of {@code -cpu}: a model and the features asked for} */
    String cpu(List<String> features);

    /**
     * {@return what {@code -bios} is set to for a machine of this type; nothing for QEMU's default}
     */
    Optional<String> firmware(String machineType);

    /** {@return whether the firmware can tell the guest which generation of a machine it is} */
    boolean hasGenerationId();
}
