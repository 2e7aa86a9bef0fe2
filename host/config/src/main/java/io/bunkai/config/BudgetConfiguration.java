// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.Map;

/**
 * What pods may have of the host's files together, and how that is divided: a node's budget between
 * its namespaces, a namespace's between its pods.
 *
 * @param weight of a pod among those of its namespace
 * @param node what all pods of the node may have together
 * @param namespace what the pods of one namespace may have together, whichever it is
 * @param namespaceWeights of namespaces that have another weight than {@link #USUAL_WEIGHT}
 */
public record BudgetConfiguration(
        int weight, Budget node, Budget namespace, Map<String, Integer> namespaceWeights) {
    /** Of whoever was given none. */
    public static final int USUAL_WEIGHT = 100;

    /** The largest weight; the least is 1. */
    public static final int MOST_WEIGHT = 10_000;

    /** Nothing is divided. */
    public static final BudgetConfiguration NONE =
            new BudgetConfiguration(USUAL_WEIGHT, Budget.NONE, Budget.NONE, Map.of());

    public BudgetConfiguration {
        namespaceWeights = Map.copyOf(namespaceWeights);
    }

    /**
     * What several have together.
     *
     * @param bandwidth bytes read and written per second; 0 is no limit
     * @param operations requests per second; 0 is no limit
     */
    public record Budget(long bandwidth, long operations) {
        static final Budget NONE = new Budget(0, 0);
    }

    /** {@return whether there is nothing to divide} */
    public boolean isUnlimited() {
        return node.equals(Budget.NONE) && namespace.equals(Budget.NONE);
    }

    /** {@return the weight of a namespace among those of the node} */
    public int weightOf(String aNamespace) {
        return namespaceWeights.getOrDefault(aNamespace, USUAL_WEIGHT);
    }
}
