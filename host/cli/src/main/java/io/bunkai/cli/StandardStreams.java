// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Standard input and output without a buffer in between. Another program may have left the open
 * file in non-blocking mode, which all its holders share: "nothing now" is then waited out, so that
 * neither a byte is lost nor an end is seen that is none.
 */
final class StandardStreams {
    private static final long NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private StandardStreams() {}

    static InputStream input() {
        return new Input();
    }

    static OutputStream output() {
        return new Output(FileDescriptor.out);
    }

    static OutputStream error() {
        return new Output(FileDescriptor.err);
    }

    private static final class Input extends InputStream {
        @SuppressWarnings("resource") // lives as long as the process
        private final FileChannel channel = new FileInputStream(FileDescriptor.in).getChannel();

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) == 1 ? one[0] & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, target.length);
            if (length == 0) {
                return 0;
            }
            ByteBuffer buffer = ByteBuffer.wrap(target, offset, length);
            int n = channel.read(buffer);
            while (n == 0) {
                LockSupport.parkNanos(NAP_NANOS);
                n = channel.read(buffer);
            }
            return n;
        }
    }

    private static final class Output extends OutputStream {
        private final FileChannel channel;

        @SuppressWarnings("resource") // lives as long as the process
        private Output(FileDescriptor descriptor) {
            channel = new FileOutputStream(descriptor).getChannel();
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] source, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, source.length);
            ByteBuffer buffer = ByteBuffer.wrap(source, offset, length);
            while (buffer.hasRemaining()) {
                if (channel.write(buffer) == 0) {
                    LockSupport.parkNanos(NAP_NANOS);
                }
            }
        }
    }
}
