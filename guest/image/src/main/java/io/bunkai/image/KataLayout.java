// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Kata Containers' layout of a disk image, which one file can be both ways: as a block device the
 * first partition table holds. As persistent memory, the kernel reads the DAX super-block, takes
 * the device to begin at 2 MiB, finds the second table there, and the same partition by it.
 *
 * <pre>
 * 0      partition table: one partition at 3 MiB
 * 4 KiB  DAX super-block
 * 2 MiB  partition table: one partition at 1 MiB, counted from here
 * 3 MiB  file system
 * </pre>
 */
final class KataLayout {
    /** Where the file system begins. */
    static final int PARTITION_OFFSET = 3 << 20;

    private static final int DATA_OFFSET = 2 << 20;
    private static final int DAX_OFFSET = 4096;
    private static final int DAX_BYTES = 4096;
    private static final int SECTOR = 512;
    private static final int PARTITION_ALIGNMENT = 1 << 20;
    private static final int CHUNK = 1 << 20;
    private static final byte LINUX = (byte) 0x83;

    private KataLayout() {}

    /**
     * Puts a file system into the layout. What is empty takes no room on the disk.
     *
     * @param fileSystem the file with it
     * @param image the file to write
     * @param alignMib what its size is a multiple of
     * @param uuid identifies the image; its first bytes also sign the partition tables
     */
    static void write(Path fileSystem, Path image, int alignMib, UUID uuid)
            throws IOException, InterruptedException {
        try (FileChannel source = FileChannel.open(fileSystem);
                FileChannel target =
                        FileChannel.open(
                                image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long partition = roundUp(source.size(), PARTITION_ALIGNMENT);
            long size = roundUp(PARTITION_OFFSET + partition, (long) alignMib << 20);
            write(target, partitionTable(PARTITION_OFFSET, partition, uuid), 0);
            write(target, daxSuperBlock(uuid), DAX_OFFSET);
            write(
                    target,
                    partitionTable(PARTITION_OFFSET - DATA_OFFSET, partition, uuid),
                    DATA_OFFSET);
            copy(source, target);
            write(target, ByteBuffer.allocate(1), size - 1);
        } catch (ClosedByInterruptException e) {
            InterruptedException interruption = new InterruptedException("while copying");
            interruption.initCause(e);
            throw interruption;
        }
    }

    /** Chunks of zeros are left out. */
    private static void copy(FileChannel source, FileChannel target) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        ByteBuffer zeros = ByteBuffer.allocate(CHUNK);
        for (long at = 0; at < source.size(); at += CHUNK) {
            chunk.clear();
            while (chunk.hasRemaining() && source.read(chunk, at + chunk.position()) >= 0) {
                // goes on until the chunk is full or the file ends
            }
            chunk.flip();
            if (!chunk.equals(zeros.limit(chunk.limit()))) {
                write(target, chunk, PARTITION_OFFSET + at);
            }
        }
    }

    /**
     * A partition table with one entry. Addresses in cylinders are the largest there are, as for a
     * disk that has no such geometry.
     */
    private static ByteBuffer partitionTable(long offset, long bytes, UUID uuid) {
        ByteBuffer table = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        table.putInt(440, (int) (uuid.getMostSignificantBits() >>> 32)); // the disk's signature
        int entry = 446;
        table.put(entry + 1, new byte[] {(byte) 0xfe, (byte) 0xff, (byte) 0xff});
        table.put(entry + 4, LINUX);
        table.put(entry + 5, new byte[] {(byte) 0xfe, (byte) 0xff, (byte) 0xff});
        table.putInt(entry + 8, Math.toIntExact(offset / SECTOR));
        table.putInt(entry + 12, Math.toIntExact(bytes / SECTOR));
        table.putShort(510, (short) 0xaa55);
        return table;
    }

    /**
     * The kernel's {@code struct nd_pfn_sb}, version 0.2.
     *
     * @spec https://github.com/torvalds/linux/blob/v6.1/drivers/nvdimm/pfn.h struct nd_pfn_sb
     */
    private static ByteBuffer daxSuperBlock(UUID uuid) {
        ByteBuffer block = ByteBuffer.allocate(DAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        block.put(0, "NVDIMM_PFN_INFO\0".getBytes(StandardCharsets.US_ASCII));
        block.put(16, bytes(uuid)); // and 16 bytes for a parent, of which there is none
        // 48 flags 0; 52 version_major 0
        block.putShort(54, (short) 2); // version_minor
        block.putLong(56, DATA_OFFSET); // dataoff
        // 64 npfns 0: as many as there are
        block.putInt(72, 1); // mode: the table of pages is in memory
        // 76 start_pad 0; 80 end_trunc 0
        block.putInt(84, DATA_OFFSET); // align: 2 MiB, a large page
        block.putLong(DAX_BYTES - Long.BYTES, fletcher64(block));
        return block;
    }

    /** The kernel's {@code nd_fletcher64}, of a block whose checksum is still 0. */
    private static long fletcher64(ByteBuffer block) {
        int low = 0;
        long high = 0;
        for (int at = 0; at < DAX_BYTES; at += Integer.BYTES) {
            low += block.getInt(at);
            high += low & 0xffffffffL;
        }
        return (high << 32) | (low & 0xffffffffL);
    }

    private static byte[] bytes(UUID uuid) {
        return ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array();
    }

    private static long roundUp(long value, long unit) {
        return Math.ceilDiv(value, unit) * unit;
    }

    private static void write(FileChannel target, ByteBuffer content, long at) throws IOException {
        long position = at;
        while (content.hasRemaining()) {
            position += target.write(content, position);
        }
    }
}
