// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.oci.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;

/** Tells cheaply whether a disk is whole and whose it is, from its first block and its length. */
final class ErofsSuperBlock {
    private static final int UUID_BYTES = 16;

    private ErofsSuperBlock() {}

    /** {@return what the file system's id is for an image, in hexadecimal digits} */
    static String uuidOf(Digest image) {
        return image.hex().substring(0, 2 * UUID_BYTES);
    }

    /**
     * {@return whether the file is the complete disk of this image} Damage behind the first block
     * is not found, and what stands behind the file system is not looked at: a machine may want its
     * disks to look larger than they are.
     */
    static boolean isDiskOf(Digest image, Path disk) throws IOException {
        byte[] block = new byte[ErofsFormat.BLOCK];
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.READ)) {
            if (!readFirst(channel, block)) {
                return false;
            }
            ByteBuffer fields = fields(block);
            byte[] uuid = new byte[UUID_BYTES];
            fields.get(ErofsFormat.SUPER_UUID, uuid);
            return fields.getInt(0) == ErofsFormat.MAGIC
                    && fields.getInt(ErofsFormat.SUPER_CHECKSUM) == ErofsWriter.checksum(block)
                    && HexFormat.of().formatHex(uuid).equals(uuidOf(image))
                    && channel.size() >= bytes(fields);
        }
    }

    /** {@return how many bytes the file system has, whatever the file's length} */
    static long bytesOf(Path disk) throws IOException {
        byte[] block = new byte[ErofsFormat.BLOCK];
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.READ)) {
            return readFirst(channel, block) ? bytes(fields(block)) : 0;
        }
    }

    private static boolean readFirst(FileChannel channel, byte[] block) throws IOException {
        ByteBuffer target = ByteBuffer.wrap(block);
        while (target.hasRemaining()) {
            if (channel.read(target) < 0) {
                return false;
            }
        }
        return true;
    }

    private static ByteBuffer fields(byte[] block) {
        return ByteBuffer.wrap(block, ErofsFormat.SUPER_OFFSET, ErofsFormat.SUPER_SIZE)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static long bytes(ByteBuffer fields) {
        return Integer.toUnsignedLong(fields.getInt(ErofsFormat.SUPER_BLOCKS)) * ErofsFormat.BLOCK;
    }
}
