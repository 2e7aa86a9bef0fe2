// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.ByteSize;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.BootSpec;
import io.bunkai.vmm.CpuSpec;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.FileSystemDevice;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.SecuritySpec;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A specification that a test bends to its needs. */
final class Specs {
    static final Path QEMU = Path.of("/usr/bin/qemu-system-x86_64");

    String id = "a1b2";
    Path directory = Path.of("/run/bunkai/a1b2");
    Accelerator accelerator = Accelerator.TCG;
    String machineType = "q35";
    String machineOptions = "";
    CpuSpec cpu = CpuSpec.of(1);
    MemorySpec memory = new MemorySpec(ByteSize.ofMib(256), false);
    Path kernel = Path.of("/opt/bunkai/share/vmlinuz");
    Optional<Path> initrd = Optional.of(Path.of("/opt/bunkai/share/initrd"));
    List<String> parameters = List.of("console=ttyS0", "quiet");
    List<Disk> disks = List.of();
    DiskLimits diskLimits = DiskLimits.NONE;
    Optional<FileSystemDevice> fileSystem = Optional.empty();
    Optional<Path> entropy = Optional.of(Path.of("/dev/urandom"));
    SecuritySpec security = SecuritySpec.STRICT;
    List<Path> cgroups = List.of();
    Path hypervisor = QEMU;

    VirtualMachineSpec build() {
        return new VirtualMachineSpec(
                id,
                directory,
                accelerator,
                machineType,
                machineOptions,
                cpu,
                memory,
                new BootSpec(kernel, initrd, parameters),
                disks,
                diskLimits,
                fileSystem,
                entropy,
                "agent.channel.0",
                security,
                cgroups,
                hypervisor);
    }
}
