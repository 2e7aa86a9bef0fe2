// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import java.util.List;

/**
 * Values of QEMU's options: elements with commas between them, where a comma within an element is
 * written twice.
 */
final class Options {
    private Options() {}

    /** {@return the elements, as they are, with commas between them} */
    static String list(String first, List<String> rest) {
        return rest.isEmpty() ? first : first + "," + String.join(",", rest);
    }

    /** {@return {@code key=value}, whatever the value holds} */
    static String option(String key, Object value) {
        return key + "=" + value.toString().replace(",", ",,");
    }
}
