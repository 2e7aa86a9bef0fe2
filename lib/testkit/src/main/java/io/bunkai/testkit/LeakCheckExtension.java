// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.time.Duration;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Checks after each test of a class that it left nothing behind. With {@code @ExtendWith} it looks
 * at this process's descendants and descriptors' surroundings with the default options; with
 * {@code @RegisterExtension} a test class says what is its own.
 */
public final class LeakCheckExtension implements BeforeEachCallback, AfterEachCallback {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Supplier<LeakCheck.Options> options;
    private final Duration patience;

    /** Uses the default options and waits ten seconds. */
    public LeakCheckExtension() {
        this(LeakCheck::options, PATIENCE);
    }

    /**
     * Uses these options.
     *
     * @param options asked before each test
     * @param patience how long leftovers may take to go away after each test
     */
    public LeakCheckExtension(Supplier<LeakCheck.Options> options, Duration patience) {
        this.options = options;
        this.patience = patience;
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        store(context).put(LeakCheck.class, options.get().before());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        LeakCheck check = store(context).remove(LeakCheck.class, LeakCheck.class);
        if (check != null) {
            check.assertNothingLeft(Deadline.after(patience));
        }
    }

    private static ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(
                ExtensionContext.Namespace.create(LeakCheckExtension.class, context.getUniqueId()));
    }
}
