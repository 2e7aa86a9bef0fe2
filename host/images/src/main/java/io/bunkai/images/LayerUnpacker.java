// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Locale;

/**
 * The program that unpacks images, in a process of its own with nothing to lose: it reads an {@link
 * UnpackRequest} from its standard input, writes the file system to its standard output, which is a
 * file open for reading and writing, and says on its standard error how it went. It opens nothing
 * else.
 */
public final class LayerUnpacker {
    /** Begins the one line of the report; what else is on standard error is the Java runtime's. */
    static final String REPORT = "bunkai-unpack ";

    static final String REPORT_OK = REPORT + "ok ";
    static final String REPORT_FAULT = REPORT + "fault ";

    private static final int BUFFER_BYTES = 256 * 1024;

    private LayerUnpacker() {}

    /** Unpacks one image; the exit status is 0 if the file system is complete, else 1. */
    public static void main(String[] arguments) {
        System.exit(run(System.in, BlockOutput.of(FileDescriptor.out), System.err));
    }

    static int run(InputStream in, BlockOutput out, PrintStream report) {
        try {
            long length =
                    unpack(new DataInputStream(new BufferedInputStream(in, BUFFER_BYTES)), out);
            report.println(REPORT_OK + length);
            return 0;
        } catch (Fault e) {
            report.println(
                    REPORT_FAULT
                            + e.code()
                            + " "
                            + oneLine(e.getMessage())
                            + e.hint().map(hint -> "\t" + oneLine(hint)).orElse(""));
        } catch (OutOfMemoryError e) {
            report.println(
                    REPORT_FAULT
                            + "RESOURCE_EXHAUSTED the image has more files and names than fit into"
                            + " the memory for unpacking it");
        } catch (IOException | RuntimeException | StackOverflowError e) {
            report.println(REPORT_FAULT + codeOf(e) + " " + oneLine(String.valueOf(e)));
        }
        return 1;
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

    /** The Java library tells a full disk from other failures by the kernel's text only. */
    private static String codeOf(Throwable e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        boolean full =
                text.contains("no space left")
                        || text.contains("quota exceeded")
                        || text.contains("file too large");
        return e instanceof IOException && full ? "RESOURCE_EXHAUSTED" : "INTERNAL";
    }

    private static String oneLine(@org.jspecify.annotations.Nullable String text) {
        return text == null ? "" : text.replaceAll("\\p{Cntrl}", " ");
    }
}
