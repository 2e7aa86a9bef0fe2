// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A virtio driver, as far as it takes to bring a device up, send requests and reset it.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 4.1
 */
final class QtestDriver {
    private static final long BARS = 0xe000_0000L;
    private static final int COMMAND = 4;
    private static final int MEMORY_AND_MASTER = 6;
    private static final int FIRST_BAR = 0x10;
    private static final int LAST_BAR = 0x24;
    private static final int CAPABILITIES = 0x34;
    private static final int VENDOR_CAPABILITY = 9;
    private static final int COMMON = 1;
    private static final int NOTIFY = 2;

    private static final int DRIVER_OK = 1 | 2 | 4 | 8;
    private static final int FEATURES_OK = 1 | 2 | 8;

    /** Rings and buffers of a queue, in memory that nothing else uses. */
    private static final long QUEUES = 0x10_0000L;

    private static final long QUEUE_SPACE = 0x4_0000L;
    private static final long AVAILABLE = 0x1_0000L;
    private static final long USED = 0x2_0000L;
    private static final long BUFFERS = 0x3_0000L;

    private final QtestMachine machine;
    private final long[] bars = new long[6];
    private long common;
    private long notify;
    private int notifyMultiplier;
    private final int[] sent = new int[8];

    QtestDriver(QtestMachine machine) throws IOException {
        this.machine = machine;
        placeBars();
        findStructures();
    }

    private void placeBars() throws IOException {
        long next = BARS;
        for (int at = FIRST_BAR; at <= LAST_BAR; at += Integer.BYTES) {
            machine.config(at, 4, -1);
            int mask = machine.config(at, 4);
            if (mask == 0 || (mask & 1) != 0) { // nothing there, or ports
                continue;
            }
            long size = -((mask & 0xffff_fff0L) | 0xffff_ffff_0000_0000L);
            next = (next + size - 1) / size * size;
            bars[(at - FIRST_BAR) / Integer.BYTES] = next;
            machine.config(at, 4, (int) next);
            next += size;
            if ((mask & 4) != 0) { // of 64 bits
                at += Integer.BYTES;
                machine.config(at, 4, 0);
            }
        }
        machine.config(COMMAND, 2, MEMORY_AND_MASTER);
    }

    private void findStructures() throws IOException {
        int at = machine.config(CAPABILITIES, 1);
        while (at != 0) {
            if (machine.config(at, 1) == VENDOR_CAPABILITY) {
                long address = bars[machine.config(at + 4, 1)] + machine.config(at + 8, 4);
                switch (machine.config(at + 3, 1)) {
                    case COMMON -> common = address;
                    case NOTIFY -> {
                        notify = address;
                        notifyMultiplier = machine.config(at + 16, 4);
                    }
                    default -> {} // not needed here
                }
            }
            at = machine.config(at + 1, 1);
        }
        assertThat(common).isNotZero();
        assertThat(notify).isNotZero();
    }

    /** Brings the device up. {@return the features in use} */
    long start(long wanted, int queues, int queueSize) throws IOException {
        Arrays.fill(sent, 0);
        machine.write(common + 0x14, 1, 0);
        machine.write(common + 0x14, 1, 1 | 2);
        machine.write(common, 4, 0);
        long features = machine.read(common + 4, 4);
        machine.write(common, 4, 1);
        features |= machine.read(common + 4, 4) << 32;
        features &= wanted;
        machine.write(common + 8, 4, 0);
        machine.write(common + 0xc, 4, features & 0xffff_ffffL);
        machine.write(common + 8, 4, 1);
        machine.write(common + 0xc, 4, features >>> 32);
        machine.write(common + 0x14, 1, FEATURES_OK);
        assertThat(machine.read(common + 0x14, 1)).isEqualTo(FEATURES_OK);
        for (int queue = 0; queue < queues; queue++) {
            machine.writeBytes(ring(queue), new byte[(int) BUFFERS]);
            machine.write(common + 0x16, 2, queue);
            machine.write(common + 0x18, 2, queueSize);
            machine.write(common + 0x20, 8, ring(queue));
            machine.write(common + 0x28, 8, ring(queue) + AVAILABLE);
            machine.write(common + 0x30, 8, ring(queue) + USED);
            machine.write(common + 0x1c, 2, 1);
        }
        machine.write(common + 0x14, 1, DRIVER_OK);
        return features;
    }

    void reset() throws IOException {
        machine.write(common + 0x14, 1, 0);
    }

    private static long ring(int queue) {
        return QUEUES + QUEUE_SPACE * queue;
    }

    /** Sends a request through a queue, its answer to be written at an address of the guest. */
    void send(int queue, byte[] request, long answerAddress, int answerBytes) throws IOException {
        machine.writeBytes(ring(queue) + BUFFERS, request);
        ByteBuffer descriptors = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        descriptors.putLong(ring(queue) + BUFFERS).putInt(request.length);
        descriptors.putShort((short) ChainReader.NEXT).putShort((short) 1);
        descriptors.putLong(answerAddress).putInt(answerBytes);
        descriptors.putShort((short) ChainReader.WRITE).putShort((short) 0);
        machine.writeBytes(ring(queue), descriptors.array());
        sent[queue]++;
        machine.write(ring(queue) + AVAILABLE + 2, 2, sent[queue]); // each place is 0: chain 0
        machine.write(common + 0x16, 2, queue);
        long offset = machine.read(common + 0x1e, 2) * notifyMultiplier;
        machine.write(notify + offset, 2, queue);
    }

    /** {@return whether all that was sent through a queue was given back} */
    boolean isAnswered(int queue) {
        try {
            return machine.read(ring(queue) + USED + 2, 2) == sent[queue];
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
