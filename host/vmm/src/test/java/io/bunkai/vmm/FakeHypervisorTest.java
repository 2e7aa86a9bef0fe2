// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.ByteSize;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Signals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

class FakeHypervisorTest extends HypervisorContract {
    private final FakeHypervisor hypervisor =
            new FakeHypervisor(machine -> {
                switch (Behaviour.valueOf(machine.spec().boot().commandLine())) {
                    case IDLES -> {}
                    case SAYS_HI -> machine.console("hi");
                    case POWERS_OFF -> machine.powerOff();
                    case REBOOTS -> machine.reboot();
                    case PANICS -> machine.panic();
                }
            });

    @Override
    protected Hypervisor hypervisor() {
        return hypervisor;
    }

    @Override
    protected VirtualMachineSpec spec(Path directory, Behaviour behaviour) throws IOException {
        Path kernel = directory.resolveSibling("kernel");
        Files.write(kernel, new byte[0]);
        return new VirtualMachineSpec(
                "fake",
                directory,
                Accelerator.TCG,
                "q35",
                "",
                CpuSpec.of(1),
                new MemorySpec(ByteSize.ofMib(64), false),
                new BootSpec(kernel, Optional.empty(), List.of(behaviour.name())),
                List.of(),
                DiskLimits.NONE,
                Optional.empty(),
                Optional.empty(),
                "agent.channel.0",
                SecuritySpec.STRICT,
                List.of(),
                Path.of("/usr/bin/fake"));
    }

    @Override
    protected void killFromOutside(VirtualMachine machine) {
        hypervisor.living().forEach(living -> living.die(new ExitStatus(0, Signals.SIGKILL)));
    }
}
