// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.util.Locale;

/** Which files of an EROFS image are packed. */
enum Compression {
    /** None: what is read without a page cache (DAX) has to be. */
    NONE("none", ""),

    /**
     * The two that are half of an image, the Java runtime's library and the AOT cache: 29 MB are
     * saved, and an emulated processor has little more to do, as it reads them once and in long
     * pieces. Many small packed files would cost it far more.
     */
    LARGE("lz4hc-large", "65536 libjvm\\.so$\n65536 agent\\.aot$\n0 .\n"),

    /** All. */
    ALL("lz4hc", "");

    private final String label;
    private final String hints;

    Compression(String label, String hints) {
        this.label = label;
        this.hints = hints;
    }

    /** {@return what manifests call it} */
    String label() {
        return label;
    }

    /** {@return mkfs.erofs's hints: the size of a packed piece, and the files, by pattern} */
    String hints() {
        return hints;
    }

    /** {@return what it is called on the command line} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
