// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * The memory of a template: a file without a name that clones map, and a file on a disk that it is
 * read back from. Only pages that hold something are written; the rest are holes.
 */
final class FrozenMemory {
    private static final int PAGE = 4096;
    private static final int CHUNK = 64 * PAGE;

    private FrozenMemory() {}

    /**
     * What a memory holds.
     *
     * @param checksum of its pages that hold something, and where they are
     * @param bytes of these pages
     */
    record Content(long checksum, long bytes) {}

    /** {@return zeros of a machine's memory's size, which can be sealed} */
    static Fd create(long bytes) throws ErrnoException {
        return SharedMemory.createSealableFile("bunkai-template", bytes);
    }

    /**
     * Writes what is in a memory to a new file, its owner's alone, and forces it to the disk.
     *
     * @return what of it was written
     */
    static Content save(Fd memory, Path file) throws IOException {
        try (FileChannel in = FileChannel.open(memory.path(), StandardOpenOption.READ);
                FileChannel out =
                        FileChannel.open(
                                file,
                                Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                                PosixFilePermissions.asFileAttribute(
                                        PosixFilePermissions.fromString("rw-------")))) {
            Content content = copy(memory, in, out);
            if (out.size() < in.size()) {
                out.write(ByteBuffer.allocate(1), in.size() - 1);
            }
            out.force(true);
            return content;
        }
    }

    /**
     * Reads a memory back, sealed: nobody can change it any more.
     *
     * @param checksum what {@link #save} said
     * @throws IOException if that is not what the file holds
     */
    static Fd load(Path file, long bytes, long checksum) throws IOException {
        Fd memory = create(bytes);
        try {
            try (Fd saved = Fd.open(file, Fd.O_RDONLY);
                    FileChannel in = FileChannel.open(file, StandardOpenOption.READ);
                    FileChannel out = FileChannel.open(memory.path(), StandardOpenOption.WRITE)) {
                if (in.size() != bytes || copy(saved, in, out).checksum() != checksum) {
                    throw new IOException(file + " is damaged");
                }
            }
            SharedMemory.seal(memory);
            return memory;
        } catch (IOException e) {
            memory.close();
            throw e;
        }
    }

    /**
     * {@return a memory of its own with the same content, which anybody can write to who has it}
     * For a machine whose memory is shared with a file server: of a private mapping the server
     * would see nothing.
     */
    static Fd ownCopy(Fd memory, long bytes) throws IOException {
        Fd own = SharedMemory.createFile("bunkai-memory", bytes);
        try (FileChannel in = FileChannel.open(memory.path(), StandardOpenOption.READ);
                FileChannel out = FileChannel.open(own.path(), StandardOpenOption.WRITE)) {
            long at = memory.seekData(0);
            while (at < bytes) {
                long end = Math.min(memory.seekHole(at), bytes);
                out.position(at);
                while (at < end) { // within the kernel
                    at += in.transferTo(at, end - at, out);
                }
                at = memory.seekData(end);
            }
            return own;
        } catch (IOException e) {
            own.close();
            throw e;
        }
    }

    private static Content copy(Fd source, FileChannel in, FileChannel out) throws IOException {
        CRC32C checksum = new CRC32C();
        long bytes = 0;
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        ByteBuffer place = ByteBuffer.allocate(Long.BYTES);
        long at = source.seekData(0);
        while (at < in.size()) {
            at &= -PAGE;
            chunk.clear();
            while (chunk.hasRemaining() && in.read(chunk, at + chunk.position()) > 0) {
                // until it is full, or that was all
            }
            chunk.flip();
            int whole = chunk.limit();
            for (int page = 0; page < whole; page += PAGE) {
                chunk.limit(Math.min(whole, page + PAGE)).position(page);
                if (!isZero(chunk)) {
                    bytes += chunk.remaining();
                    checksum.update(place.clear().putLong(0, at + page));
                    checksum.update(chunk.duplicate());
                    writeAll(out, chunk, at + page);
                }
            }
            at = source.seekData(at + CHUNK);
        }
        return new Content(checksum.getValue(), bytes);
    }

    private static void writeAll(FileChannel out, ByteBuffer page, long at) throws IOException {
        int begin = page.position();
        while (page.hasRemaining()) {
            out.write(page, at + page.position() - begin);
        }
    }

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(PAGE).asReadOnlyBuffer();

    private static boolean isZero(ByteBuffer page) {
        return page.equals(ZEROS.duplicate().limit(page.remaining()));
    }
}
