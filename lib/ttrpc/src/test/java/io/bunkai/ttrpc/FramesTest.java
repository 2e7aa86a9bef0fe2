// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.bunkai.ttrpc.wire.KeyValue;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import io.bunkai.ttrpc.wire.Status;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import org.junit.jupiter.api.Test;

class FramesTest {
    private static final byte[] REQUEST =
            hex(
                    """
                    00000035 00000001 01 00  // data of 53 bytes, stream 1, request, no flags
                    0a 0b 677270632e4865616c7468  // 1 service: "grpc.Health"
                    12 05 436865636b  // 2 method: "Check"
                    1a 04 0a02 6869  // 3 payload: four bytes
                    20 80dea0cb05  // 4 timeout_nano: 1 500 000 000
                    2a 13 0a09 6e616d657370616365 1206 6b38732e696f
                        // 5 metadata: 1 key "namespace", 2 value "k8s.io"
                    """);

    private static final byte[] RESPONSE =
            hex(
                    """
                    00000004 00000001 02 00  // data of 4 bytes, stream 1, response, no flags
                    12 02 0801  // 2 payload: two bytes
                    """);

    private static final byte[] FAILURE =
            hex(
                    """
                    0000000f ffffffff 02 00  // data of 15 bytes, stream 2^32 - 1, response, no flags
                    0a 0d  // 1 status
                       08 05  // 1 code: NOT_FOUND
                       12 09 6e6f7420666f756e64  // 2 message: "not found"
                    """);

    @Test
    void writesARequestByteByByteAsTheSpecificationSays() {
        Request request =
                Request.newBuilder()
                        .setService("grpc.Health")
                        .setMethod("Check")
                        .setPayload(ByteString.copyFrom(hex("0a026869")))
                        .setTimeoutNano(1_500_000_000)
                        .addMetadata(KeyValue.newBuilder().setKey("namespace").setValue("k8s.io"))
                        .build();
        assertThat(Frames.encode(1, Frames.REQUEST, (byte) 0, request)).isEqualTo(REQUEST);
    }

    @Test
    void writesAResponseByteByByteAsTheSpecificationSays() {
        Response response =
                Response.newBuilder().setPayload(ByteString.copyFrom(hex("0801"))).build();
        assertThat(Frames.encode(1, Frames.RESPONSE, (byte) 0, response)).isEqualTo(RESPONSE);
    }

    @Test
    void writesAFailureByteByByteAsTheSpecificationSays() {
        Response response =
                Response.newBuilder()
                        .setStatus(Status.newBuilder().setCode(5).setMessage("not found"))
                        .build();
        assertThat(Frames.encode(-1, Frames.RESPONSE, (byte) 0, response)).isEqualTo(FAILURE);
    }

    @Test
    void readsWhatItWrites() throws IOException {
        InputStream in = new ByteArrayInputStream(REQUEST);
        Frames.Header header = Frames.readHeader(in);
        assertThat(header).isEqualTo(new Frames.Header(53, 1, Frames.REQUEST, (byte) 0));
        Request request = Request.parseFrom(Frames.readData(in, header));
        assertThat(request.getMetadata(0).getValue()).isEqualTo("k8s.io");
        assertThat(Frames.readHeader(in)).isNull();
    }

    @Test
    void fillsInTheStreamLater() {
        byte[] frame = RESPONSE.clone();
        Frames.setStream(frame, 0x01020304);
        assertThat(frame).startsWith(0, 0, 0, 4, 1, 2, 3, 4, 2, 0);
    }

    @Test
    void skipsTheDetailsOfAStatus() throws IOException {
        byte[] withDetails =
                hex(
                        """
                        0a 0a  // 1 status
                           08 05  // 1 code: NOT_FOUND
                           12 01 78  // 2 message: "x"
                           1a 03 0a 01 75  // 3 details: one Any of the type "u"
                        """);
        Status status = Response.parseFrom(withDetails).getStatus();
        assertThat(status.getCode()).isEqualTo(5);
        assertThat(status.getMessage()).isEqualTo("x");
    }

    @Test
    void tellsAnEndBetweenFramesFromAFrameCutAnywhere() throws IOException {
        for (int cut = 1; cut < REQUEST.length; cut++) {
            InputStream in = new ByteArrayInputStream(REQUEST, 0, cut);
            assertThatThrownBy(() -> Frames.readData(in, Frames.readHeader(in)))
                    .as("cut after %d bytes", cut)
                    .isInstanceOf(EOFException.class);
            InputStream again = new ByteArrayInputStream(REQUEST, 0, cut);
            assertThatThrownBy(() -> Frames.skipData(again, Frames.readHeader(again)))
                    .as("cut after %d bytes, skipping", cut)
                    .isInstanceOf(EOFException.class);
        }
        assertThat(Frames.readHeader(InputStream.nullInputStream())).isNull();
    }

    @Test
    void neverReadsOversizedData() throws IOException {
        InputStream in = new ByteArrayInputStream(hex("00400001 00000003 01 00"));
        Frames.Header header = Frames.readHeader(in);
        assertThat(header.isOversized()).isTrue();
        assertThatThrownBy(() -> Frames.readData(in, header))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(Frames.readHeader(new ByteArrayInputStream(hex("00400000 00000003 01 00"))))
                .returns(false, Frames.Header::isOversized);
    }

    @Test
    void givesUpOnWhatCannotBeAFrame() {
        InputStream in = new ByteArrayInputStream(hex("01000000 00000003 01 00"));
        assertThatThrownBy(() -> Frames.readHeader(in))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("16777216");
    }
}
