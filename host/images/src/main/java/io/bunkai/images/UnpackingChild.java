// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.images.UnpackRequest.Compression;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.oci.Digest;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks an image in a child: feeds it the layers while it verifies them.
 *
 * <p>All of it but the start runs on the thread that feeds the child.
 */
final class UnpackingChild {
    private static final int CHUNK = UnpackRequest.MAX_CHUNK;

    private final ImageSource source;
    private final UnpackRequest request;

    private UnpackingChild(ImageSource source, UnpackRequest request) {
        this.source = source;
        this.request = request;
    }

    /**
     * Unpacks an image into a new file. If this throws, the file may exist and is worthless.
     *
     * @param mountPoint an empty directory for the child's view of the world
     * @throws Fault what is wrong with the image or went wrong with the child; DEADLINE_EXCEEDED
     *     and CANCELLED (interrupted) if the child was ended before it was done
     * @throws ErrnoException if the file cannot be made
     */
    static void unpack(
            ImageSource source, UnpackLimits limits, Path mountPoint, Path disk, Deadline deadline)
            throws ErrnoException {
        UnpackRequest request =
                new UnpackRequest(
                        limits,
                        ErofsSuperBlock.uuidOf(source.id()),
                        source.layers().stream()
                                .map(layer ->
                                        new UnpackRequest.Layer(
                                                layer.compression(), layer.diffId().hex()))
                                .toList());
        ConfinedChild.Task task =
                new ConfinedChild.Task(
                        "unpacking the image",
                        "the process that unpacks the image",
                        limits.processorSeconds());
        List<String> command =
                Confinement.of(Confinement.Program.UNPACKER).command(mountPoint, limits, List.of());
        try (Fd output = Fd.open(disk, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, 0600)) {
            ConfinedChild.run(
                    task, command, new UnpackingChild(source, request)::feed, output, deadline);
        }
    }

    private void feed(DataOutputStream child) throws IOException {
        try {
            request.writeTo(child);
            for (ImageSource.Layer layer : source.layers()) {
                feedLayer(layer, child);
            }
            child.writeInt(UnpackRequest.COMMIT);
        } catch (ChildGone | ErrnoException e) {
            throw e;
        } catch (IOException e) {
            throw Fault.unavailable("the image cannot be read").causedBy(e);
        }
    }

    /** The child does not read any more. */
    private static final class ChildGone extends IOException {
        private static final long serialVersionUID = 1L;

        ChildGone(IOException cause) {
            super(cause);
        }
    }

    /**
     * Sends a layer and hashes it on the way. If the child stops half-way, the rest is hashed all
     * the same: a wrong digest explains the child's trouble better than the child can.
     */
    private void feedLayer(ImageSource.Layer layer, DataOutputStream out) throws IOException {
        MessageDigest digest = Digest.newMessageDigest();
        ChildGone gone = null;
        long count = 0;
        byte[] chunk = new byte[CHUNK];
        try (InputStream in = source.open(layer)) {
            for (int got = in.readNBytes(chunk, 0, CHUNK);
                    got > 0;
                    got = in.readNBytes(chunk, 0, CHUNK)) {
                count += got;
                digest.update(chunk, 0, got);
                if (gone == null) {
                    gone = send(out, chunk, got);
                }
            }
        }
        verify(layer, count, Digest.ofRaw(digest.digest()));
        if (gone == null) {
            gone = endLayer(out);
        }
        if (gone != null) {
            throw gone;
        }
    }

    private static @Nullable ChildGone send(DataOutputStream out, byte[] chunk, int length) {
        try {
            UnpackRequest.writeChunk(out, chunk, length);
            return null;
        } catch (IOException e) {
            return new ChildGone(e);
        }
    }

    private static @Nullable ChildGone endLayer(DataOutputStream out) {
        try {
            out.writeInt(UnpackRequest.END_OF_LAYER);
            out.flush();
            return null;
        } catch (IOException e) {
            return new ChildGone(e);
        }
    }

    private static void verify(ImageSource.Layer layer, long count, Digest actual) {
        if (count != layer.size()) {
            throw Fault.invalidArgument(
                    "the layer %s has %d bytes; it should have %d",
                    layer.file(), count, layer.size());
        }
        Digest expected = layer.digest();
        if (expected == null && layer.compression() == Compression.NONE) {
            expected = layer.diffId();
        }
        if (expected != null && !actual.equals(expected)) {
            throw ImageSource.wrongDigest("layer", expected, actual);
        }
    }
}
