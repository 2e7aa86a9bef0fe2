// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where host and guest, command line and daemon meet: protocol definitions and the agent channel.
 */
@org.jspecify.annotations.NullMarked
module io.bunkai.api {
    requires transitive com.google.protobuf;
    requires transitive io.bunkai.base;
    requires transitive io.bunkai.ttrpc;
    requires jdk.unsupported; // protobuf's lite runtime, no module itself, reads memory through it
    requires static org.jspecify;

    exports io.bunkai.api;
    exports io.bunkai.api.agent; // generated: Kata's agent protocol
    exports io.bunkai.api.containerd; // generated: containerd's task service, events and metrics
    exports io.bunkai.api.control; // generated: bunkai.control.v1
    exports io.bunkai.api.guest; // generated: bunkai.agent.v1, what our agent adds to Kata's
}
