// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

/**
 * Which QEMU speaks.
 *
 * @param major first number of the version
 * @param minor second number
 * @param micro third number; 50 and above is a development version
 * @param distribution what the distribution adds, such as its package's version; may be empty
 */
public record QmpVersion(int major, int minor, int micro, String distribution) {
    static QmpVersion read(QmpValue value) throws QmpProtocolException {
        QmpValue qemu = value.member("qemu");
        return new QmpVersion(
                qemu.integer("major"),
                qemu.integer("minor"),
                qemu.integer("micro"),
                value.text("package"));
    }

    /** {@return whether this is at least the given version} */
    public boolean isAtLeast(int wantedMajor, int wantedMinor) {
        return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
    }

    /** {@return the three numbers with dots between them} */
    @Override
    public String toString() {
        return major + "." + minor + "." + micro;
    }
}
