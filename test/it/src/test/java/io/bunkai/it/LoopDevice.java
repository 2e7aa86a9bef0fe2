// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** A block device of this host that is a file. */
final class LoopDevice implements AutoCloseable {
    private final Path file;
    private final Path node;

    private LoopDevice(Path file, Path node) {
        this.file = file;
        this.node = node;
    }

    /** {@return a device of so many bytes, all zero, in a new file} */
    static LoopDevice make(Path file, long bytes) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(bytes);
        }
        return of(file);
    }

    /** {@return the device that a file is from now on} */
    static LoopDevice of(Path file) {
        String name = run("losetup", "--find", "--show", file.toString());
        return new LoopDevice(file, Path.of(name));
    }

    private static String run(String... words) {
        return CommandRun.of(words).run(TestNode.patience()).expectSuccess().out().strip();
    }

    Path node() {
        return node;
    }

    /** {@return what the file behind it has there} */
    String text(long offset, int bytes) throws IOException {
        byte[] read = new byte[bytes];
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "r")) {
            disk.seek(offset);
            disk.readFully(read);
        }
        return new String(read, java.nio.charset.StandardCharsets.US_ASCII);
    }

    /**
     * {@return a hold on it that nobody else can have at the same time}
     *
     * @throws ErrnoException EBUSY if somebody has it
     */
    Fd claim() throws ErrnoException {
        return Fd.open(node, Fd.O_RDWR | Fd.O_EXCL);
    }

    @Override
    public void close() {
        run("losetup", "--detach", node.toString());
    }
}
