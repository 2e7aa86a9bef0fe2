// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.config.BudgetConfiguration.Budget;
import java.util.List;

/** What several file servers can have together: docs/limits.md has the names. */
enum Divided {
    /** Bytes read and written in a second. */
    BANDWIDTH("fs-share-bw-size") {
        @Override
        List<String> done() {
            return List.of("bytes-read", "bytes-written");
        }

        @Override
        long of(Budget budget) {
            return budget.bandwidth();
        }
    },
    /** Requests in a second. */
    OPERATIONS("fs-share-ops-size") {
        @Override
        List<String> done() {
            return List.of("requests");
        }

        @Override
        long of(Budget budget) {
            return budget.operations();
        }
    };

    private final String setting;

    Divided(String setting) {
        this.setting = setting;
    }

    /** {@return the setting of a server that says how much of it the server has} */
    String setting() {
        return setting;
    }

    /** {@return the counters whose sum is what a server has taken of it} */
    abstract List<String> done();

    /** {@return how much of it a budget allows; 0 is no limit} */
    abstract long of(Budget budget);
}
