// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** A directory served as a vhost-user file system device, and the program that does so. */
@org.jspecify.annotations.NullMarked
module io.bunkai.virtiofs {
    requires transitive io.bunkai.base;
    requires io.bunkai.fuse;
    requires io.bunkai.linux;
    requires io.bunkai.virtio;
    requires static com.google.errorprone.annotations;
    requires static org.jspecify;

    exports io.bunkai.virtiofs;

    provides System.LoggerFinder with
            io.bunkai.virtiofs.ServerLoggerFinder;
}
