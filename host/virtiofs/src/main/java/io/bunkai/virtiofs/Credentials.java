// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.fuse.Extensions;
import io.bunkai.fuse.RequestHeader;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * In whose name files are made: that of the guest's process, as the host calls it, so that owner,
 * group, quota and set-group-id directories are right without a second step.
 *
 * <p>Only root can do that. Another user makes files in its own name; the guest's root is that user
 * then, and everybody else is refused.
 */
final class Credentials {
    private static final int CAP_FSETID = 4;

    private final long permitted;
    private final boolean isRoot;
    private final IdMap uids;
    private final IdMap gids;

    /**
     * Whether the guest tells the one group that counts. If it does not, CAP_DAC_OVERRIDE is kept,
     * since its kernel has checked already, by groups that nobody here knows.
     */
    private volatile boolean groupsAreTold;

    Credentials(long permitted, boolean isRoot, IdMap uids, IdMap gids) {
        this.permitted = permitted;
        this.isRoot = isRoot;
        this.uids = uids;
        this.gids = gids;
    }

    /**
     * {@return what this process can do, with these numbers}
     *
     * @param kept the capabilities that it will have when it serves
     */
    static Credentials ofThisProcess(long kept, IdMap uids, IdMap gids) {
        try {
            String status = status();
            long permitted = kept & Identity.capabilities(status, "CapPrm");
            return new Credentials(permitted, isRoot(status), uids, gids);
        } catch (IOException e) {
            throw Fault.internal("this process cannot see its own status").causedBy(e);
        }
    }

    /** {@return whether this process is root's, in its user namespace} */
    static boolean isRoot() {
        try {
            return isRoot(status());
        } catch (IOException e) {
            throw Fault.internal("this process cannot see its own status").causedBy(e);
        }
    }

    private static String status() throws IOException {
        return Files.readString(Path.of("/proc/self/status"));
    }

    private static boolean isRoot(String status) {
        return status.lines().anyMatch(line -> line.matches("Uid:\\s+0\\s+0\\s.*"));
    }

    void groupsAreTold(boolean value) {
        groupsAreTold = value;
    }

    /** Something that is done in somebody's name; answers with a result or a negated errno. */
    interface Deed {
        int run();
    }

    /** Does something that makes a file, in the name of who asks for it. */
    int as(RequestHeader header, Extensions extensions, Worker worker, Deed deed) {
        long uid = uids.toHost(header.uid());
        long gid = gids.toHost(header.gid());
        if (uid < 0 || gid < 0) {
            return -Errno.EPERM;
        }
        if (!isRoot) {
            return uid == 0 ? deed.run() : -Errno.EPERM;
        }
        if (uid == 0 && gid == 0) {
            worker.identity(permitted);
            return deed.run();
        }
        Identity identity = worker.identity(permitted);
        boolean grouped = groupsAreTold && !extensions.groups().isEmpty();
        if (grouped) {
            long group = gids.toHost(extensions.groups().getFirst());
            if (group < 0 || identity.tryGroup((int) group) < 0) {
                return -Errno.EPERM;
            }
        }
        try {
            int result = identity.tryBecome((int) uid, (int) gid, !groupsAreTold);
            if (result < 0) {
                return result;
            }
            try {
                return deed.run();
            } finally {
                identity.back((int) uid, (int) gid);
            }
        } finally {
            if (grouped) {
                Identity.tryDropGroups();
            }
        }
    }

    /**
     * Does something that drops set-id bits of a file unless the caller may keep them: without
     * CAP_FSETID if {@code kill}, as the guest's process does not have it.
     */
    long withoutSetId(boolean kill, Worker worker, LongDeed deed) {
        if (!kill || !isRoot) {
            return deed.run();
        }
        Identity identity = worker.identity(permitted);
        int result = identity.tryWithout(CAP_FSETID, true);
        if (result < 0) {
            return result;
        }
        try {
            return deed.run();
        } finally {
            identity.tryWithout(CAP_FSETID, false);
        }
    }

    /** As {@link Deed}, for what answers with a number of bytes. */
    interface LongDeed {
        long run();
    }
}
