// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.Mounts;

/**
 * Mount options as a request lists them, split into what the kernel takes as flags and what the
 * file system reads itself.
 *
 * @param flags for mount(2)
 * @param data the file system's own options, separated by commas
 * @spec https://man7.org/linux/man-pages/man8/mount.8.html mount(8)
 */
record MountOptions(long flags, String data) {
    static MountOptions parse(Iterable<String> options) {
        long flags = 0;
        StringBuilder data = new StringBuilder();
        for (String option : options) {
            long set = setBy(option);
            long cleared = clearedBy(option);
            if (set != 0 || cleared != 0) {
                flags = (flags & ~cleared) | set;
            } else if (!isDefault(option)) {
                data.append(data.isEmpty() ? "" : ",").append(option);
            }
        }
        return new MountOptions(flags, data.toString());
    }

    private static boolean isDefault(String option) {
        return switch (option) {
            case "", "defaults", "auto", "noauto", "user", "nouser", "_netdev", "nofail" -> true;
            default -> false;
        };
    }

    private static long setBy(String option) {
        return switch (option) {
            case "ro" -> Mounts.MS_RDONLY;
            case "nosuid" -> Mounts.MS_NOSUID;
            case "nodev" -> Mounts.MS_NODEV;
            case "noexec" -> Mounts.MS_NOEXEC;
            case "sync" -> Mounts.MS_SYNCHRONOUS;
            case "dirsync" -> Mounts.MS_DIRSYNC;
            case "nosymfollow" -> Mounts.MS_NOSYMFOLLOW;
            case "noatime" -> Mounts.MS_NOATIME;
            case "nodiratime" -> Mounts.MS_NODIRATIME;
            case "relatime" -> Mounts.MS_RELATIME;
            case "strictatime" -> Mounts.MS_STRICTATIME;
            case "bind" -> Mounts.MS_BIND;
            case "rbind" -> Mounts.MS_BIND | Mounts.MS_REC;
            case "private" -> Mounts.MS_PRIVATE;
            case "rprivate" -> Mounts.MS_PRIVATE | Mounts.MS_REC;
            case "slave" -> Mounts.MS_SLAVE;
            case "rslave" -> Mounts.MS_SLAVE | Mounts.MS_REC;
            case "shared" -> Mounts.MS_SHARED;
            case "rshared" -> Mounts.MS_SHARED | Mounts.MS_REC;
            case "unbindable" -> Mounts.MS_UNBINDABLE;
            case "runbindable" -> Mounts.MS_UNBINDABLE | Mounts.MS_REC;
            case "remount" -> Mounts.MS_REMOUNT;
            default -> 0;
        };
    }

    private static long clearedBy(String option) {
        return switch (option) {
            case "rw" -> Mounts.MS_RDONLY;
            case "suid" -> Mounts.MS_NOSUID;
            case "dev" -> Mounts.MS_NODEV;
            case "exec" -> Mounts.MS_NOEXEC;
            case "async" -> Mounts.MS_SYNCHRONOUS;
            case "symfollow" -> Mounts.MS_NOSYMFOLLOW;
            case "atime" -> Mounts.MS_NOATIME;
            case "diratime" -> Mounts.MS_NODIRATIME;
            case "norelatime" -> Mounts.MS_RELATIME;
            case "nostrictatime" -> Mounts.MS_STRICTATIME;
            default -> 0;
        };
    }
}
