// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;

/**
 * What holds for a machine and its pod, checked and in whole words: the configuration file's keys
 * that Bunkai honours, the host's size and the installation's paths worked in. Immutable.
 *
 * @param machine the machine model and what runs it
 * @param boot what the guest boots
 * @param sizing processors and memory
 * @param sharing how folders and files of the host reach the guest
 * @param budgets how much of them all guests may have together
 * @param agent the guest's agent
 * @param runtime the runtime itself
 * @param annotations what pods may change
 */
public record Configuration(
        MachineConfiguration machine,
        BootConfiguration boot,
        SizingConfiguration sizing,
        SharingConfiguration sharing,
        BudgetConfiguration budgets,
        AgentConfiguration agent,
        RuntimeConfiguration runtime,
        AnnotationConfiguration annotations) {

    /**
     * What pods may change through annotations.
     *
     * @param enabled regular expressions, each of which must match the whole name of an annotation
     */
    public record AnnotationConfiguration(List<String> enabled) {
        public AnnotationConfiguration {
            enabled = List.copyOf(enabled);
        }
    }
}
