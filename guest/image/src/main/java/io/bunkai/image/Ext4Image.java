// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Writes a tree as an ext4 file system that is only ever read: no journal, no checksums, nothing
 * left for later. Nothing is mounted. The same tree gives the same bytes.
 *
 * @spec https://docs.kernel.org/filesystems/ext4/ ext4 data structures
 */
final class Ext4Image {
    private static final int BLOCK = 4096;
    private static final int INODE_BYTES = 256;
    private static final int SPARE_BLOCKS = 512;
    private static final int SPARE_INODES = 64;
    private static final int SUPER_BLOCK = 1024;
    private static final int DESCRIPTOR_BYTES = 32;

    private Ext4Image() {}

    /** Writes {@code tree} to the file {@code image}, as large as the tree needs it. */
    static void write(CommandRunner commands, Path tree, Path image, UUID uuid, long epochSeconds)
            throws IOException, InterruptedException {
        Need need = Need.of(tree);
        commands.check(
                Path.of("/"),
                List.of(
                        "mkfs.ext4",
                        "-q",
                        "-F",
                        "-b",
                        Integer.toString(BLOCK),
                        "-I",
                        Integer.toString(INODE_BYTES),
                        "-m",
                        "0",
                        "-N",
                        Long.toString(need.inodes()),
                        "-O",
                        "none,dir_index,ext_attr,extent,extra_isize,filetype,flex_bg,large_file,"
                                + "sparse_super",
                        "-E",
                        "root_owner=0:0,lazy_itable_init=0,nodiscard,hash_seed=" + uuid,
                        "-U",
                        uuid.toString(),
                        "-d",
                        tree.toString(),
                        image.toString(),
                        Long.toString(need.blocks())));
        setTimes(image, epochSeconds);
    }

    /** The size that a tree needs. */
    private record Need(long blocks, long inodes) {
        static Need of(Path tree) throws IOException {
            long blocks = 0;
            long inodes = SPARE_INODES;
            try (Stream<Path> all = Files.walk(tree)) {
                for (Path path : (Iterable<Path>) all::iterator) {
                    inodes++;
                    blocks += 1;
                    if (Files.isRegularFile(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
                        blocks += Math.ceilDiv(Files.size(path), BLOCK);
                    }
                }
            }
            long table = Math.ceilDiv(inodes * INODE_BYTES, BLOCK);
            return new Need(blocks + table + blocks / 100 + SPARE_BLOCKS, inodes);
        }
    }

    /**
     * Sets every time in the file system: mkfs.ext4 takes some from the clock, and those of change
     * from the tree, where nobody can set them. There are no checksums to correct.
     */
    static void setTimes(Path image, long epochSeconds) throws IOException {
        try (FileChannel channel =
                FileChannel.open(image, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer block = read(channel, SUPER_BLOCK, SUPER_BLOCK);
            if ((block.getShort(0x38) & 0xffff) != 0xef53 || block.getInt(0x64) >>> 10 != 0) {
                throw Fault.internal("mkfs.ext4 made a file system that was not asked for");
            }
            int perGroup = block.getInt(0x28);
            int groups = Math.ceilDiv(block.getInt(0), perGroup);
            for (int group = 0; group < groups; group++) {
                ByteBuffer descriptor =
                        read(channel, BLOCK + (long) group * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
                long table = (descriptor.getInt(8) & 0xffffffffL) * BLOCK;
                ByteBuffer inodes = read(channel, table, perGroup * INODE_BYTES);
                for (int at = 0; at < inodes.limit(); at += INODE_BYTES) {
                    boolean used = inodes.getShort(at) != 0 || inodes.getInt(at + 16) != 0;
                    if (used) {
                        setInodeTimes(inodes, at, (int) epochSeconds);
                    }
                }
                write(channel, inodes, table);
                setSuperBlockTimes(channel, group, block, (int) epochSeconds);
            }
        }
    }

    private static void setInodeTimes(ByteBuffer inodes, int at, int seconds) {
        for (int field : new int[] {0x08, 0x0c, 0x10}) { // access, change of inode and of content
            inodes.putInt(at + field, seconds);
        }
        if (inodes.getShort(at + 0x80) >= 0x1c) {
            for (int field : new int[] {0x84, 0x88, 0x8c, 0x94}) { // fractions of a second
                inodes.putInt(at + field, 0);
            }
            inodes.putInt(at + 0x90, seconds); // creation
        }
    }

    /** The first group has the super-block at 1024; copies are at the begin of some others. */
    private static void setSuperBlockTimes(
            FileChannel channel, int group, ByteBuffer first, int seconds) throws IOException {
        long at = SUPER_BLOCK;
        if (group > 0) {
            at = (long) group * first.getInt(0x20) * BLOCK;
            if ((read(channel, at, SUPER_BLOCK).getShort(0x38) & 0xffff) != 0xef53) {
                return;
            }
        }
        ByteBuffer block = read(channel, at, SUPER_BLOCK);
        for (int field : new int[] {0x30, 0x40, 0x108}) { // written, checked, made
            block.putInt(field, seconds);
        }
        write(channel, block, at);
    }

    private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                throw Fault.internal("mkfs.ext4 made a file system that ends too early");
            }
        }
        return buffer.flip();
    }

    private static void write(FileChannel channel, ByteBuffer buffer, long at) throws IOException {
        buffer.rewind();
        while (buffer.hasRemaining()) {
            channel.write(buffer, at + buffer.position());
        }
    }
}
