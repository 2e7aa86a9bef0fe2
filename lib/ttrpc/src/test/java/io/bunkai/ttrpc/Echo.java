// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import io.bunkai.ttrpc.wire.KeyValue;

/** Methods and messages to test with. */
final class Echo {
    static final Method<KeyValue, KeyValue> SAY =
            new Method<>("test.Echo", "Say", KeyValue::parser, KeyValue::parser);

    static final Method<KeyValue, KeyValue> WAIT =
            new Method<>("test.Echo", "Wait", KeyValue::parser, KeyValue::parser);

    private Echo() {}

    static KeyValue message(String value) {
        return KeyValue.newBuilder().setValue(value).build();
    }
}
