// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.io.InputStream;

/** The files that lie beside our classes. */
final class Resources {
    private Resources() {}

    /** {@return the content of a file of ours} */
    static byte[] read(String name) throws IOException {
        try (InputStream in = Resources.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new AssertionError("the build left out the resource " + name);
            }
            return in.readAllBytes();
        }
    }
}
