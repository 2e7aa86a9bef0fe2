// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;

/**
 * The program that unpacks images, in a process of its own with nothing to lose: it reads an {@link
 * UnpackRequest} from its standard input, writes the file system to its standard output, which is a
 * file open for reading and writing, and says on its standard error how it went ({@link
 * ChildReport}). It opens nothing else.
 */
public final class LayerUnpacker {
    private static final int BUFFER_BYTES = 256 * 1024;

    private LayerUnpacker() {}

    /** Unpacks one image; the exit status is 0 if the file system is complete, else 1. */
    public static void main(String[] arguments) {
        System.exit(run(System.in, BlockOutput.of(FileDescriptor.out), System.err));
    }

    static int run(InputStream in, BlockOutput out, PrintStream report) {
        return ChildReport.run(
                report,
                () -> unpack(new DataInputStream(new BufferedInputStream(in, BUFFER_BYTES)), out));
    }

    private static long unpack(DataInputStream in, BlockOutput out) throws IOException {
        UnpackRequest request = UnpackRequest.readFrom(in);
        LayerStack stack = new LayerStack(request.limits(), out);
        for (UnpackRequest.Layer layer : request.layers()) {
            stack.add(UnpackRequest.layer(in), layer.compression(), layer.diffId());
        }
        if (in.readInt() != UnpackRequest.COMMIT) {
            throw new IOException("the parent did not vouch for what it sent");
        }
        return stack.finish(request.uuid());
    }
}
