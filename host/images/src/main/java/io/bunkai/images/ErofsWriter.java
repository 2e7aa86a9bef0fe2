// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import io.bunkai.images.ErofsFormat.XattrPrefix;
import io.bunkai.images.Inode.Directory;
import io.bunkai.images.Inode.FileData;
import io.bunkai.images.Inode.Metadata;
import io.bunkai.images.Inode.Name;
import io.bunkai.images.Inode.RegularFile;
import io.bunkai.images.Inode.Symlink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Writes an EROFS file system. Contents of files are written as they arrive ({@link #spool}); when
 * all are there, {@link #finish} closes the gaps that replaced files have left, and writes the
 * directories, the metadata and at last the super block, so that a cut disk is never taken for a
 * whole one.
 *
 * <p>The same files in the same order give the same bytes. Used by one thread.
 */
final class ErofsWriter {
    /** Tails longer than this are not worth the memory: most of a block of their own is used. */
    private static final int LONGEST_TAIL = 2048;

    /** Memory for tails until the metadata is written. Part of the format: it decides the bytes. */
    private static final long TAILS_BUDGET = 32L * 1024 * 1024;

    private static final int COPY_BYTES = 1024 * 1024;
    private static final String VOLUME_NAME = "bunkai";

    private final BlockOutput out;
    private final byte[] copy = new byte[COPY_BYTES];
    private int nextBlock = 1; // the super block's comes first
    private long tailBytes;

    /** Where the content of a file comes from. */
    interface Content {
        /** {@return how many bytes were read, -1 at the end} */
        int read(byte[] buffer, int offset, int length) throws IOException;
    }

    ErofsWriter(BlockOutput out) {
        this.out = out;
    }

    /**
     * Writes the content of a file whose metadata is known.
     *
     * @throws Fault INVALID_ARGUMENT if the content ends early
     */
    FileData spool(Content content, long size, Metadata metadata) throws IOException {
        int tail = (int) (size % ErofsFormat.BLOCK);
        boolean keepsTail =
                tail > 0
                        && tail <= LONGEST_TAIL
                        && tailBytes + tail <= TAILS_BUDGET
                        && fitsInline(headBytes(metadata), tail);
        int first = nextBlock;
        long whole = keepsTail ? size - tail : size;
        allocate(Math.ceilDiv(whole, ErofsFormat.BLOCK));
        long at = (long) first * ErofsFormat.BLOCK;
        for (long left = whole; left > 0; ) {
            int got = fill(content, (int) Math.min(COPY_BYTES, left));
            out.write(at, copy, got);
            at += got;
            left -= got;
        }
        byte[] kept = new byte[0];
        if (keepsTail) {
            fill(content, tail);
            kept = Arrays.copyOf(copy, tail);
            tailBytes += tail;
        }
        return new FileData(size, first, kept);
    }

    private int fill(Content content, int wanted) throws IOException {
        int filled = 0;
        while (filled < wanted) {
            int got = content.read(copy, filled, wanted - filled);
            if (got < 0) {
                throw Fault.invalidArgument("the tar archive is cut off");
            }
            filled += got;
        }
        return filled;
    }

    /** {@return the number of the first of {@code count} fresh blocks} */
    private int allocate(long count) {
        int first = nextBlock;
        if (count > Integer.MAX_VALUE - nextBlock - 1) {
            throw Fault.resourceExhausted("the image is larger than a disk can be");
        }
        nextBlock += (int) count;
        return first;
    }

    /**
     * Writes everything but the contents of files.
     *
     * @param uuid 16 bytes that tell this file system from others
     * @return length of the disk in bytes, a multiple of the block size
     */
    long finish(Directory root, byte[] uuid) throws IOException {
        List<Inode> inodes = inodesOf(root);
        closeGaps(inodes);
        inodes.forEach(this::allocateData);
        int metadataBlock = nextBlock;
        long metadataEnd = layOut(inodes);
        allocate(Math.ceilDiv(metadataEnd, ErofsFormat.BLOCK));
        for (Inode inode : inodes) {
            writeBlocks(inode);
        }
        writeMetadata(inodes, (long) metadataBlock * ErofsFormat.BLOCK);
        long length = (long) nextBlock * ErofsFormat.BLOCK;
        out.setLength(length);
        writeSuperBlock(uuid, inodes.size(), metadataBlock, nid(root));
        return length;
    }

    /** The root first, then the files of one directory after another, each file once. */
    private static List<Inode> inodesOf(Directory root) {
        List<Inode> inodes = new ArrayList<>();
        Deque<Directory> directories = new ArrayDeque<>();
        number(root, inodes);
        root.links = 1; // its name in itself; the names of others come below
        directories.add(root);
        while (!directories.isEmpty()) {
            Directory directory = directories.remove();
            directory.links++; // "."
            for (Name name : directory.names.values()) {
                Inode inode = name.inode;
                inode.links++;
                if (inode.number == 0) {
                    number(inode, inodes);
                }
                if (inode instanceof Directory below) {
                    directory.links++; // ".."
                    directories.add(below);
                }
            }
        }
        return inodes;
    }

    private static void number(Inode inode, List<Inode> inodes) {
        inodes.add(inode);
        inode.number = inodes.size();
    }

    /**
     * Moves contents towards the front over what lower layers brought and higher ones replaced.
     * Blocks only move down and in order, so nothing is overwritten before it has been moved.
     */
    private void closeGaps(List<Inode> inodes) throws IOException {
        List<RegularFile> files = new ArrayList<>();
        for (Inode inode : inodes) {
            if (inode instanceof RegularFile file && file.blocks() > 0) {
                files.add(file);
            }
        }
        files.sort(Comparator.comparingInt(file -> file.firstBlock));
        int free = 1;
        for (RegularFile file : files) {
            int blocks = (int) file.blocks(); // fits: it was allocated
            if (file.firstBlock != free) {
                move(file.firstBlock, free, blocks);
                file.firstBlock = free;
            }
            free += blocks;
        }
        if (free != nextBlock) {
            nextBlock = free;
            out.setLength((long) free * ErofsFormat.BLOCK); // what is behind reads as zeros again
        }
    }

    private void move(int from, int to, int blocks) throws IOException {
        long source = (long) from * ErofsFormat.BLOCK;
        long target = (long) to * ErofsFormat.BLOCK;
        for (long left = (long) blocks * ErofsFormat.BLOCK; left > 0; ) {
            int some = (int) Math.min(COPY_BYTES, left);
            out.read(source, copy, some);
            out.overwrite(target, copy, some);
            source += some;
            target += some;
            left -= some;
        }
    }

    /** Directories and long links that do not fit beside their inodes need blocks for data. */
    private void allocateData(Inode inode) {
        switch (inode) {
            case Directory directory -> {
                directory.size = new DirectoryBlocks(directory).size();
                directory.firstBlock = allocate(ownBlocks(directory, directory.size));
            }
            case Symlink link -> link.firstBlock = allocate(ownBlocks(link, link.target.length()));
            case RegularFile _, Inode.Device _, Inode.Fifo _ -> {}
        }
    }

    private static int ownBlocks(Inode inode, int size) {
        int tail = size % ErofsFormat.BLOCK;
        boolean inline = fitsInline(headBytes(inode.metadata), tail);
        return size / ErofsFormat.BLOCK + (tail > 0 && !inline ? 1 : 0);
    }

    /** Gives every inode its place in the metadata area. {@return the end of the last one} */
    private static long layOut(List<Inode> inodes) {
        long at = ErofsFormat.INODE; // so that no nid is 0, which is no inode number to user space
        for (Inode inode : inodes) {
            int head = headBytes(inode.metadata);
            int tail = inlineTail(inode);
            at = roundUp(at, ErofsFormat.INODE);
            if (tail > 0 && (at + head) % ErofsFormat.BLOCK + tail > ErofsFormat.BLOCK) {
                at = roundUp(at, ErofsFormat.BLOCK); // fits from there, as fitsInline made sure
            }
            inode.metadataOffset = at;
            at += head + tail;
        }
        return at;
    }

    private static long roundUp(long value, int unit) {
        return Math.ceilDiv(value, unit) * unit;
    }

    /** The kernel wants the tail within one block; an inode can always begin at a block's start. */
    private static boolean fitsInline(int head, int tail) {
        return head % ErofsFormat.BLOCK + tail <= ErofsFormat.BLOCK;
    }

    /** {@return how much of the data follows the inode} */
    private static int inlineTail(Inode inode) {
        return switch (inode) {
            case RegularFile file -> file.tail.length;
            case Directory directory -> inlineTail(directory, directory.size);
            case Symlink link -> inlineTail(link, link.target.length());
            case Inode.Device _, Inode.Fifo _ -> 0;
        };
    }

    private static int inlineTail(Inode inode, int size) {
        int tail = size % ErofsFormat.BLOCK;
        return fitsInline(headBytes(inode.metadata), tail) ? tail : 0;
    }

    private static int headBytes(Metadata metadata) {
        return ErofsFormat.INODE + xattrBytes(metadata);
    }

    private static int xattrBytes(Metadata metadata) {
        if (metadata.xattrs().isEmpty()) {
            return 0;
        }
        int bytes = ErofsFormat.XATTR_HEADER;
        for (Map.Entry<String, byte[]> xattr : metadata.xattrs().entrySet()) {
            bytes += xattrEntryBytes(xattr.getKey(), xattr.getValue());
        }
        return bytes;
    }

    private static int xattrEntryBytes(String name, byte[] value) {
        int suffix = name.length() - prefixOf(name).text.length();
        return (int) roundUp(ErofsFormat.XATTR_ENTRY + suffix + value.length, 4);
    }

    private static XattrPrefix prefixOf(String name) {
        for (XattrPrefix prefix : XattrPrefix.values()) {
            if (prefix.matches(name)) {
                return prefix;
            }
        }
        throw new IllegalArgumentException("not an attribute that EROFS can hold: " + name);
    }

    /** {@return whether the format has a place for an attribute of this name} */
    static boolean canHoldXattr(String name) {
        for (XattrPrefix prefix : XattrPrefix.values()) {
            if (prefix.matches(name)) {
                return true;
            }
        }
        return false;
    }

    // What stands in the data area and is no file's content.

    private void writeBlocks(Inode inode) throws IOException {
        switch (inode) {
            case Directory directory -> {
                int whole = ownBlocks(directory, directory.size);
                if (whole > 0) {
                    byte[] data = new DirectoryBlocks(directory).bytes();
                    long at = (long) directory.firstBlock * ErofsFormat.BLOCK;
                    int length = Math.min(data.length, whole * ErofsFormat.BLOCK);
                    out.write(at, data, length);
                }
            }
            case Symlink link -> {
                if (ownBlocks(link, link.target.length()) > 0) {
                    byte[] target = Bytes.raw(link.target);
                    out.write((long) link.firstBlock * ErofsFormat.BLOCK, target, target.length);
                }
            }
            case RegularFile _, Inode.Device _, Inode.Fifo _ -> {}
        }
    }

    /** A directory's data: sorted names, "." and ".." among them, cut into blocks. */
    private static final class DirectoryBlocks {
        private final TreeMap<String, Inode> names = new TreeMap<>();
        private final List<Integer> namesPerBlock = new ArrayList<>();
        private final int size;

        DirectoryBlocks(Directory directory) {
            directory.names.forEach((name, value) -> names.put(name, value.inode));
            names.put(".", directory);
            names.put("..", directory.parent);
            int used = 0;
            int count = 0;
            for (String name : names.keySet()) {
                int bytes = ErofsFormat.DIRENT + name.length();
                if (used + bytes > ErofsFormat.BLOCK) {
                    namesPerBlock.add(count);
                    used = 0;
                    count = 0;
                }
                used += bytes;
                count++;
            }
            size = namesPerBlock.size() * ErofsFormat.BLOCK + used;
            namesPerBlock.add(count);
        }

        int size() {
            return size;
        }

        /** A block begins with the fixed part of its entries; all their names follow. */
        byte[] bytes() {
            ByteBuffer data = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
            var next = names.entrySet().iterator();
            for (int block = 0; block < namesPerBlock.size(); block++) {
                int start = block * ErofsFormat.BLOCK;
                int count = namesPerBlock.get(block);
                int nameOffset = count * ErofsFormat.DIRENT;
                for (int i = 0; i < count; i++) {
                    Map.Entry<String, Inode> entry = next.next();
                    byte[] name = Bytes.raw(entry.getKey());
                    data.position(start + i * ErofsFormat.DIRENT)
                            .putLong(nid(entry.getValue()))
                            .putShort((short) nameOffset)
                            .put((byte) typeOf(entry.getValue()))
                            .put((byte) 0);
                    data.put(start + nameOffset, name);
                    nameOffset += name.length;
                }
            }
            return data.array();
        }
    }

    private static long nid(Inode inode) {
        return inode.metadataOffset / ErofsFormat.SLOT;
    }

    private static int typeOf(Inode inode) {
        return switch (inode) {
            case RegularFile _ -> ErofsFormat.TYPE_FILE;
            case Directory _ -> ErofsFormat.TYPE_DIRECTORY;
            case Symlink _ -> ErofsFormat.TYPE_SYMLINK;
            case Inode.Device device ->
                    device.isBlock
                            ? ErofsFormat.TYPE_BLOCK_DEVICE
                            : ErofsFormat.TYPE_CHARACTER_DEVICE;
            case Inode.Fifo _ -> ErofsFormat.TYPE_FIFO;
        };
    }

    // The metadata area.

    private void writeMetadata(List<Inode> inodes, long areaStart) throws IOException {
        long at = 0;
        for (Inode inode : inodes) {
            out.append(areaStart + at, new byte[(int) (inode.metadataOffset - at)]);
            int tail = inlineTail(inode);
            int xattrs = xattrBytes(inode.metadata);
            ByteBuffer record =
                    ByteBuffer.allocate(ErofsFormat.INODE + xattrs + tail)
                            .order(ByteOrder.LITTLE_ENDIAN);
            putInode(record, inode, tail > 0, xattrs);
            putXattrs(record, inode.metadata);
            record.put(tailData(inode, tail));
            out.append(areaStart + inode.metadataOffset, record.array());
            at = inode.metadataOffset + record.capacity();
        }
        out.flush();
    }

    private static byte[] tailData(Inode inode, int tail) {
        return switch (inode) {
            case RegularFile file -> file.tail;
            case Directory directory when tail > 0 -> {
                byte[] data = new DirectoryBlocks(directory).bytes();
                yield Arrays.copyOfRange(data, data.length - tail, data.length);
            }
            case Symlink link when tail > 0 -> Bytes.raw(link.target);
            case Directory _, Symlink _, Inode.Device _, Inode.Fifo _ -> new byte[0];
        };
    }

    /** {@code struct erofs_inode_extended}, 64 bytes. */
    private static void putInode(ByteBuffer record, Inode inode, boolean inline, int xattrBytes) {
        Metadata metadata = inode.metadata;
        int layout = inline ? ErofsFormat.LAYOUT_INLINE : ErofsFormat.LAYOUT_PLAIN;
        int xattrCount = xattrBytes == 0 ? 0 : 1 + (xattrBytes - ErofsFormat.XATTR_HEADER) / 4;
        record.putShort((short) (1 | layout << 1)) // i_format: extended
                .putShort((short) xattrCount) // i_xattr_icount
                .putShort((short) (fileType(inode) | metadata.permissions())) // i_mode
                .putShort((short) 0)
                .putLong(sizeOf(inode)) // i_size
                .putInt(location(inode)) // i_u: first block, or device number
                .putInt(inode.number) // i_ino
                .putInt(metadata.uid())
                .putInt(metadata.gid())
                .putLong(metadata.mtimeSeconds())
                .putInt(metadata.mtimeNanos())
                .putInt(inode.links)
                .position(ErofsFormat.INODE);
    }

    private static int fileType(Inode inode) {
        return switch (inode) {
            case RegularFile _ -> 0100000;
            case Directory _ -> 0040000;
            case Symlink _ -> 0120000;
            case Inode.Device device -> device.isBlock ? 0060000 : 0020000;
            case Inode.Fifo _ -> 0010000;
        };
    }

    private static long sizeOf(Inode inode) {
        return switch (inode) {
            case RegularFile file -> file.size;
            case Directory directory -> directory.size;
            case Symlink link -> link.target.length();
            case Inode.Device _, Inode.Fifo _ -> 0;
        };
    }

    private static int location(Inode inode) {
        return switch (inode) {
            case RegularFile file -> file.blocks() > 0 ? file.firstBlock : 0;
            case Directory directory ->
                    ownBlocks(directory, directory.size) > 0 ? directory.firstBlock : 0;
            case Symlink link -> ownBlocks(link, link.target.length()) > 0 ? link.firstBlock : 0;
            case Inode.Device device -> ErofsFormat.device(device.major, device.minor);
            case Inode.Fifo _ -> 0;
        };
    }

    private static void putXattrs(ByteBuffer record, Metadata metadata) {
        if (metadata.xattrs().isEmpty()) {
            return;
        }
        record.position(record.position() + ErofsFormat.XATTR_HEADER); // no filter, none shared
        for (Map.Entry<String, byte[]> xattr : metadata.xattrs().entrySet()) {
            int start = record.position();
            XattrPrefix prefix = prefixOf(xattr.getKey());
            byte[] suffix = Bytes.raw(xattr.getKey().substring(prefix.text.length()));
            record.put((byte) suffix.length)
                    .put((byte) prefix.index)
                    .putShort((short) xattr.getValue().length)
                    .put(suffix)
                    .put(xattr.getValue())
                    .position(start + xattrEntryBytes(xattr.getKey(), xattr.getValue()));
        }
    }

    /** {@code struct erofs_super_block}; its checksum covers the rest of the block, too. */
    private void writeSuperBlock(byte[] uuid, int inodes, int metadataBlock, long rootNid)
            throws IOException {
        byte[] block = new byte[ErofsFormat.BLOCK];
        ByteBuffer fields =
                ByteBuffer.wrap(block, ErofsFormat.SUPER_OFFSET, ErofsFormat.SUPER_SIZE)
                        .slice()
                        .order(ByteOrder.LITTLE_ENDIAN);
        fields.putInt(0, ErofsFormat.MAGIC)
                .putInt(
                        ErofsFormat.SUPER_COMPAT,
                        ErofsFormat.COMPAT_SUPER_CHECKSUM | ErofsFormat.COMPAT_MTIME)
                .put(ErofsFormat.SUPER_BLOCK_BITS, (byte) ErofsFormat.BLOCK_BITS)
                .putShort(ErofsFormat.SUPER_ROOT_NID, (short) rootNid)
                .putLong(ErofsFormat.SUPER_INODES, inodes)
                .putInt(ErofsFormat.SUPER_BLOCKS, nextBlock)
                .putInt(ErofsFormat.SUPER_METADATA_BLOCK, metadataBlock)
                .put(ErofsFormat.SUPER_UUID, uuid)
                .put(ErofsFormat.SUPER_VOLUME_NAME, Bytes.raw(VOLUME_NAME));
        fields.putInt(ErofsFormat.SUPER_CHECKSUM, checksum(block));
        out.overwrite(0, block, block.length);
    }

    /**
     * {@return the CRC-32C of the block from the super block on, with a checksum field of zero, as
     * the kernel computes it: without the inversion at the end}
     */
    static int checksum(byte[] block) {
        CRC32C crc = new CRC32C();
        int field = ErofsFormat.SUPER_OFFSET + ErofsFormat.SUPER_CHECKSUM;
        crc.update(block, ErofsFormat.SUPER_OFFSET, ErofsFormat.SUPER_CHECKSUM);
        crc.update(new byte[4]);
        crc.update(block, field + 4, block.length - field - 4);
        return ~(int) crc.getValue();
    }
}
