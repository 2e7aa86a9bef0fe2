// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.vmm.HypervisorContract.Behaviour;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A kernel of a few instructions: the header that a boot loader looks for, and real-mode code that
 * never goes further.
 *
 * @see <a href="https://docs.kernel.org/arch/x86/boot.html">The Linux/x86 Boot Protocol</a>
 */
final class TinyKernel {
    private static final int SECTOR = 512;
    private static final int CODE = 0x280;

    private TinyKernel() {}

    static byte[] image(Behaviour behaviour) {
        ByteBuffer image = ByteBuffer.allocate(3 * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) 1); // sectors of real-mode code after the first one
        image.putInt(0x1f4, SECTOR / 16); // size of what would follow, in paragraphs
        image.putShort(0x1fe, (short) 0xaa55);
        image.put(0x200, hex("eb7e")); // jmp 0x280
        image.put(0x202, hex("48647253")); // "HdrS"
        image.putShort(0x206, (short) 0x0203); // version of the protocol
        image.put(0x211, (byte) 1); // loaded high
        image.putInt(0x22c, 0x37ffffff); // highest address of an initrd
        image.put(CODE, hex(code(behaviour) + "f4ebfd")); // 1: hlt; jmp 1b
        return image.array();
    }

    private static String code(Behaviour behaviour) {
        return switch (behaviour) {
            case IDLES -> "";
            case SAYS_HI -> "baf803 b068 ee b069 ee"; // out 0x3f8, 'h'; out 0x3f8, 'i'
            case POWERS_OFF -> "ba0406 b80020 ef"; // out 0x604, 0x2000: ACPI PM1a, S5
            case REBOOTS -> "baf90c b006 ee"; // out 0xcf9, 6: the chipset's reset register
            case PANICS -> "ba0505 b001 ee"; // out 0x505, 1: the panic device
        };
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }
}
