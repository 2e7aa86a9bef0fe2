// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.io.IOException;

/** A command was refused, or failed, and the peer said so. The connection is as good as before. */
public final class QmpException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The class of a command that this QEMU does not have, or not in its present state. */
    public static final String COMMAND_NOT_FOUND = "CommandNotFound";

    /** The class of a failure that a device is not there, or not active. */
    public static final String DEVICE_NOT_FOUND = "DeviceNotFound";

    private final String command;
    private final String errorClass;
    private final String description;

    /** An exception with the peer's own words. */
    public QmpException(String command, String errorClass, String description) {
        super(command + " failed: " + description);
        this.command = command;
        this.errorClass = errorClass;
        this.description = description;
    }

    /** {@return the name of the command} */
    public String command() {
        return command;
    }

    /** {@return the peer's class of the failure; nearly always {@code GenericError}} */
    public String errorClass() {
        return errorClass;
    }

    /** {@return the peer's sentence for people} */
    public String description() {
        return description;
    }
}
