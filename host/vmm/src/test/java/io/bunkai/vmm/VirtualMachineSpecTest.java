// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ExitStatus;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class VirtualMachineSpecTest {
    private static VirtualMachineSpec spec(
            String id, Path directory, String options, String port, Disk... disks) {
        return new VirtualMachineSpec(
                id,
                directory,
                Accelerator.KVM,
                "q35",
                options,
                CpuSpec.of(1),
                new MemorySpec(ByteSize.ofMib(256), false),
                new BootSpec(Path.of("/k"), Optional.empty(), List.of("console=ttyS0", "quiet")),
                List.of(disks),
                DiskLimits.NONE,
                Optional.empty(),
                Optional.empty(),
                port,
                SecuritySpec.STRICT,
                List.of(),
                Path.of("/usr/bin/qemu-system-x86_64"));
    }

    private static VirtualMachineSpec spec(Disk... disks) {
        return spec("vm1", Path.of("/run/vm1"), "", "agent.channel.0", disks);
    }

    private static Disk disk(String id, String serial, int slot) {
        return new Disk(id, Path.of("/img"), true, serial, slot);
    }

    @Test
    void limitsHoldForDisksThatCanBeWrittenToAndForDevices() {
        Disk image = disk("image", "image", 4);
        Disk writable = new Disk("data", Path.of("/img"), false, "data", 5);
        Disk device = new Disk("dev", Path.of("/dev/x"), true, "dev", 6, Disk.Kind.DEVICE);
        assertThat(spec(image).hasLimitedDisk()).isFalse();
        assertThat(spec(image, writable).hasLimitedDisk()).isTrue();
        assertThat(spec(image, device).hasLimitedDisk()).isTrue();
        Disk file = new Disk("file", Path.of("/img"), true, "file", 7, Disk.Kind.FILE);
        assertThat(spec(image, file).hasLimitedDisk()).isTrue();
    }

    @Test
    void aLimitOfDisksIsWhatTheHypervisorCanKeep() {
        long most = DiskLimits.MOST;
        assertThat(new DiskLimits(0, 5, 0, 5)).isEqualTo(DiskLimits.NONE);
        assertThat(new DiskLimits(most + 1, 5, 10, most))
                .isEqualTo(new DiskLimits(most, 0, 10, most - 10));
        refused(() -> new DiskLimits(0, 0, -1, 0), "cannot be negative");
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT))
                .hasMessageContaining(message);
    }

    @Test
    void knowsItsSocketsAndItsKernelsCommandLine() {
        VirtualMachineSpec spec = spec(disk("root", "bunkai-root", 4));
        assertThat(spec.agentSocket()).isEqualTo(Path.of("/run/vm1/agent.sock"));
        assertThat(spec.consoleSocket()).isEqualTo(Path.of("/run/vm1/console.sock"));
        assertThat(spec.boot().commandLine()).isEqualTo("console=ttyS0 quiet");
    }

    @Test
    void refusesNamesThatCouldBecomeOptions() {
        for (String bad : List.of("", "a,b", "a=b", "-x", "a b", "a\n", "x".repeat(129))) {
            refused(() -> spec(bad, Path.of("/r"), "", "p"), "is not a machine's name");
            refused(() -> spec("vm", Path.of("/r"), "", bad), "is not a port's name");
            refused(() -> disk(bad, "s", 4), "is not a disk's name");
            refused(() -> disk("d", bad, 4), "is not a disk's serial number");
            refused(() -> new CpuSpec(1, 1, List.of(bad + ",")), "is not a processor feature");
        }
        for (String bad : List.of("usb", "a=b,", ",a=b", "a=b c", "a=b,,c=d", "a=/etc/passwd")) {
            refused(() -> spec("vm", Path.of("/r"), bad, "p"), "is not a list of machine options");
        }
        refused(() -> new SecuritySpec("on,spawn=deny; rm"), "is not a system call filter");
        refused(
                () -> new BootSpec(Path.of("/k"), Optional.empty(), List.of("a\nb")),
                "control character");
    }

    @Test
    void acceptsWhatConfigurationsSay() {
        assertThat(spec("vm", Path.of("/r"), "nvdimm=on,i8042=off", "p").machineOptions())
                .isEqualTo("nvdimm=on,i8042=off");
        assertThat(new CpuSpec(2, 4, List.of("pmu=off", "+avx2", "-x2apic")).features()).hasSize(3);
        assertThat(new SecuritySpec("").systemCallFilter()).isEmpty();
    }

    @Test
    void refusesADirectoryInWhichNoSocketFits() {
        refused(() -> spec("vm", Path.of("/" + "x".repeat(90)), "", "p"), "91 bytes, and 90 fit");
        refused(() -> spec("vm", Path.of("relative"), "", "p"), "cannot live in relative");
        assertThat(spec("vm", Path.of("/" + "x".repeat(89)), "", "p").consoleSocket().toString())
                .hasSizeLessThanOrEqualTo(107);
    }

    @Test
    void refusesDisksThatCannotBeToldApart() {
        Disk first = disk("a", "s1", 4);
        refused(() -> spec(first, disk("a", "s2", 5)), "disk a has the name");
        refused(() -> spec(first, disk("b", "s1", 5)), "disk b has the name");
        refused(() -> spec(first, disk("b", "s2", 4)), "disk b has the name");
        assertThat(spec(first, disk("b", "s2", 5)).disks()).hasSize(2);
    }

    @Test
    void refusesSlotsOfTheMachinesOwn() {
        for (int slot : List.of(-1, 0, 3, 30, 31, 32)) {
            refused(() -> disk("a", "s", slot), "disks have slots 4 to 29");
        }
    }

    @Test
    void refusesSizesThatCannotBe() {
        refused(() -> new CpuSpec(0, 1, List.of()), "0 of 1 processors");
        refused(() -> new CpuSpec(3, 2, List.of()), "3 of 2 processors");
        refused(() -> new MemorySpec(ByteSize.ofBytes(0), false), "0 bytes of memory");
        refused(() -> new MemorySpec(ByteSize.ofBytes(1024), false), "1024 bytes of memory");
    }

    @Test
    void anExitIsDescribedInOneClause() {
        var exit =
                new VmExit(VmExit.Reason.LOST, new ExitStatus(1, 0), Instant.EPOCH, List.of("why"));
        assertThat(exit.describe())
                .isEqualTo("the hypervisor's process was lost (exited with status 1)");
        assertThat(
                        new VmExit(
                                        VmExit.Reason.GUEST_PANICKED,
                                        new ExitStatus(0, 0),
                                        Instant.EPOCH,
                                        List.of())
                                .describe())
                .isEqualTo("the guest's kernel panicked");
    }
}
