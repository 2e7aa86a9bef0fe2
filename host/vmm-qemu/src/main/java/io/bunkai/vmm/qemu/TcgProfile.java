// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import java.util.List;
import java.util.Optional;

/** Everything that is tuned for software emulation. */
record TcgProfile() implements Profile {
    /**
     * The buffer for translated code. QEMU's default costs some 80 MiB more for each machine; below
     * 32 MiB the same code is translated over and over, up to ten times slower; 64 MiB is 1.5 to
     * 1.8 times faster than 32.
     */
    private static final int TRANSLATION_BUFFER_MIB = 64;

    /** One host thread for each processor. */
    @Override
    public String accelerator() {
        return "tcg,thread=multi,tb-size=" + TRANSLATION_BUFFER_MIB;
    }

    /**
     * Every instruction that can be translated, and no promise that string instructions are fast:
     * here they are carried out byte by byte, and a kernel that believes the promise clears its
     * memory that way (an eighth of a boot).
     */
    @Override
    public String cpu(List<String> features) {
        return Options.list("max,erms=off", features);
    }

    /**
     * The small firmware that comes with QEMU: it hands over the tables and starts the kernel, and
     * looks for no keyboard, screen or disk. A kernel of ours has its first program a twentieth
     * earlier.
     */
    @Override
    public Optional<String> firmware(String machineType) {
        boolean known = machineType.startsWith("q35") || machineType.startsWith("pc");
        return known ? Optional.of("qboot.rom") : Optional.empty();
    }

    /**
     * The small firmware does not know how a table is told where it lies in memory, and hangs. The
     * agent is given new entropy either way.
     */
    @Override
    public boolean hasGenerationId() {
        return false;
    }
}
