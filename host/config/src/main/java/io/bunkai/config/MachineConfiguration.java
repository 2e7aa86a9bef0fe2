// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The machine model and what runs it.
 *
 * @param hypervisor the QEMU binary
 * @param accelerator what runs the guest's instructions
 * @param machineType QEMU's name of the machine model
 * @param machineOptions added to {@code -machine}, one option each
 * @param cpuFeatures added to {@code -cpu}, one feature each
 * @param seccompSandbox value of {@code -sandbox}; empty if QEMU is to run without
 * @param entropySource the file that feeds the guest's random number device
 * @param diskLimits how much of the host's block devices the guest may read and write
 * @param debug whether QEMU and the guest's console are logged in detail
 * @param logLevel what is logged about the machine
 */
public record MachineConfiguration(
        Path hypervisor,
        Accelerator accelerator,
        String machineType,
        List<String> machineOptions,
        List<String> cpuFeatures,
        Optional<String> seccompSandbox,
        Path entropySource,
        LimitsConfiguration diskLimits,
        boolean debug,
        LogLevel logLevel) {
    public MachineConfiguration {
        machineOptions = List.copyOf(machineOptions);
        cpuFeatures = List.copyOf(cpuFeatures);
    }

    /** What runs the guest's instructions. */
    public enum Accelerator {
        /** KVM where a probe guest runs under it, else software emulation. */
        AUTO,
        /** The processor, through KVM; without it no machine starts. */
        KVM,
        /** QEMU's software emulation. */
        TCG
    }
}
