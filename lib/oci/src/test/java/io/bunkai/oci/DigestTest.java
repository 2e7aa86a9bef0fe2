// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigestTest {
    private static final String OF_ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @Test
    void isTheSha256OfTheBytes() { // the example of FIPS 180-2
        assertThat(Digest.of("abc".getBytes(US_ASCII))).hasToString("sha256:" + OF_ABC);
    }

    @Test
    void survivesTextAndRawBytes() {
        Digest digest = Digest.parse("sha256:" + OF_ABC);
        assertThat(Digest.parse(digest.toString())).isEqualTo(digest);
        assertThat(Digest.ofRaw(digest.raw())).isEqualTo(digest);
        assertThat(digest.abbreviated()).isEqualTo("ba7816bf8f01");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "abc",
                "sha256:",
                "sha256:abc",
                "sha256:../../../etc/passwd",
                "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
                "SHA256:" + OF_ABC,
                "sha256:" + OF_ABC + "00"
            })
    void refusesWhatIsNoDigest(String text) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> Digest.parse(text))
                .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
    }

    @Test
    void namesTheAlgorithmThatItDoesNotKnow() {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> Digest.parse("sha512:" + OF_ABC + OF_ABC))
                .withMessage("the digest algorithm 'sha512' is not supported")
                .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.UNIMPLEMENTED));
    }
}
