// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.Optional;

/**
 * What a container uses at one moment. Whatever could not be found out is empty: a guest or a file
 * server that does not answer, or makes no sense, hides nothing but what it alone knows.
 *
 * @param state as in {@link ContainerView}
 * @param vcpus of the machine
 * @param memoryBytes of the machine
 * @param guest what the guest says; empty if it did not answer, or there is none
 * @param host what all of it costs the host; empty if there is no machine
 * @param hypervisor QEMU; empty if it does not run
 * @param fileServer empty if nothing of the host is shared
 * @param files what the file server says; empty if it did not answer, or has no counters
 */
public record Usage(
        String id,
        String name,
        String state,
        int vcpus,
        long memoryBytes,
        Optional<GuestUsage> guest,
        Optional<HostUsage> host,
        Optional<ProcessUsage> hypervisor,
        Optional<ProcessUsage> fileServer,
        Optional<FileUsage> files) {}
