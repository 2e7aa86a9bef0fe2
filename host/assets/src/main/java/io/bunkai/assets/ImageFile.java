// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What the first bytes of a disk image say about it.
 *
 * @param bytes its size
 * @param partitionOffset where its first partition begins; 0 if it has none
 * @param dax whether it has a super-block for access without the page cache, and a valid one
 * @param fileSystem what is in it: {@code erofs}, {@code ext4}, {@code xfs}; empty if that is
 *     something else
 * @param compressed whether reading it needs LZ4
 * @param uuid of the file system, in hexadecimal
 * @spec https://docs.kernel.org/filesystems/erofs.html EROFS
 */
record ImageFile(
        long bytes,
        long partitionOffset,
        Optional<Boolean> dax,
        String fileSystem,
        boolean compressed,
        String uuid) {
    private static final int SECTOR = 512;
    private static final int PARTITION_ENTRY = 446;
    private static final int BOOT_SIGNATURE = 510;
    private static final int DAX_OFFSET = 4096;
    private static final int DAX_BYTES = 4096;
    private static final int SUPER_BLOCK = 1024;
    private static final int EROFS_MAGIC = 0xE0F5E1E2;
    private static final int EXT_MAGIC = 0xEF53;
    private static final String DAX_SIGNATURE = "NVDIMM_PFN_INFO\0";
    private static final int UUID_BYTES = 16;

    static ImageFile read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer head = at(channel, 0, DAX_OFFSET + DAX_BYTES);
            long offset = 0;
            if ((head.getShort(BOOT_SIGNATURE) & 0xffff) == 0xaa55
                    && head.get(PARTITION_ENTRY + 4) != 0) {
                offset = (head.getInt(PARTITION_ENTRY + 8) & 0xffffffffL) * SECTOR;
            }
            Optional<Boolean> dax =
                    text(head, DAX_OFFSET, DAX_SIGNATURE.length()).equals(DAX_SIGNATURE)
                            ? Optional.of(checksum(head) == head.getLong(DAX_OFFSET + 4088))
                            : Optional.empty();
            ByteBuffer fs = at(channel, offset, 2 * SUPER_BLOCK);
            String kind = "";
            String uuid = "";
            boolean compressed = false;
            if (fs.getInt(SUPER_BLOCK) == EROFS_MAGIC) {
                kind = "erofs";
                uuid = hex(fs, SUPER_BLOCK + 48);
                compressed = (fs.getInt(SUPER_BLOCK + 80) & 1) != 0;
            } else if ((fs.getShort(SUPER_BLOCK + 56) & 0xffff) == EXT_MAGIC) {
                kind = "ext4";
                uuid = hex(fs, SUPER_BLOCK + 0x68);
            } else if (text(fs, 0, 4).equals("XFSB")) {
                kind = "xfs";
                uuid = hex(fs, 32);
            }
            return new ImageFile(channel.size(), offset, dax, kind, compressed, uuid);
        }
    }

    /**
     * The kernel's fletcher64 over the block, the checksum itself taken as zero.
     *
     * @spec https://github.com/torvalds/linux/blob/v6.1/drivers/nvdimm/core.c nd_fletcher64
     */
    private static long checksum(ByteBuffer head) {
        int low = 0;
        long high = 0;
        for (int at = 0; at < DAX_BYTES; at += Integer.BYTES) {
            low += at < DAX_BYTES - Long.BYTES ? head.getInt(DAX_OFFSET + at) : 0;
            high += low & 0xffffffffL;
        }
        return (high << 32) | (low & 0xffffffffL);
    }

    /** What is beyond the file's end reads as zeros. */
    private static ByteBuffer at(FileChannel channel, long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                break;
            }
        }
        return buffer;
    }

    private static String text(ByteBuffer buffer, int at, int length) {
        return new String(bytes(buffer, at, length), StandardCharsets.ISO_8859_1);
    }

    private static String hex(ByteBuffer buffer, int at) {
        return HexFormat.of().formatHex(bytes(buffer, at, UUID_BYTES));
    }

    private static byte[] bytes(ByteBuffer buffer, int at, int length) {
        byte[] bytes = new byte[length];
        buffer.get(at, bytes);
        return bytes;
    }
}
