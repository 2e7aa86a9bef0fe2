// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link Hypervisor} promises. The guests are a few instructions, not systems. */
@Timeout(120)
public abstract class HypervisorContract {
    /** What a guest does from its first instruction on. */
    public enum Behaviour {
        /** Nothing. */
        IDLES,
        /** Writes "hi" to the console, then nothing. */
        SAYS_HI,
        /** Switches itself off. */
        POWERS_OFF,
        /** Reboots. */
        REBOOTS,
        /** Tells that it panics. */
        PANICS
    }

    /** A root for this test's files; its path is short. */
    @TempDir Path root;

    /** {@return the hypervisor to be tested; the same object within one test} */
    protected abstract Hypervisor hypervisor();

    /**
     * {@return a machine that can be launched, in this directory, whose guest behaves like this}
     */
    protected abstract VirtualMachineSpec spec(Path directory, Behaviour behaviour)
            throws IOException;

    /** Ends the machine's process as an operator would: by SIGKILL, and not through the hold. */
    protected abstract void killFromOutside(VirtualMachine machine) throws Exception;

    /** Keeps what it hears. */
    private static final class Recorder implements VmListener {
        final BlockingQueue<VmEvent> events = new LinkedBlockingQueue<>();
        final BlockingQueue<VmExit> exits = new LinkedBlockingQueue<>();

        @Override
        public void onEvent(VmEvent event) {
            events.add(event);
        }

        @Override
        public void onExit(VmExit exit) {
            exits.add(exit);
        }

        <E extends VmEvent> E next(Class<E> type) throws InterruptedException {
            while (true) {
                VmEvent event = events.take();
                if (type.isInstance(event)) {
                    return type.cast(event);
                }
            }
        }
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    private Path directory() {
        return root.resolve("vm");
    }

    private VirtualMachineSpec spec(Behaviour behaviour) throws IOException {
        return spec(directory(), behaviour);
    }

    private VirtualMachine launch(Behaviour behaviour) throws IOException {
        return hypervisor().launch(spec(behaviour), soon());
    }

    @AfterEach
    void leavesNoMachineAndNoSocketBehind() throws IOException {
        for (Behaviour behaviour : Behaviour.values()) {
            Optional<ProcessIdentity> left = hypervisor().find(spec(behaviour));
            if (left.isPresent()) {
                try (var machine = hypervisor().adopt(spec(behaviour), left.get(), soon())) {
                    machine.kill(soon());
                }
            }
        }
        if (Files.exists(directory())) {
            try (Stream<Path> files = Files.list(directory())) {
                assertThat(files).isEmpty();
            }
        }
    }

