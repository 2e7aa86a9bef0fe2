// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

/** The answer of a command that answers nothing but that it was carried out. */
public enum Done {
    /** It was carried out. */
    DONE
}
