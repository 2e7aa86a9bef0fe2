// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.CodedOutputStream;
import io.bunkai.base.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * What the launcher reads: lines, the first of which says what follows. Bytes that it is to print
 * are octal escapes, which a shell's {@code printf %b} turns back into what they are.
 */
final class LaunchAnswer {
    private static final int SHIM_VERSION = 3;
    private static final String PROTOCOL = "ttrpc";

    /** A pipe takes 4096 bytes at once or nothing: that is these characters in any script. */
    private static final int LONGEST_CAUSE = 600;

    private static final int LONGEST_OTHER = 200;

    private LaunchAnswer() {}

    /**
     * {@return the answer to a start: the address as it is, as a line of JSON, and as bytes of a
     * BootstrapResult}
     */
    static byte[] started(String address) {
        return lines(
                "ok",
                address,
                "{\"version\":%d,\"address\":%s,\"protocol\":\"%s\"}"
                        .formatted(SHIM_VERSION, quoted(address), PROTOCOL),
                escaped(bootstrapResult(address)));
    }

    /** {@return the answer to a delete: the bytes of a DeleteResponse} */
    static byte[] deleted(DeletedTask task) {
        return lines("ok", escaped(deleteResponse(task)));
    }

    /** {@return the answer to what was not done: what a person is to read} */
    static byte[] refused(String error, Fault fault) {
        StringBuilder cause = new StringBuilder(String.valueOf(fault.getMessage()));
        for (Throwable deeper = fault.getCause(); deeper != null; deeper = deeper.getCause()) {
            cause.append(": ").append(deeper.getMessage());
        }
        return lines(
                "refused",
                "error: " + readable(error, LONGEST_OTHER),
                "cause: " + readable(cause.toString(), LONGEST_CAUSE),
                "hint:  "
                        + readable(
                                fault.hint().orElse("look into the daemon's log"), LONGEST_OTHER),
                "end");
    }

    /**
     * containerd.runtime.bootstrap.v1.BootstrapResult.
     *
     * @spec
     *     https://github.com/containerd/containerd/blob/v2.3.0/api/runtime/bootstrap/v1/bootstrap.proto
     */
    static byte[] bootstrapResult(String address) {
        return message(out -> {
            out.writeInt32(1, SHIM_VERSION);
            out.writeString(2, address);
            out.writeString(3, PROTOCOL);
        });
    }

    /**
     * containerd.task.v2.DeleteResponse; that of v3 is the same.
     *
     * @spec https://github.com/containerd/containerd/blob/v2.2.0/api/runtime/task/v2/shim.proto
     */
    static byte[] deleteResponse(DeletedTask task) {
        Instant at = task.exitedAt();
        byte[] timestamp =
                message(out -> {
                    out.writeInt64(1, at.getEpochSecond());
                    out.writeInt32(2, at.getNano());
                });
        return message(out -> {
            out.writeUInt32(1, task.pid());
            out.writeUInt32(2, task.exitStatus());
            out.writeByteArray(3, timestamp);
        });
    }

    /** Writes fields. */
    private interface Fields {
        void writeTo(CodedOutputStream out) throws IOException;
    }

    private static byte[] message(Fields fields) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            fields.writeTo(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing is written anywhere
        }
        return bytes.toByteArray();
    }

    private static String escaped(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append("\\0%03o".formatted(value & 0xff));
        }
        return text.toString();
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        text.chars()
                .forEach(character -> {
                    if (character == '"' || character == '\\') {
                        json.append('\\').append((char) character);
                    } else if (character < ' ') {
                        json.append("\\u%04x".formatted(character));
                    } else {
                        json.append((char) character);
                    }
                });
        return json.append('"').toString();
    }

    /** One line, and not too much of it. */
    private static String readable(String text, int longest) {
        String line = text.replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= longest ? line : line.substring(0, longest) + "...";
    }

    private static byte[] lines(String... lines) {
        return (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
