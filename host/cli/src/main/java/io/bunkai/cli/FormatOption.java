// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class FormatOption {
    @Option(
            names = "--format",
            paramLabel = "table|json",
            converter = Format.Converter.class,
            description = "For people (table, the default) or for programs (json).")
    private Format format = Format.TABLE;

    boolean isJson() {
        return format == Format.JSON;
    }
}
