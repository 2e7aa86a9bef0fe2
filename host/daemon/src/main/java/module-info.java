// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** bunkaid: wires the runtime to QEMU and to the control socket. */
@org.jspecify.annotations.NullMarked
module io.bunkai.daemon {
    requires com.google.protobuf;
    requires io.bunkai.api;
    requires io.bunkai.base;
    requires io.bunkai.config;
    requires io.bunkai.images;
    requires io.bunkai.linux;
    requires io.bunkai.oci;
    requires io.bunkai.runtime;
    requires io.bunkai.shim;
    requires io.bunkai.ttrpc;
    requires io.bunkai.vmm;
    requires io.bunkai.vmm.qemu;
    requires io.prometheus.metrics.model;
    requires io.prometheus.writer.text;
    requires static org.jspecify;

    exports io.bunkai.daemon;

    provides System.LoggerFinder with
            io.bunkai.daemon.LineLoggerFinder;
}
