// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.Locale;

/** What a kernel runs on. */
enum Architecture {
    X86_64("x86", "vmlinux", "arch/x86/boot/bzImage", "bzImage", "x86_64-linux-gnu-"),
    /** QEMU starts the file {@code Image}; the unpacked ELF file is of no use to it. */
    AARCH64(
            "arm64",
            "arch/arm64/boot/Image",
            "arch/arm64/boot/Image.gz",
            "Image.gz",
            "aarch64-linux-gnu-");

    private final String kbuild;
    private final String unpacked;
    private final String packed;
    private final String target;
    private final String toolPrefix;

    Architecture(String kbuild, String unpacked, String packed, String target, String toolPrefix) {
        this.kbuild = kbuild;
        this.unpacked = unpacked;
        this.packed = packed;
        this.target = target;
        this.toolPrefix = toolPrefix;
    }

    /**
     * {@return the architecture that {@code uname -m} or Debian calls so}
     *
     * @throws Fault INVALID_ARGUMENT if there is none
     */
    static Architecture of(String name) {
        return switch (name) {
            case "x86_64", "amd64" -> X86_64;
            case "aarch64", "arm64" -> AARCH64;
            case "ppc64le", "riscv64", "s390x" ->
                    throw Fault.invalidArgument("no kernel for %s can be built", name)
                            .withHint(
                                    "bunkai runs machines of x86_64 and aarch64, and has no"
                                            + " fragments for others");
            default ->
                    throw Fault.invalidArgument("there is no architecture '%s'", name)
                            .withHint("x86_64 or aarch64");
        };
    }

    /** {@return what this machine is} */
    static Architecture ofThisMachine() {
        return of(System.getProperty("os.arch", ""));
    }

    /** {@return its name as {@code uname -m} prints it} */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** {@return its name to the kernel's own makefiles} */
    String kbuild() {
        return kbuild;
    }

    /** {@return the kernel that is started as it is, beneath the build folder} */
    String unpacked() {
        return unpacked;
    }

    /** {@return the kernel that unpacks itself, or is unpacked by a boot loader} */
    String packed() {
        return packed;
    }

    /** {@return what make is asked for} */
    List<String> targets() {
        return this == X86_64 ? List.of("vmlinux", target) : List.of("Image", target);
    }

    /** {@return what the names of the compiler's programs begin with on another machine} */
    String crossPrefix(Architecture machine) {
        return machine == this ? "" : toolPrefix;
    }
}