    @Test
    void aLaunchedMachineWaitsBeforeItsFirstInstruction() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.POWERS_OFF)) {
            assertThat(machine.status(soon())).isEqualTo(VmStatus.PREPARED);
            assertThat(machine.exit()).isEmpty();
            assertThat(machine.awaitExit(Deadline.after(Duration.ZERO))).isEmpty();
            assertThat(machine.spec()).isEqualTo(spec(Behaviour.POWERS_OFF));
            assertThat(machine.description()).isNotBlank();
        }
    }

    @Test
    void onlyTheOwnerReachesAMachinesSockets() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            assertThat(permissions(directory())).isEqualTo("rwx------");
            assertThat(permissions(machine.agentSocket())).isEqualTo("rw-------");
            assertThat(permissions(machine.consoleSocket())).isEqualTo("rw-------");
        }
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void whoConnectsToTheConsoleBeforeTheStartMissesNothing() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.SAYS_HI);
                SocketChannel agent = connect(machine.agentSocket());
                SocketChannel console = connect(machine.consoleSocket())) {
            assertThat(agent.isConnected()).isTrue();
            machine.resume(soon());
            byte[] hi = Channels.newInputStream(console).readNBytes(2);
            assertThat(new String(hi, StandardCharsets.US_ASCII)).isEqualTo("hi");
        }
    }

    private static SocketChannel connect(Path socket) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    @Test
    void aMachineIsPausedAndResumed() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            var recorder = new Recorder();
            machine.listen(recorder);
            machine.resume(soon());
            recorder.next(VmEvent.Resumed.class);
            assertThat(machine.status(soon())).isEqualTo(VmStatus.RUNNING);
            machine.pause(soon());
            recorder.next(VmEvent.Paused.class);
            assertThat(machine.status(soon())).isEqualTo(VmStatus.PAUSED);
            machine.resume(soon());
            recorder.next(VmEvent.Resumed.class);
            assertThat(machine.status(soon())).isEqualTo(VmStatus.RUNNING);
            assertThat(machine.events())
                    .extracting(VmEvent::getClass)
                    .containsSubsequence(
                            VmEvent.Resumed.class, VmEvent.Paused.class, VmEvent.Resumed.class);
        }
    }

    @Test
    void thePowerButtonCanBePressed() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            machine.resume(soon());
            machine.powerOff(soon());
            assertThat(machine.exit()).isEmpty();
        }
    }

    @Test
    void aKilledMachineIsGoneAndSaysSo() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            var recorder = new Recorder();
            machine.listen(recorder);
            machine.resume(soon());
            machine.kill(soon());
            VmExit exit = machine.exit().orElseThrow();
            assertThat(exit.reason()).isEqualTo(VmExit.Reason.KILLED);
            assertThat(exit.status().signal()).isEqualTo(Signals.SIGKILL);
            assertThat(recorder.exits.take()).isEqualTo(exit);
            assertThat(machine.status(soon())).isEqualTo(VmStatus.ENDED);
            assertThat(machine.awaitExit(soon())).contains(exit);
            assertThat(machine.agentSocket()).doesNotExist();
            assertThat(machine.consoleSocket()).doesNotExist();
            machine.kill(soon());
            assertThat(hypervisor().find(machine.spec())).isEmpty();
        }
    }

    @Test
    void aMachineThatNeverRanCanBeKilled() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            machine.kill(soon());
            assertThat(machine.exit().orElseThrow().reason()).isEqualTo(VmExit.Reason.KILLED);
        }
    }

    @Test
    void aGuestThatSwitchesItselfOffEndsItsMachine() throws IOException {
        assertThat(reasonOf(Behaviour.POWERS_OFF)).isEqualTo(VmExit.Reason.GUEST_POWERED_OFF);
    }

    @Test
    void aGuestThatRebootsEndsItsMachine() throws IOException {
        assertThat(reasonOf(Behaviour.REBOOTS)).isEqualTo(VmExit.Reason.GUEST_REBOOTED);
    }

    private VmExit.Reason reasonOf(Behaviour behaviour) throws IOException {
        try (VirtualMachine machine = launch(behaviour)) {
            machine.resume(soon());
            VmExit exit = machine.awaitExit(soon()).orElseThrow();
            assertThat(exit.status().known()).isTrue();
            assertThat(exit.status().shellCode()).isZero();
            return exit.reason();
        }
    }

    @Test
    void aGuestThatPanicsIsToldFromOneThatSwitchesItselfOff() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.PANICS)) {
            var recorder = new Recorder();
            machine.listen(recorder);
            machine.resume(soon());
            recorder.next(VmEvent.GuestPanicked.class);
            assertThat(recorder.exits.take().reason()).isEqualTo(VmExit.Reason.GUEST_PANICKED);
        }
    }

    @Test
    void aProcessThatIsKilledFromOutsideIsReportedAsLost() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            var recorder = new Recorder();
            machine.listen(recorder);
            machine.resume(soon());
            killFromOutside(machine);
            VmExit exit = recorder.exits.take();
            assertThat(exit.reason()).isEqualTo(VmExit.Reason.LOST);
            assertThat(exit.status().signal()).isEqualTo(Signals.SIGKILL);
            assertThat(exit.describe())
                    .isEqualTo("the hypervisor's process was lost (killed by SIGKILL)");
            assertThat(machine.exit()).contains(exit);
            assertThat(machine.agentSocket()).doesNotExist();
        }
    }

    @Test
    void whoListensAfterTheEndHearsOfItToo() throws Exception {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            machine.kill(soon());
            var recorder = new Recorder();
            machine.listen(recorder);
            assertThat(recorder.exits.take()).isEqualTo(machine.exit().orElseThrow());
        }
    }

    @Test
    void anEndedMachineRefusesEverythingElse() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            machine.kill(soon());
            assertThat(codeOf(() -> machine.resume(soon()))).isEqualTo(FaultCode.UNAVAILABLE);
            assertThat(codeOf(() -> machine.pause(soon()))).isEqualTo(FaultCode.UNAVAILABLE);
            assertThat(codeOf(() -> machine.powerOff(soon()))).isEqualTo(FaultCode.UNAVAILABLE);
        }
    }

    @Test
    void aClosedHoldRefusesEverythingAndTheMachineLivesOn() throws IOException {
        VirtualMachine machine = launch(Behaviour.IDLES);
        machine.resume(soon());
        machine.close();
        machine.close();
        assertThat(codeOf(() -> machine.pause(soon()))).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(codeOf(() -> machine.awaitExit(soon())))
                .isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(hypervisor().find(machine.spec())).contains(machine.identity());
    }

    @Test
    void aMachineIsFoundAndAdopted() throws Exception {
        VirtualMachineSpec spec = spec(Behaviour.IDLES);
        assertThat(hypervisor().find(spec)).isEmpty();
        try (VirtualMachine machine = hypervisor().launch(spec, soon())) {
            machine.resume(soon());
        }
        ProcessIdentity process = hypervisor().find(spec).orElseThrow();
        try (VirtualMachine adopted = hypervisor().adopt(spec, process, soon())) {
            assertThat(adopted.identity()).isEqualTo(process);
            assertThat(adopted.status(soon())).isEqualTo(VmStatus.RUNNING);
            var recorder = new Recorder();
            adopted.listen(recorder);
            adopted.pause(soon());
            recorder.next(VmEvent.Paused.class);
            adopted.kill(soon());
            assertThat(recorder.exits.take().reason()).isEqualTo(VmExit.Reason.KILLED);
            assertThat(adopted.agentSocket()).doesNotExist();
        }
    }

    @Test
    void aMachineThatIsHeldCannotBeAdopted() throws IOException {
        VirtualMachineSpec spec = spec(Behaviour.IDLES);
        try (VirtualMachine machine = hypervisor().launch(spec, soon())) {
            assertThat(
                            codeOf(() ->
                                    hypervisor()
                                            .adopt(
                                                    spec,
                                                    machine.identity(),
                                                    Deadline.after(Duration.ofMillis(100)))))
                    .isEqualTo(FaultCode.DEADLINE_EXCEEDED);
            assertThat(machine.status(soon())).isEqualTo(VmStatus.PREPARED);
        }
    }

    @Test
    void theLimitsOfItsDisksAreTheMachinesAndWhoeverAdoptsItFindsThem() throws IOException {
        DiskLimits first = new DiskLimits(1_000_000, 2_000_000, 0, 0);
        DiskLimits later = new DiskLimits(0, 0, 100, 0);
        VirtualMachineSpec spec = withWritableDisk(spec(Behaviour.IDLES), first);
        try (VirtualMachine machine = hypervisor().launch(spec, soon())) {
            assertThat(machine.diskLimits(soon())).isEqualTo(first);
            machine.limitDisks(later, soon());
        }
        ProcessIdentity process = hypervisor().find(spec).orElseThrow();
        try (VirtualMachine adopted = hypervisor().adopt(spec, process, soon())) {
            assertThat(adopted.diskLimits(soon())).isEqualTo(later);
            adopted.limitDisks(DiskLimits.NONE, soon());
            assertThat(adopted.diskLimits(soon())).isEqualTo(DiskLimits.NONE);
            adopted.kill(soon());
            assertThat(codeOf(() -> adopted.diskLimits(soon()))).isEqualTo(FaultCode.UNAVAILABLE);
        }
    }

    @Test
    void disksThatNobodyWritesToHaveNoLimits() throws IOException {
        try (VirtualMachine machine = launch(Behaviour.IDLES)) {
            assertThat(codeOf(() -> machine.diskLimits(soon())))
                    .isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(codeOf(() -> machine.limitDisks(DiskLimits.NONE, soon())))
                    .isEqualTo(FaultCode.FAILED_PRECONDITION);
        }
    }

    private VirtualMachineSpec withWritableDisk(VirtualMachineSpec spec, DiskLimits limits)
            throws IOException {
        Path image = Files.write(root.resolve("writable"), new byte[1 << 20]);
        List<Disk> disks = new ArrayList<>(spec.disks());
        disks.add(new Disk("data", image, false, "data", Disk.LAST_SLOT));
        return new VirtualMachineSpec(
                spec.id(),
                spec.directory(),
                spec.accelerator(),
                spec.machineType(),
                spec.machineOptions(),
                spec.cpu(),
                spec.memory(),
                spec.boot(),
                disks,
                limits,
                spec.fileSystem(),
                spec.entropySource(),
                spec.agentPort(),
                spec.security(),
                spec.cgroupProcsFiles(),
                spec.hypervisor());
    }

    @Test
    void aMachineThatHasEndedCannotBeAdopted() throws IOException {
        VirtualMachineSpec spec = spec(Behaviour.IDLES);
        try (VirtualMachine machine = hypervisor().launch(spec, soon())) {
            machine.kill(soon());
            assertThat(codeOf(() -> hypervisor().adopt(spec, machine.identity(), soon())))
                    .isEqualTo(FaultCode.NOT_FOUND);
        }
    }

    @Test
    void aMissingFileIsNamedAndNothingIsLeft() throws IOException {
        VirtualMachineSpec good = spec(Behaviour.IDLES);
        VirtualMachineSpec bad =
                new VirtualMachineSpec(
                        good.id(),
                        good.directory(),
                        good.accelerator(),
                        good.machineType(),
                        good.machineOptions(),
                        good.cpu(),
                        good.memory(),
                        new BootSpec(
                                root.resolve("no-such-kernel"),
                                Optional.empty(),
                                good.boot().parameters()),
                        good.disks(),
                        good.diskLimits(),
                        good.fileSystem(),
                        good.entropySource(),
                        good.agentPort(),
                        good.security(),
                        good.cgroupProcsFiles(),
                        good.hypervisor());
        assertThatThrownBy(() -> hypervisor().launch(bad, soon()))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
                            assertThat(fault.getMessage() + fault.getCause())
                                    .contains("no-such-kernel");
                        });
        assertThat(hypervisor().find(bad)).isEmpty();
    }

    @Test
    void theCommandIsTheSameEachTime() throws IOException {
        VirtualMachineSpec spec = spec(Behaviour.IDLES);
        assertThat(hypervisor().command(spec)).isEqualTo(hypervisor().command(spec));
        assertThat(hypervisor().command(spec).arguments().getFirst())
                .isEqualTo(spec.hypervisor().toString());
    }

    private static FaultCode codeOf(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }
}
