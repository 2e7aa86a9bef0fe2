// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

/** This release. */
final class ReleaseVersion {
    static final String TEXT = "0.1.0";

    private ReleaseVersion() {}
}
