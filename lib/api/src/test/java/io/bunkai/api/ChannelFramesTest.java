// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.ChannelFrames.Event;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChannelFramesTest {
    private static final byte[] ID = hex("00010203 04050607 08090a0b 0c0d0e0f");
    private static final long SESSION = 0x0001020304050607L;

    private static final byte[] SYN =
            hex(
                    """
                    426b5379 0001020304050607 00000014 191bc3d8  // "BkSy", session, 20 bytes, crc32c
                    00010203 04050607 08090a0b 0c0d0e0f  // the session's whole id
                    00000001  // version 1
                    """);

    private static final byte[] HELLO =
            hex(
                    """
                    426b4865 0001020304050607 00000014 191bc3d8  // "BkHe", session, 20 bytes, crc32c
                    00010203 04050607 08090a0b 0c0d0e0f  // the session's whole id
                    00000001  // version 1
                    """);

    private static final byte[] DATA =
            hex(
                    """
                    426b4461 0001020304050607 00000009 e3069283  // "BkDa", session, 9 bytes, crc32c
                    313233343536373839  // "123456789", whose CRC-32C every text on it gives
                    """);

    private static final byte[] END =
            hex("426b456e 0001020304050607 00000000 00000000  // \"BkEn\", session, nothing");

    private static ChannelFrames.Reader reader(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return new ChannelFrames.Reader(new ByteArrayInputStream(all.toByteArray()));
    }

    @Test
    void framesAreTheseBytes() throws IOException {
        assertThat(ChannelFrames.greeting(ChannelFrames.SYN, ID, 1)).isEqualTo(SYN);
        assertThat(ChannelFrames.greeting(ChannelFrames.HELLO, ID, 1)).isEqualTo(HELLO);
        assertThat(ChannelFrames.end(SESSION)).isEqualTo(END);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new ChannelFrames.Writer(out).writeData(SESSION, hex("ff313233343536373839ff"), 1, 9);
        assertThat(out.toByteArray()).isEqualTo(DATA);
    }

    @Test
    void readsThem() throws IOException {
        ChannelFrames.Reader reader = reader(SYN, HELLO, DATA, END);
        for (Event greeting : new Event[] {Event.SYN, Event.HELLO}) {
            assertThat(reader.next()).isEqualTo(greeting);
            assertThat(reader.session()).isEqualTo(SESSION);
            assertThat(reader.id()).isEqualTo(ID);
            assertThat(reader.version()).isEqualTo(1);
        }
        assertThat(reader.next()).isEqualTo(Event.DATA);
        byte[] taken = new byte[20];
        assertThat(reader.take(taken, 3, 5)).isEqualTo(5);
        assertThat(reader.remaining()).isEqualTo(4);
        assertThat(reader.take(taken, 8, 12)).isEqualTo(4);
        assertThat(taken).isEqualTo(hex("000000 313233343536373839 0000000000000000"));
        assertThat(reader.isBetweenFrames()).isFalse();
        assertThat(reader.next()).isEqualTo(Event.END);
        assertThat(reader.remaining()).isZero();
        assertThat(reader.isBetweenFrames()).isTrue();
        assertThat(reader.next()).isEqualTo(Event.SILENCE);
    }

    @Test
    void aCutFrameStaysUntilTheRestOfItComes() throws IOException {
        for (int cut = 0; cut < DATA.length; cut++) {
            int length = cut;
            InputStream in =
                    new InputStream() {
                        private int calls;

                        @Override
                        public int read() {
                            throw new UnsupportedOperationException();
                        }

                        @Override
                        public int read(byte[] buffer, int offset, int max) {
                            int from = calls == 0 ? 0 : length;
                            int count =
                                    switch (calls++) {
                                        case 0 -> length;
                                        case 2 -> DATA.length - length;
                                        default -> 0;
                                    };
                            System.arraycopy(DATA, from, buffer, offset, count);
                            return count;
                        }
                    };
            ChannelFrames.Reader reader = new ChannelFrames.Reader(in);
            if (cut > 0) {
                assertThat(reader.next()).isEqualTo(Event.SILENCE);
            } else {
                assertThat(reader.next()).isEqualTo(Event.SILENCE);
                assertThat(reader.isBetweenFrames()).isTrue();
                assertThat(reader.next()).isEqualTo(Event.SILENCE);
            }
            assertThat(reader.next()).as("cut after %d bytes", cut).isEqualTo(Event.DATA);
        }
    }

    @Test
    void zerosCompleteAFrameCutAnywhereAndAreSkippedOtherwise() throws IOException {
        for (byte[] frame : new byte[][] {SYN, DATA, END}) {
            for (int cut = 0; cut <= frame.length; cut++) {
                byte[] part = Arrays.copyOf(frame, cut);
                ChannelFrames.Reader reader = reader(part, ChannelFrames.zeros(), HELLO);
                Event event;
                boolean whole = false;
                while ((event = reader.next()) != Event.HELLO) {
                    assertThat(event).as("cut after %d bytes", cut).isNotEqualTo(Event.SILENCE);
                    whole |= event == Event.SYN || (event == Event.DATA && reader.remaining() > 0);
                }
                boolean carries = frame.length > END.length; // a whole END or none is all the same
                assertThat(whole).isEqualTo(carries && cut == frame.length);
            }
        }
    }

    @Test
    void aWrongChecksumIsNoticed() throws IOException {
        for (int bit = 0; bit < 8 * 9; bit++) {
            byte[] damaged = DATA.clone();
            damaged[20 + bit / 8] ^= (byte) (1 << bit % 8);
            ChannelFrames.Reader reader = reader(damaged, END);
            assertThat(reader.next()).isEqualTo(Event.DAMAGED);
            assertThat(reader.next()).isEqualTo(Event.END);
        }
    }

    @Test
    void lengthsThatNoFrameHasAreNoFrame() throws IOException {
        for (String header :
                new String[] {
                    "426b4461 0001020304050607 00010001 00000000", // DATA of 64 KiB + 1
                    "426b4461 0001020304050607 ffffffff 00000000",
                    "426b4461 0001020304050607 80000000 00000000",
                    "426b5379 0001020304050607 00000013 00000000", // SYN of 19
                    "426b4865 0001020304050607 00000015 00000000", // HELLO of 21
                    "426b456e 0001020304050607 00000001 00000000", // END of 1
                    "426b4242 0001020304050607 00000000 00000000"
                }) {
            ChannelFrames.Reader reader = reader(hex(header), END);
            Event event = reader.next();
            assertThat(event).isEqualTo(Event.NO_FRAME);
            while (event == Event.NO_FRAME) {
                event = reader.next();
            }
            assertThat(event).isEqualTo(Event.END);
        }
    }

    @Test
    void theLargestFramePasses() throws IOException {
        byte[] payload = new byte[64 << 10];
        new Random(1).nextBytes(payload);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ChannelFrames.Writer writer = new ChannelFrames.Writer(out);
        for (int i = 0; i < 5; i++) {
            writer.writeData(SESSION, payload, 0, payload.length);
        }
        ChannelFrames.Reader reader = reader(out.toByteArray());
        for (int i = 0; i < 5; i++) {
            assertThat(reader.next()).isEqualTo(Event.DATA);
            byte[] read = new byte[payload.length];
            assertThat(reader.take(read, 0, read.length)).isEqualTo(payload.length);
            assertThat(read).isEqualTo(payload);
        }
        assertThat(reader.next()).isEqualTo(Event.SILENCE);
    }

    @Test
    void findsTheHelloBehindAnything() throws IOException {
        byte[] otherHello =
                ChannelFrames.greeting(
                        ChannelFrames.HELLO, hex("00010203 04050607 ffffffff ffffffff"), 1);
        byte[] swallows = hex("426b4461 0001020304050607 00010000 00000000 0102"); // 64 KiB of DATA
        byte[] damaged = HELLO.clone();
        damaged[39] ^= 1;
        byte[] noise = new byte[200_000];
        Random random = new Random(2);
        random.nextBytes(noise);
        for (int i = 0; i < noise.length; i += 1 + random.nextInt(20)) {
            noise[i] = 0x42;
        }
        ChannelFrames.Reader reader =
                reader(
                        noise,
                        otherHello,
                        damaged,
                        swallows,
                        SYN,
                        Arrays.copyOf(HELLO, 39),
                        HELLO,
                        DATA);
        assertThat(reader.nextHello(ID, 1 << 20)).isEqualTo(Event.HELLO);
        assertThat(reader.version()).isEqualTo(1);
        assertThat(reader.next()).isEqualTo(Event.DATA);
        assertThat(reader(noise, otherHello, damaged).nextHello(ID, 1 << 20))
                .isEqualTo(Event.SILENCE);
    }

    @Test
    void noiseNeverBreaksTheReader() throws IOException {
        for (long seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            byte[] noise = new byte[random.nextInt(3000)];
            random.nextBytes(noise);
            for (int at = 0; at + 20 < noise.length; at += 1 + random.nextInt(300)) {
                byte[] frame =
                        switch (random.nextInt(4)) {
                            case 0 -> SYN;
                            case 1 -> END;
                            case 2 -> HELLO;
                            default -> DATA;
                        };
                System.arraycopy(frame, 0, noise, at, Math.min(frame.length, noise.length - at));
                noise[at + random.nextInt(20)] ^= (byte) (random.nextBoolean() ? 1 : 0);
            }
            ChannelFrames.Reader reader = reader(noise, ChannelFrames.zeros(), SYN);
            Event last = Event.NO_FRAME;
            for (Event event; (event = reader.next()) != Event.SILENCE; ) {
                last = event;
            }
            assertThat(last).as("seed %d", seed).isEqualTo(Event.SYN);
            assertThat(reader.isBetweenFrames()).as("seed %d", seed).isTrue();
        }
    }
}
