// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes a cpio archive in the "newc" form that the kernel unpacks as an initramfs. What is written
 * depends on the calls only: every entry belongs to root and carries the same time. Not
 * thread-safe; closing it writes the trailer and closes the stream beneath.
 *
 * @spec https://docs.kernel.org/driver-api/early-userspace/buffer-format.html initramfs buffer
 *     format
 */
final class CpioWriter implements AutoCloseable {
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_CHARACTER_DEVICE = 0020000;
    private static final int TYPE_FILE = 0100000;
    private static final int TYPE_LINK = 0120000;
    private static final String TRAILER = "TRAILER!!!";

    private final OutputStream out;
    private final long epochSeconds;
    private long written;
    private int inode;

    /**
     * Makes a writer.
     *
     * @param out where the archive goes; owned by the writer from now on
     * @param epochSeconds the time of every entry, in seconds of Unix time within 32 bits
     */
    CpioWriter(OutputStream out, long epochSeconds) {
        this.out = out;
        this.epochSeconds = epochSeconds;
    }

    /** Adds a directory; its parent has to be added before. */
    void directory(String name, int permissions) throws IOException {
        entry(name, TYPE_DIRECTORY | permissions, 2, 0, 0, new byte[0]);
    }

    /** Adds a file. */
    void file(String name, int permissions, byte[] content) throws IOException {
        entry(name, TYPE_FILE | permissions, 1, 0, 0, content);
    }

    /** Adds a symbolic link. */
    void link(String name, String target) throws IOException {
        entry(name, TYPE_LINK | 0777, 1, 0, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a character device. */
    void characterDevice(String name, int permissions, int major, int minor) throws IOException {
        entry(name, TYPE_CHARACTER_DEVICE | permissions, 1, major, minor, new byte[0]);
    }

    @Override
    public void close() throws IOException {
        try (out) {
            inode = 0;
            header(TRAILER, 0, 1, 0, 0, 0, 0);
        }
    }

    private void entry(String name, int mode, int links, int major, int minor, byte[] content)
            throws IOException {
        inode++;
        header(name, mode, links, epochSeconds, content.length, major, minor);
        write(content);
        pad();
    }

    private void header(String name, int mode, int links, long time, int size, int major, int minor)
            throws IOException {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        String fields =
                String.format(
                        Locale.ROOT,
                        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                        inode,
                        mode,
                        0, // user
                        0, // group
                        links,
                        time,
                        size,
                        0, // device of the file system, major and minor
                        0,
                        major,
                        minor,
                        nameBytes.length + 1,
                        0); // checksum, unused in this form
        write(fields.getBytes(StandardCharsets.US_ASCII));
        write(nameBytes);
        write(new byte[1]);
        pad();
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        written += bytes.length;
    }

    private void pad() throws IOException {
        write(new byte[(int) (-written & 3)]);
    }
}
