// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.SharedMemory;
import io.bunkai.linux.Signals;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.HypervisorContract;
import io.bunkai.vmm.LaunchCommand.Inherited;
import io.bunkai.vmm.LaunchCommand.Mode;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.SecuritySpec;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import io.bunkai.vmm.VmExit;
import io.bunkai.vmm.VmStatus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, kept by real QEMU processes whose guests are a few instructions in real mode. */
class QemuHypervisorTest extends HypervisorContract {
    private final QemuHypervisor hypervisor = new QemuHypervisor();
    private final List<ProcessIdentity> started = new ArrayList<>();

    @TempDir Path files;

    @Override
    protected Hypervisor hypervisor() {
        return hypervisor;
    }

    private Specs specs(Path directory, Behaviour behaviour) throws IOException {
        Path kernel = files.resolve(behaviour.name());
        Files.write(kernel, TinyKernel.image(behaviour));
        Path image = files.resolve("image");
        Files.write(image, new byte[1 << 20]);
        var specs = new Specs();
        specs.id = "test";
        specs.directory = directory;
        specs.kernel = kernel;
        specs.initrd = Optional.empty();
        specs.memory = new MemorySpec(ByteSize.ofMib(16), false);
        specs.disks = List.of(new Disk("root", image, true, "bunkai-root", 4));
        return specs;
    }

    @Override
    protected VirtualMachineSpec spec(Path directory, Behaviour behaviour) throws IOException {
        return specs(directory, behaviour).build();
    }

    @Override
    protected void killFromOutside(VirtualMachine machine) throws IOException {
        assertThat(Processes.signal(machine.identity().pid(), Signals.SIGKILL)).isTrue();
    }

    /** Keeps what was started, since a test that fails does not get to ending it. */
    private VirtualMachine launch(VirtualMachineSpec spec, Deadline deadline) {
        VirtualMachine machine = hypervisor.launch(spec, deadline);
        started.add(machine.identity());
        return machine;
    }

    @AfterEach
    void leavesNoProcessBehind() throws Exception {
        for (ProcessIdentity process : started) {
            if (process.isAlive()) {
                try (LinuxProcess left = LinuxProcess.adopt(process)) {
                    left.signal(Signals.SIGKILL);
                    left.await();
                }
            }
        }
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    private Path directory() {
        return files.resolve("vm");
    }

    @Test
    void whatIsExecutedIsWhatIsTold() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        try (VirtualMachine machine = launch(spec, soon())) {
            Path proc = Path.of("/proc", Integer.toString(machine.identity().pid()));
            String executed =
                    new String(Files.readAllBytes(proc.resolve("cmdline")), StandardCharsets.UTF_8);
            assertThat(executed.split("\0"))
                    .containsExactlyElementsOf(hypervisor.command(spec).arguments());
            String environment =
                    new String(Files.readAllBytes(proc.resolve("environ")), StandardCharsets.UTF_8);
            assertThat(environment.replace('\0', ':')) // the C library cuts it up where it stands
                    .isEqualTo(String.join(":", hypervisor.command(spec).environment()) + ":");
            assertThat(Files.readSymbolicLink(proc.resolve("cwd")))
                    .isEqualTo(spec.directory().toRealPath());
            assertThat(machine.description()).startsWith("QEMU ");
            machine.kill(soon());
        }
    }

