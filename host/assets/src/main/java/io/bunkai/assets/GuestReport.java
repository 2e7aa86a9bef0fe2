// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a check found.
 *
 * @param kernel the kernel that was looked at
 * @param image the image that was looked at
 * @param findings in a fixed order; mismatches first
 */
public record GuestReport(Path kernel, Path image, List<Finding> findings) {
    public GuestReport {
        findings = List.copyOf(findings);
    }

    /** {@return what would make a guest fail} */
    public List<Finding> mismatches() {
        return of(Finding.Kind.MISMATCH);
    }

    /** {@return what nobody can say} */
    public List<Finding> unknowns() {
        return of(Finding.Kind.UNKNOWN);
    }

    private List<Finding> of(Finding.Kind kind) {
        return findings.stream().filter(finding -> finding.kind() == kind).toList();
    }

    /**
     * Refuses a start if there is a mismatch.
     *
     * @throws Fault FAILED_PRECONDITION with all of them
     */
    public void refuseMismatches() {
        List<Finding> bad = mismatches();
        if (!bad.isEmpty()) {
            throw Fault.failedPrecondition(
                            "the guest cannot work as it is (%d found): %s",
                            bad.size(),
                            bad.stream().map(Finding::toString).collect(Collectors.joining("; ")))
                    .withHint("to see it again: bunkai guest check %s %s", kernel, image);
        }
    }
}
