// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The OCI image and run-time specifications as records. */
@org.jspecify.annotations.NullMarked
module io.bunkai.oci {
    requires transitive io.bunkai.base;
    requires com.fasterxml.jackson.annotation;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports io.bunkai.oci;
}
