// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdJavaInputStream;
import io.bunkai.base.Fault;
import io.bunkai.images.Inode.Metadata;
import io.bunkai.images.UnpackRequest.Compression;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Lays the layers of an image over each other and writes the result as one file system. Everything
 * that an image may try is met here: the limits are counted before memory or disk is used.
 *
 * <p>Used by one thread.
 */
final class LayerStack {
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int MAX_LINK_BYTES = 4095;

    private final UnpackLimits limits;
    private final Budget budget;
    private final FileTree tree;
    private final ErofsWriter writer;

    LayerStack(UnpackLimits limits, BlockOutput out) {
        this.limits = limits;
        this.budget = new Budget(limits);
        this.tree = new FileTree(limits.entries(), limits.depth());
        this.writer = new ErofsWriter(out);
    }

    /**
     * Adds the next layer, lowest first. The source is read to its end.
     *
     * @param diffId SHA-256 that the uncompressed layer must have
     * @throws Fault INVALID_ARGUMENT if the layer is damaged or malicious, RESOURCE_EXHAUSTED if it
     *     goes beyond a limit, UNIMPLEMENTED if it holds something unknown
     */
    void add(InputStream source, Compression compression, String diffId) throws IOException {
        budget.takeLayer();
        tree.beginLayer();
        Counting compressed = new Counting(source);
        try (InputStream plain = decompress(compressed, compression)) {
            Measured measured = new Measured(plain, compressed);
            TarReader tar = new TarReader(new BufferedInputStream(measured, BUFFER_BYTES));
            for (TarEntry entry = tar.next(); entry != null; entry = tar.next()) {
                add(entry, tar);
            }
            drain(measured);
            measured.verify(diffId, budget.layers());
            drain(compressed);
        }
    }

    private static void drain(InputStream in) throws IOException {
        byte[] waste = new byte[BUFFER_BYTES];
        while (in.read(waste) > 0) {}
    }

    /**
     * Writes the file system. To be called after the last layer.
     *
     * @return its length in bytes
     */
    long finish(String uuid) throws IOException {
        return writer.finish(tree.root(), HexFormat.of().parseHex(uuid));
    }

    private void add(TarEntry entry, TarReader content) throws IOException {
        budget.takeEntry();
        String name = entry.name();
        if (FileTree.isWhiteout(name)) {
            tree.whiteOut(name);
            return;
        }
        switch (entry.type()) {
            case DIRECTORY -> tree.addDirectory(name, metadata(entry));
            case HARD_LINK -> tree.addHardLink(name, entry.linkName());
            case FILE -> tree.add(name, file(entry, content));
            case SYMLINK -> tree.add(name, new Inode.Symlink(linkMetadata(entry), target(entry)));
            case CHARACTER_DEVICE -> tree.add(name, device(entry, false));
            case BLOCK_DEVICE -> tree.add(name, device(entry, true));
            case FIFO -> tree.add(name, new Inode.Fifo(metadata(entry)));
        }
    }

    private Inode file(TarEntry entry, TarReader content) throws IOException {
        budget.takeBytes(entry.size());
        Metadata metadata = metadata(entry);
        return new Inode.RegularFile(metadata, writer.spool(content::read, entry.size(), metadata));
    }

    private Inode device(TarEntry entry, boolean isBlock) {
        return new Inode.Device(metadata(entry), isBlock, entry.major(), entry.minor());
    }

    private static String target(TarEntry entry) {
        String target = entry.linkName();
        if (target.isEmpty() || target.length() > MAX_LINK_BYTES) {
            throw Fault.invalidArgument(
                    "the symbolic link %s leads to a name of %d bytes",
                    Bytes.shown(entry.name()), target.length());
        }
        return target;
    }

    /** Permissions of a link mean nothing; everybody shows them as all set. */
    private Metadata linkMetadata(TarEntry entry) {
        Metadata metadata = metadata(entry);
        return new Metadata(
                0777,
                metadata.uid(),
                metadata.gid(),
                metadata.mtimeSeconds(),
                metadata.mtimeNanos(),
                metadata.xattrs());
    }

    private Metadata metadata(TarEntry entry) {
        return new Metadata(
                entry.mode(),
                (int) entry.uid(),
                (int) entry.gid(),
                entry.mtimeSeconds(),
                entry.mtimeNanos(),
                budget.keepXattrs(entry.name(), entry.xattrs()));
    }

    @SuppressWarnings("resource") // closed by the caller with what wraps it
    private InputStream decompress(Counting compressed, Compression compression)
            throws IOException {
        return switch (compression) {
            case NONE -> compressed;
            case GZIP -> new GzipStream(compressed);
            case ZSTD -> new ZstdJavaInputStream(new ZstdFrames(compressed));
            case DETECT -> detect(compressed);
        };
    }

    private static InputStream detect(Counting compressed) throws IOException {
        BufferedInputStream peeked = new BufferedInputStream(compressed, BUFFER_BYTES);
        peeked.mark(4);
        byte[] magic = peeked.readNBytes(4);
        peeked.reset();
        String start = HexFormat.of().formatHex(magic);
        if (start.startsWith("1f8b")) {
            return new GzipStream(peeked);
        }
        if (start.equals("28b52ffd")) {
            return new ZstdJavaInputStream(new ZstdFrames(peeked));
        }
        return peeked;
    }

    /** Counts what was read of the compressed layer. Closing it leaves the source open. */
    private static final class Counting extends InputStream {
        private final InputStream in;
        private long count;

        Counting(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            int value = in.read();
            count += value < 0 ? 0 : 1;
            return value;
        }

        @Override
        public int read(byte[] data, int offset, int length) throws IOException {
            int got = in.read(data, offset, length);
            count += Math.max(got, 0);
            return got;
        }
    }

    /** The uncompressed layer: hashed, and held against the limits as it grows. */
    private final class Measured extends InputStream {
        private final InputStream in;
        private final Counting compressed;
        private final MessageDigest digest;
        private long count;

        Measured(InputStream in, Counting compressed) {
            this.in = in;
            this.compressed = compressed;
            try {
                this.digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new AssertionError("every Java platform has SHA-256", e);
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] data, int offset, int length) throws IOException {
            int got;
            try {
                got = in.read(data, offset, length);
            } catch (MalformedInputException | IndexOutOfBoundsException e) {
                // How the Zstandard decompressor reports damage, or does not notice it.
                throw Fault.invalidArgument("the compressed layer is damaged").causedBy(e);
            }
            if (got > 0) {
                count += got;
                digest.update(data, offset, got);
                check();
            }
            return got;
        }

        private void check() {
            long free = limits.ratioFree().bytes();
            if (count > free && (count - free) / limits.ratio() > compressed.count) {
                throw Fault.resourceExhausted(
                        "a layer unpacks to more than %d times its size", limits.ratio());
            }
            // Headers and padding are not counted as content; they cannot be without end either.
            if (count / 2 > limits.unpacked().bytes() + (long) limits.entries() * 2048) {
                throw Fault.resourceExhausted(
                        "the image is larger than %s when it is unpacked", limits.unpacked());
            }
        }

        void verify(String diffId, int layer) {
            String actual = HexFormat.of().formatHex(digest.digest());
            if (!actual.equals(diffId)) {
                throw Fault.invalidArgument(
                        "layer %d unpacks to sha256:%s; the image's config says sha256:%s",
                        layer, actual, diffId);
            }
        }
    }
}
