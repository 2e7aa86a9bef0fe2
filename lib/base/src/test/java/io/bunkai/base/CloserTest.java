// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CloserTest {
    private final List<String> closed = new ArrayList<>();

    @Test
    void closesTheNewestFirst() {
        try (Closer closer = new Closer()) {
            closer.onClose(() -> closed.add("first"));
            closer.onClose(() -> closed.add("second"));
        }
        assertThat(closed).containsExactly("second", "first");
    }

    @Test
    void aReleasedCloserClosesNothingAndItsSuccessorEverythingOnce() {
        Closer successor;
        try (Closer closer = new Closer()) {
            closer.onClose(() -> closed.add("kept"));
            successor = closer.release();
        }
        assertThat(closed).isEmpty();
        successor.close();
        successor.close();
        assertThat(closed).containsExactly("kept");
    }

    @Test
    void goesOnAfterAFailureAndReportsTheFirst() {
        Closer closer = new Closer();
        closer.onClose(() -> closed.add("last"));
        closer.onClose(() -> {
            throw new IllegalStateException("later");
        });
        closer.onClose(() -> {
            throw new IOException("first");
        });
        assertThatThrownBy(closer::close)
                .isInstanceOf(Fault.class)
                .cause()
                .hasMessage("first")
                .satisfies(first -> assertThat(first.getSuppressed()).hasSize(1));
        assertThat(closed).containsExactly("last");
    }
}
