// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.util.regex.Pattern;

/**
 * How a machine's process is confined.
 *
 * @param systemCallFilter which system calls the process gives up, in the hypervisor's words;
 *     empty: none
 */
public record SecuritySpec(String systemCallFilter) {
    // First: the constant below is checked against it.
    private static final Pattern FILTER = Pattern.compile("[a-z=,]*");

    /** Everything that a hypervisor can do without once its machine is set up. */
    public static final SecuritySpec STRICT =
            new SecuritySpec(
                    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");

    /**
     * Checks.
     *
     * @throws Fault INVALID_ARGUMENT if the filter cannot be one
     */
    public SecuritySpec {
        if (!FILTER.matcher(systemCallFilter).matches()) {
            throw Fault.invalidArgument("'%s' is not a system call filter", systemCallFilter);
        }
    }
}
