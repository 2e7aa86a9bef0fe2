// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import java.util.HexFormat;

/**
 * The smallest guest that proves that guests run: 64 KiB of firmware, of which some 600 bytes are
 * code. It goes the way that a kernel goes: real mode, protected mode, paging and long mode, vector
 * registers, code that was copied to memory, the local APIC and an interrupt of its timer, user
 * mode and back. After each step it writes a letter to {@link #STEP_PORT}; at the end it writes to
 * {@link #EXIT_PORT}.
 *
 * <p>A tiny program that stays in real mode would not do: some accelerators emulate that in
 * software, pass it, and fail at the first instruction that only a processor can carry out.
 */
final class ProbeFirmware {
    /** Where the letters go: an {@code isa-debugcon} listens there. */
    static final int STEP_PORT = 0xe9;

    /** Where the end is told: an {@code isa-debug-exit} listens there. */
    static final int EXIT_PORT = 0xf4;

    /** QEMU's exit status after 0x10 was written to {@link #EXIT_PORT}: twice that, plus one. */
    static final int EXIT_STATUS = 0x21;

    /** What has been written to {@link #STEP_PORT} in the end. */
    static final String ALL_STEPS = "rcplmatu";

    private static final int SIZE = 64 * 1024;

    /**
     * The code stands at 0xff000; the processor begins sixteen bytes before the end of the image.
     */
    private static final int CODE_OFFSET = 0xf000;

    private static final int RESET_OFFSET = 0xfff0;

    private ProbeFirmware() {}

    /** {@return the firmware's image} */
    static byte[] image() {
        byte[] image = new byte[SIZE];
        put(image, CODE_OFFSET, CODE);
        put(image, RESET_OFFSET, RESET);
        return image;
    }

    /** {@return what the guest did last, for people, given what it wrote to {@link #STEP_PORT}} */
    static String lastStep(String steps) {
        if (steps.isEmpty()) {
            return "before its first instruction";
        }
        return switch (steps.charAt(steps.length() - 1)) {
            case 'r' -> "in real mode";
            case 'c' -> "while it entered protected mode";
            case 'p' -> "while it entered long mode";
            case 'l' -> "at its first 64-bit computations";
            case 'm' -> "at its local APIC";
            case 'a' -> "while it waited for a timer interrupt";
            case 't' -> "on its way to user mode and back";
            case 'u' -> "at its very end";
            default -> "at an unknown place";
        };
    }

    private static void put(byte[] image, int offset, String listing) {
        StringBuilder hex = new StringBuilder();
        for (String line : listing.split("\n")) {
            int comment = line.indexOf("//");
            hex.append((comment < 0 ? line : line.substring(0, comment)).strip());
        }
        byte[] bytes = HexFormat.of().parseHex(hex);
        System.arraycopy(bytes, 0, image, offset, bytes.length);
    }

