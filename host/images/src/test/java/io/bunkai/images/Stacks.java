// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.images.UnpackRequest.Compression;
import io.bunkai.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Unpacks layers in this process, where a test can look at what happens. */
final class Stacks {
    static final String UUID = "000102030405060708090a0b0c0d0e0f";

    private Stacks() {}

    static Path disk(Path disk, TestTar... layers) {
        return disk(
                disk,
                UnpackLimits.DEFAULTS,
                List.of(layers).stream().map(TestTar::bytes).toList(),
                Compression.NONE);
    }

    static Path disk(Path disk, UnpackLimits limits, List<byte[]> layers, Compression compression) {
        List<String> diffIds =
                layers.stream().map(layer -> Digest.of(plain(layer, compression)).hex()).toList();
        return unpack(disk, limits, compression, layers, diffIds);
    }

    static Path unpack(
            Path disk,
            UnpackLimits limits,
            Compression compression,
            List<byte[]> layers,
            List<String> diffIds) {
        try (FileChannel channel =
                FileChannel.open(
                        disk,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE_NEW)) {
            LayerStack stack = new LayerStack(limits, new BlockOutput(channel, channel));
            for (int i = 0; i < layers.size(); i++) {
                stack.add(new ByteArrayInputStream(layers.get(i)), compression, diffIds.get(i));
            }
            long length = stack.finish(UUID);
            if (length != Files.size(disk)) {
                throw new AssertionError("the disk has not the length that was reported");
            }
            return disk;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] plain(byte[] layer, Compression compression) {
        if (compression != Compression.GZIP) {
            return layer;
        }
        try (GzipStream in = new GzipStream(new ByteArrayInputStream(layer))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
