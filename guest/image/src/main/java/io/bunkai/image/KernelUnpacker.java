// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Takes the kernel out of the file that unpacks itself. Under software emulation the unpacking is a
 * tenth of the boot, and a kernel with a PVH entry can be started without it.
 *
 * @spec https://docs.kernel.org/arch/x86/boot.html the x86 boot protocol
 * @spec https://xenbits.xen.org/docs/unstable/misc/pvh.html PVH
 * @spec https://github.com/lz4/lz4/blob/v1.9.4/doc/lz4_Frame_format.md LZ4, legacy frame
 * @spec https://github.com/lz4/lz4/blob/v1.9.4/doc/lz4_Block_format.md LZ4 block
 */
final class KernelUnpacker {
    private static final int BOOT_MAGIC_AT = 0x202;
    private static final int BOOT_MAGIC = 0x53726448; // "HdrS"
    private static final int PROTOCOL_AT = 0x206;
    private static final int PROTOCOL_WITH_PAYLOAD = 0x208;
    private static final int SETUP_SECTORS_AT = 0x1f1;
    private static final int DEFAULT_SETUP_SECTORS = 4;
    private static final int SECTOR = 512;
    private static final int PAYLOAD_OFFSET_AT = 0x248;
    private static final int PAYLOAD_LENGTH_AT = 0x24c;
    private static final int LZ4_LEGACY = 0x184c2102;
    private static final int LZ4_BLOCK = 8 << 20;
    private static final int MIN_MATCH = 4;
    private static final int NOTE_HEADER = 12;
    private static final int XEN = 0x006e6558; // "Xen" and a zero
    private static final int PVH_ENTRY = 18;

    private KernelUnpacker() {}

    /**
     * Writes the kernel inside {@code packed} to {@code target}, as an ELF file.
     *
     * @return false, with nothing written, if the file is none of the x86 boot protocol, is not
     *     packed with LZ4 or has no PVH entry: it can be booted all the same
     * @throws Fault INVALID_ARGUMENT if what is packed is damaged
     */
    static boolean unpack(Path packed, Path target) throws IOException {
        ByteBuffer file =
                ByteBuffer.wrap(Files.readAllBytes(packed)).order(ByteOrder.LITTLE_ENDIAN);
        if (file.limit() < PAYLOAD_LENGTH_AT + 4
                || file.getInt(BOOT_MAGIC_AT) != BOOT_MAGIC
                || file.getShort(PROTOCOL_AT) < PROTOCOL_WITH_PAYLOAD) {
            return false;
        }
        int sectors = Byte.toUnsignedInt(file.get(SETUP_SECTORS_AT));
        int setup = (sectors == 0 ? DEFAULT_SETUP_SECTORS : sectors) + 1;
        try {
            ByteBuffer payload =
                    file.slice(
                                    setup * SECTOR + file.getInt(PAYLOAD_OFFSET_AT),
                                    file.getInt(PAYLOAD_LENGTH_AT))
                            .order(ByteOrder.LITTLE_ENDIAN);
            if (payload.getInt() != LZ4_LEGACY) {
                return false;
            }
            // The size of what is packed stands behind the last block.
            int size = payload.getInt(payload.limit() - 4);
            payload.limit(payload.limit() - 4);
            Files.write(target, unpackBlocks(payload, size));
        } catch (IndexOutOfBoundsException | java.nio.BufferUnderflowException e) {
            throw Fault.invalidArgument("the kernel in %s is damaged", packed).causedBy(e);
        }
        boolean bootable = hasPvhEntry(target);
        if (!bootable) {
            Files.delete(target);
        }
        return bootable;
    }

    /** Without this note QEMU would not know where the kernel begins. */
    private static boolean hasPvhEntry(Path kernel) throws IOException {
        byte[] notes = ElfFile.read(kernel).section(".notes").orElse(new byte[0]);
        ByteBuffer buffer = ByteBuffer.wrap(notes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.remaining() >= NOTE_HEADER) {
            int nameBytes = buffer.getInt();
            int contentBytes = buffer.getInt();
            int type = buffer.getInt();
            int next = buffer.position() + padded(nameBytes) + padded(contentBytes);
            boolean xen = nameBytes == 4 && buffer.remaining() >= 4 && buffer.getInt() == XEN;
            if (xen && type == PVH_ENTRY) {
                return true;
            }
            if (next < buffer.position() || next > buffer.limit()) {
                return false;
            }
            buffer.position(next);
        }
        return false;
    }

    private static int padded(int bytes) {
        return bytes + 3 & ~3;
    }

    private static byte[] unpackBlocks(ByteBuffer payload, int size) {
        if (size < 0) {
            throw new IndexOutOfBoundsException(size);
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream(size);
        byte[] block = new byte[LZ4_BLOCK];
        while (payload.remaining() > 4) {
            int length = payload.getInt();
            int end = payload.position() + length;
            all.write(block, 0, unpackBlock(payload, end, block));
            payload.position(end);
        }
        if (all.size() != size) {
            throw new IndexOutOfBoundsException(
                    "the kernel has %d bytes, not %d".formatted(all.size(), size));
        }
        return all.toByteArray();
    }

    /** {@return how many bytes of {@code block} were filled} */
    private static int unpackBlock(ByteBuffer in, int end, byte[] block) {
        int out = 0;
        while (in.position() < end) {
            int token = Byte.toUnsignedInt(in.get());
            int literals = length(in, token >> 4);
            in.get(block, out, literals);
            out += literals;
            if (in.position() >= end) {
                break; // the last sequence has literals only
            }
            int distance = Short.toUnsignedInt(in.getShort());
            int match = length(in, token & 15) + MIN_MATCH;
            if (distance == 0 || distance > out || match > block.length - out) {
                throw new IndexOutOfBoundsException(distance);
            }
            // Byte by byte: a match may overlap what it produces.
            for (int i = 0; i < match; i++, out++) {
                block[out] = block[out - distance];
            }
        }
        return out;
    }

    private static int length(ByteBuffer in, int first) {
        int length = first;
        if (first == 15) {
            int more;
            do {
                more = Byte.toUnsignedInt(in.get());
                length += more;
            } while (more == 255);
        }
        return length;
    }
}
