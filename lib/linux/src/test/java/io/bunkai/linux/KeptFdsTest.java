// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KeptFdsTest {
    private final List<String> told = new ArrayList<>();

    private final KeptFds.Store store =
            new KeptFds.Store() {
                @Override
                public void keep(String name, Fd fd) {
                    told.add("keep " + name);
                }

                @Override
                public void drop(String name) {
                    told.add("drop " + name);
                }
            };

    @Test
    void whatIsKeptOutlivesItsOwnersDescriptor() throws Exception {
        try (Pipe pipe = Pipe.create();
                KeptFds kept = new KeptFds(store, Map.of())) {
            kept.keep("a", pipe.write());
            pipe.write().close();
            Map<String, Fd> copies = kept.copyOfAll();
            try (Fd copy = copies.get("a")) {
                copy.writeFully(new byte[] {7});
            }
            byte[] one = new byte[1];
            assertThat(pipe.read().read(one, 0, 1)).isEqualTo(1);
            kept.drop("a");
            assertThat(pipe.read().read(one, 0, 1)).isZero();
        }
        assertThat(told).containsExactly("keep a", "drop a");
    }

    @Test
    void whatAFormerProcessLeftIsTakenUpOnce() throws Exception {
        try (Pipe pipe = Pipe.create();
                KeptFds kept =
                        new KeptFds(
                                store,
                                Map.of(
                                        "a", pipe.read().duplicate(),
                                        "b", pipe.read().duplicate()))) {
            assertThat(kept.unclaimed()).containsExactly("a", "b");
            kept.claim("a").orElseThrow().close();
            assertThat(kept.claim("a")).isEmpty();
            assertThat(kept.claim("none")).isEmpty();
            assertThat(kept.unclaimed()).containsExactly("b");
            kept.drop("b");
            assertThat(kept.unclaimed()).isEmpty();
        }
        assertThat(told).containsExactly("drop b");
    }

    @Test
    void whatIsMyOwnIsNotThereToBeTakenUp() throws Exception {
        try (Pipe pipe = Pipe.create();
                KeptFds kept = KeptFds.inThisProcess()) {
            kept.keep("a", pipe.read());
            assertThat(kept.claim("a")).isEmpty();
            assertThat(kept.unclaimed()).isEmpty();
        }
    }

    @Test
    void aNameThatTheServiceManagerWouldNotTakeIsRefused() throws Exception {
        try (Pipe pipe = Pipe.create();
                KeptFds kept = KeptFds.inThisProcess()) {
            for (String name : List.of("", "a:b", "a b", "ä", "x".repeat(256))) {
                assertThatThrownBy(() -> kept.keep(name, pipe.read())).isInstanceOf(Fault.class);
            }
        }
    }

    @Test
    void everythingCanBeKeptElsewhereOnceMore() throws Exception {
        try (Pipe pipe = Pipe.create();
                KeptFds kept = new KeptFds(store, Map.of("a", pipe.read().duplicate()))) {
            kept.keep("b", pipe.write());
            kept.keepElsewhereAgain();
            kept.freeze();
            kept.keepElsewhereAgain();
        }
        assertThat(told).containsExactly("keep b", "keep a", "keep b");
    }

    @Test
    void closingLeavesWhatIsKeptElsewhere() throws Exception {
        try (Pipe pipe = Pipe.create()) {
            KeptFds kept = new KeptFds(store, Map.of());
            kept.keep("a", pipe.read());
            kept.close();
            kept.drop("a");
            kept.keep("b", pipe.read());
        }
        assertThat(told).containsExactly("keep a");
    }
}