    @Test
    void copiesGoOnWhereTheirTemplateWasFrozenAndCannotChangeIt() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        Path devices = files.resolve("devices");
        try (Fd memory =
                SharedMemory.createSealableFile("template", spec.memory().size().bytes())) {
            try (VirtualMachine machine =
                    hypervisor.launch(spec, new Beginning.Template(memory.path()), soon())) {
                started.add(machine.identity());
                machine.resume(soon());
                machine.freeze(devices, soon());
                machine.kill(soon());
            }
            SharedMemory.seal(memory);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(devices)))
                    .isEqualTo("rw-------");
            byte[] frozen = Files.readAllBytes(memory.path());
            for (String name : List.of("one", "two")) {
                Specs specs = specs(files.resolve(name), Behaviour.IDLES);
                specs.id = name;
                Beginning copy = new Beginning.Copy(memory.path(), devices);
                try (VirtualMachine machine = hypervisor.launch(specs.build(), copy, soon())) {
                    started.add(machine.identity());
                    assertThat(machine.status(soon())).isEqualTo(VmStatus.PAUSED);
                    machine.resume(soon());
                    assertThat(machine.status(soon())).isEqualTo(VmStatus.RUNNING);
                    assertThat(hypervisor.find(specs.build())).contains(machine.identity());
                    machine.kill(soon());
                }
            }
            assertThat(Files.readAllBytes(memory.path())).isEqualTo(frozen);
        }
    }

    @Test
    void aCopyOfDamagedDevicesDoesNotComeUp() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        Path devices = Files.writeString(files.resolve("devices"), "no devices of any machine");
        try (Fd memory =
                SharedMemory.createSealableFile("template", spec.memory().size().bytes())) {
            Beginning copy = new Beginning.Copy(memory.path(), devices);
            assertThatThrownBy(() -> hypervisor.launch(spec, copy, soon()))
                    .isInstanceOf(Fault.class);
        }
        assertThat(hypervisor.find(spec)).isEmpty();
    }

    @Test
    void aMachineBeginsItsLifeInItsCgroups() throws IOException {
        Specs specs = specs(directory(), Behaviour.IDLES);
        Path procs = files.resolve("cgroup.procs");
        specs.cgroups = List.of(procs);
        try (VirtualMachine machine = launch(specs.build(), soon())) {
            assertThat(procs).hasContent("0");
            assertThat(hypervisor.find(specs.build())).contains(machine.identity());
            machine.kill(soon());
        }
    }

    @Test
    void qemuHasNothingOpenThatIsNotItsOwn() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        try (VirtualMachine machine = launch(spec, soon())) {
            Path proc = Path.of("/proc", Integer.toString(machine.identity().pid()), "fd");
            for (Inherited inherited : hypervisor.command(spec).inherited()) {
                Path descriptor = proc.resolve(Integer.toString(inherited.descriptor()));
                if (inherited.mode() == Mode.LISTEN) {
                    assertThat(Files.readSymbolicLink(descriptor).toString()).startsWith("socket:");
                }
            }
            try (Stream<Path> open = Files.list(proc)) {
                assertThat(open.map(QemuHypervisorTest::target))
                        .filteredOn(target -> target.startsWith("/"))
                        .allMatch(target ->
                                target.startsWith("/dev/")
                                        || target.startsWith("/memfd:")
                                        || target.startsWith(files.toString()));
            }
            machine.kill(soon());
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }

    @Test
    void aReadOnlyDiskServesTwoMachinesAtATime() throws IOException {
        VirtualMachineSpec first = specs(files.resolve("vm1"), Behaviour.IDLES).build();
        VirtualMachineSpec second = specs(files.resolve("vm2"), Behaviour.IDLES).build();
        try (VirtualMachine one = launch(first, soon());
                VirtualMachine two = launch(second, soon())) {
            assertThat(hypervisor.find(first)).contains(one.identity());
            assertThat(hypervisor.find(second)).contains(two.identity());
            one.kill(soon());
            assertThat(two.exit()).isEmpty();
            two.kill(soon());
        }
    }

    @Test
    void aWritableDiskServesOneMachineAtATime() throws IOException {
        Path image = Files.write(files.resolve("data"), new byte[1 << 20]);
        Specs first = specs(files.resolve("vm1"), Behaviour.IDLES);
        Specs second = specs(files.resolve("vm2"), Behaviour.IDLES);
        first.disks = second.disks = List.of(new Disk("data", image, false, "data", 4));
        try (VirtualMachine machine = launch(first.build(), soon())) {
            Fault fault = catchThrowableOfType(Fault.class, () -> launch(second.build(), soon()));
            assertThat(fault.code()).isEqualTo(FaultCode.UNAVAILABLE);
            assertThat(fault.getCause())
                    .hasMessageContaining("lock")
                    .hasMessageContaining(image.toString());
            machine.kill(soon());
        }
    }

    @Test
    void sharedMemoryAndAnOpenFilterWork() throws IOException {
        Specs specs = specs(directory(), Behaviour.POWERS_OFF);
        specs.memory = new MemorySpec(ByteSize.ofMib(16), true);
        specs.security = new SecuritySpec("");
        try (VirtualMachine machine = launch(specs.build(), soon())) {
            machine.resume(soon());
            assertThat(machine.awaitExit(soon()).orElseThrow().reason())
                    .isEqualTo(VmExit.Reason.GUEST_POWERED_OFF);
        }
    }

    @Test
    void whatQemuSaysAgainstItIsTheCause() throws IOException {
        Specs specs = specs(directory(), Behaviour.IDLES);
        specs.machineOptions = "no-such-option=on";
        Fault fault = catchThrowableOfType(Fault.class, () -> launch(specs.build(), soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.UNAVAILABLE);
        assertThat(fault.getMessage())
                .matches("machine test did not come up: QEMU exited with status 1 after \\d+ ms");
        assertThat(fault.getCause())
                .hasMessageContaining("no-such-option")
                .hasMessageNotContaining("qemu-system");
        assertThat(hypervisor.find(specs.build())).isEmpty();
        assertThat(directory()).isEmptyDirectory();
    }

    @Test
    void aProgramThatIsMissingIsNamed() throws IOException {
        Specs specs = specs(directory(), Behaviour.IDLES);
        specs.hypervisor = files.resolve("no-such-program");
        Fault fault = catchThrowableOfType(Fault.class, () -> launch(specs.build(), soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(fault.getCause()).hasMessageContaining("no-such-program");
        assertThat(directory()).isEmptyDirectory();
    }

    @Test
    void aProgramThatIsNotQemuDoesNotComeUp() throws IOException {
        Specs specs = specs(directory(), Behaviour.IDLES);
        specs.hypervisor = script("echo 'what is this' >&2; exit 3");
        Fault fault = catchThrowableOfType(Fault.class, () -> launch(specs.build(), soon()));
        assertThat(fault.code()).isEqualTo(FaultCode.UNAVAILABLE);
        assertThat(fault).hasMessageContaining("exited with status 3");
        assertThat(fault.getCause()).hasMessage("what is this");
    }

    @Test
    void aProgramThatSaysNothingIsEndedAtTheDeadline() throws IOException {
        Specs specs = specs(directory(), Behaviour.IDLES);
        specs.hypervisor = script("exec sleep 1000");
        Fault fault =
                catchThrowableOfType(
                        Fault.class,
                        () -> launch(specs.build(), Deadline.after(Duration.ofMillis(300))));
        assertThat(fault.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        assertThat(directory()).isEmptyDirectory();
    }

    private Path script(String body) throws IOException {
        Path script = files.resolve("script");
        Files.writeString(script, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        return script;
    }

    @Test
    void aDirectoryThatOthersCouldEnterIsClosed() throws IOException {
        Files.createDirectory(directory());
        Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.writeString(directory().resolve("qmp.sock"), "left behind");
        try (VirtualMachine machine = launch(spec(directory(), Behaviour.IDLES), soon())) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory())))
                    .isEqualTo("rwx------");
            machine.kill(soon());
        }
    }

    @Test
    void theLastWordsOfAProcessThatDiedAreInItsExit() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        try (VirtualMachine machine = launch(spec, soon())) {
            Path standardError =
                    Path.of("/proc", Integer.toString(machine.identity().pid()), "fd", "2");
            Files.writeString(standardError, "it hurts\n");
            killFromOutside(machine);
            assertThat(machine.awaitExit(soon()).orElseThrow().diagnostics()).endsWith("it hurts");
        }
    }

    @Test
    void whoAdoptsAMachineReadsWhatItSaidMeanwhile() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        VirtualMachine former = launch(spec, soon());
        former.close();
        Path standardError = Path.of("/proc", Integer.toString(former.identity().pid()), "fd", "2");
        Files.writeString(standardError, "while nobody listened\n");
        try (VirtualMachine machine = hypervisor.adopt(spec, former.identity(), soon())) {
            killFromOutside(machine);
            VmExit exit = machine.awaitExit(soon()).orElseThrow();
            assertThat(exit.diagnostics()).endsWith("while nobody listened");
            assertThat(exit.reason()).isEqualTo(VmExit.Reason.LOST);
            assertThat(exit.status().known()).isFalse();
        }
    }

    @Test
    void aGuestThatProvokesMessagesWithoutEndHoldsNobodyUp() throws IOException {
        VirtualMachineSpec spec = spec(directory(), Behaviour.IDLES);
        try (VirtualMachine machine = launch(spec, soon())) {
            Path standardError =
                    Path.of("/proc", Integer.toString(machine.identity().pid()), "fd", "2");
            assertThat(
                            Files.readString(
                                    Path.of(
                                            "/proc",
                                            Integer.toString(machine.identity().pid()),
                                            "fdinfo",
                                            "2")))
                    .as("O_RDWR and O_NONBLOCK")
                    .containsPattern("flags:\\s+[0-7]*4002\n");
            Files.writeString(standardError, "x".repeat(60_000));
            machine.kill(soon());
            assertThat(machine.exit().orElseThrow().diagnostics().getLast())
                    .hasSizeLessThanOrEqualTo(400);
        }
    }

    @Test
    void theProgramTellsItsVersion() {
        assertThat(hypervisor.description(Specs.QEMU, soon())).startsWith("QEMU ");
        assertThat(
                        QemuVersionOutput.describe(
                                Specs.QEMU, "QEMU emulator version 7.2.22 (Debian 1:7.2)"))
                .isEqualTo("QEMU 7.2.22 (Debian 1:7.2)");
        assertThat(QemuVersionOutput.describe(Specs.QEMU, "QEMU emulator version 10.0.2\n"))
                .isEqualTo("QEMU 10.0.2");
    }

    @Test
    void aProgramThatIsNotQemuHasNoVersion() {
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () -> hypervisor.description(Path.of("/bin/echo"), soon()))
                                .getMessage())
                .isEqualTo("/bin/echo is not QEMU");
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () ->
                                                hypervisor.description(
                                                        Path.of("/no/such/qemu"), soon()))
                                .code())
                .isEqualTo(FaultCode.UNAVAILABLE);
    }
}
