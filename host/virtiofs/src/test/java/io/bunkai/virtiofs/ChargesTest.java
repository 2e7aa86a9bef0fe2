// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChargesTest {
    @Test
    void itIsAMap() {
        Charges charges = new Charges();
        Map<Long, Long> expected = new HashMap<>();
        Random random = new Random(3);
        for (int i = 0; i < 100_000; i++) {
            long number = random.nextInt(5000);
            if (random.nextInt(3) == 0) {
                charges.remove(number);
                expected.remove(number);
            } else {
                long taken = random.nextInt(100);
                charges.put(number, taken);
                expected.put(number, taken);
            }
            assertThat(charges.count()).isEqualTo(expected.size());
        }
        for (long number = 0; number < 5000; number++) {
            assertThat(charges.get(number)).isEqualTo(expected.getOrDefault(number, Charges.NONE));
        }
    }
}
