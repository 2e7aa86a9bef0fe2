// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Builds the guest's kernel from source, out of configuration fragments. */
@org.jspecify.annotations.NullMarked
module io.bunkai.kernel {
    requires transitive io.bunkai.base;
    requires java.net.http; // kernel.org, where there is an internet
    requires tools.jackson.databind;
    requires info.picocli;
    requires static org.jspecify;

    exports io.bunkai.kernel;

    // Fills in the commands' options.
    opens io.bunkai.kernel to
            info.picocli;
}