    private static final String CODE =
            """
                                     // --- real mode; long mode must exist, time must pass
            fa                       // cli
            b072                     // mov al, 'r'
            e6e9                     // out 0xe9, al
            66b801000080             // mov eax, 0x80000001
            0fa2                     // cpuid
            660fbae21d               // bt edx, 29
            7351                     // jnc stop16
            0f31                     // rdtsc
            6689c3                   // mov ebx, eax
            6631c0                   // xor eax, eax
            0fa2                     // cpuid
            0f31                     // rdtsc
            6639d8                   // cmp eax, ebx
            7440                     // je stop16
            b063                     // mov al, 'c'
            e6e9                     // out 0xe9, al
                                     // --- page tables: the first 2 MiB, and the local APIC's page
            31c0                     // xor ax, ax
            8ed8                     // mov ds, ax
            c70600100720             // mov word ptr [0x1000], 0x2007
            c70600200730             // mov word ptr [0x2000], 0x3007
            c70618200740             // mov word ptr [0x2018], 0x4007
            c70600308700             // mov word ptr [0x3000], 0x0087
            66c706b84f9b00e0fe       // mov dword ptr [0x4fb8], 0xfee0009b
            2e660f011638f2           // lgdt cs:[gdtr]
            0f20c0                   // mov eax, cr0
            0c01                     // or al, 1
            0f22c0                   // mov cr0, eax
            66ea68f00f000800         // jmp 0x08:prot
                                     // stop16:
            f4                       // hlt
            ebfd                     // jmp stop16
                                     // --- prot: 32 bits
            b810000000               // mov eax, 0x10
            8ed8                     // mov ds, eax
            8ec0                     // mov es, eax
            8ed0                     // mov ss, eax
            b070                     // mov al, 'p'
            e6e9                     // out 0xe9, al
            b820020000               // mov eax, 0x220         PAE, OSFXSR
            0f22e0                   // mov cr4, eax
            b800100000               // mov eax, 0x1000
            0f22d8                   // mov cr3, eax
            b9800000c0               // mov ecx, 0xc0000080    EFER
            0f32                     // rdmsr
            0d01010000               // or eax, 0x101          LME, SCE
            0f30                     // wrmsr
            0f20c0                   // mov eax, cr0
            25f3ffff9f               // and eax, 0x9ffffff3    caches on, no emulated FPU
            0d03000080               // or eax, 0x80000003     PG, MP, PE
            0f22c0                   // mov cr0, eax
            eaacf00f001800           // jmp 0x18:long
                                     // --- long: 64 bits; fill and check 1 MiB
            bc00700000               // mov esp, 0x7000
            b06c                     // mov al, 'l'
            e6e9                     // out 0xe9, al
            48b85a5a5a5a5a5a5a5a     // mov rax, 0x5a5a5a5a5a5a5a5a
            bf00001000               // mov edi, 0x100000
            b900000200               // mov ecx, 0x20000
            f348ab                   // rep stosq
            483b0425f8ff1f00         // cmp rax, [0x1ffff8]
            0f85f9000000             // jne stop64
                                     // vector registers
            66480f6ec0               // movq xmm0, rax
            660ffcc0                 // paddb xmm0, xmm0
            66480f7ec3               // movq rbx, xmm0
            4801c0                   // add rax, rax
            38c3                     // cmp bl, al
            0f85e0000000             // jne stop64
                                     // code that was written just now
            488d35f0000000           // lea rsi, [rip + sum]
            bf00900000               // mov edi, 0x9000
            b90c000000               // mov ecx, 12
            f3a4                     // rep movsb
            b800900000               // mov eax, 0x9000
            ffd0                     // call rax
            3dba130000               // cmp eax, 5050
            0f85bb000000             // jne stop64
            b06d                     // mov al, 'm'
            e6e9                     // out 0xe9, al
                                     // --- an interrupt gate, the local APIC, its timer
            66c7042500840000d6f1     // mov word ptr [0x8400], tick
            c70425028400001800008e   // mov dword ptr [0x8402], 0x8e000018
            c70425068400000f000000   // mov dword ptr [0x8406], 0x0000000f
            0f011dfb000000           // lidt [rip + idtr]
            bf0000e0fe               // mov edi, 0xfee00000
            837f3000                 // cmp dword ptr [rdi + 0x30], 0    version
            0f8481000000             // je stop64
            c787f0000000ff010000     // mov dword ptr [rdi + 0xf0], 0x1ff    enabled
            c787e00300000b000000     // mov dword ptr [rdi + 0x3e0], 0x0b    divided by 1
            c7872003000040000000     // mov dword ptr [rdi + 0x320], 0x40    once, vector 0x40
            c7878003000000000100     // mov dword ptr [rdi + 0x380], 0x10000
            b061                     // mov al, 'a'
            e6e9                     // out 0xe9, al
                                     // wait:
            fb                       // sti
            f4                       // hlt
            fa                       // cli
            803c25007f000001         // cmp byte ptr [0x7f00], 1
            75f3                     // jne wait
            b074                     // mov al, 't'
            e6e9                     // out 0xe9, al
                                     // --- user mode and back
            b9810000c0               // mov ecx, 0xc0000081    STAR
            31c0                     // xor eax, eax
            ba18002b00               // mov edx, 0x002b0018
            0f30                     // wrmsr
            ffc1                     // inc ecx                LSTAR
            b8cbf10f00               // mov eax, back
            31d2                     // xor edx, edx
            0f30                     // wrmsr
            ffc1                     // inc ecx
            ffc1                     // inc ecx                FMASK
            31c0                     // xor eax, eax
            0f30                     // wrmsr
            488d0d09000000           // lea rcx, [rip + user]
            41bb02000000             // mov r11d, 2
            480f07                   // sysretq
                                     // user:
            0f31                     // rdtsc
            890425087f0000           // mov [0x7f08], eax
            0f05                     // syscall
                                     // back:
            b075                     // mov al, 'u'
            e6e9                     // out 0xe9, al
            b010                     // mov al, 0x10
            e6f4                     // out 0xf4, al
                                     // stop64:
            f4                       // hlt
            ebfd                     // jmp stop64
                                     // tick:
            c60425007f000001         // mov byte ptr [0x7f00], 1
            c787b000000000000000     // mov dword ptr [rdi + 0xb0], 0    end of interrupt
            48cf                     // iretq
                                     // sum: 1 + 2 + ... + 100
            31c0                     // xor eax, eax
            b964000000               // mov ecx, 100
            01c8                     // 1: add eax, ecx
            e2fc                     // loop 1b
            c3                       // ret
            6690                     // (alignment)
                                     // gdt:
            0000000000000000         // 0x00
            ffff0000009bcf00         // 0x08 code, 32 bits
            ffff00000093cf00         // 0x10 data
            ffff0000009baf00         // 0x18 code, 64 bits
            ffff00000093cf00         // 0x20 data
            ffff000000fbcf00         // 0x28 the user's code, 32 bits
            ffff000000f3cf00         // 0x30 the user's data
            ffff000000fbaf00         // 0x38 the user's code, 64 bits
            3f00                     // gdtr: limit
            f8f10f00                 //       base
            0f04                     // idtr: limit
            0080000000000000         //       base
            """;

    private static final String RESET =
            """
            ea00f000f0               // jmp 0xf000:0xf000
            """;
}
