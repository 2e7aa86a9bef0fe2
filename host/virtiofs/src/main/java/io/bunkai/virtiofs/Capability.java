// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * What of root's rights the threads keep that serve the guest.
 *
 * @spec https://man7.org/linux/man-pages/man7/capabilities.7.html capabilities(7)
 */
enum Capability {
    CHOWN(0),
    DAC_OVERRIDE(1),
    DAC_READ_SEARCH(2),
    FOWNER(3),
    FSETID(4),
    KILL(5),
    SETGID(6),
    SETUID(7),
    SETPCAP(8),
    LINUX_IMMUTABLE(9),
    NET_BIND_SERVICE(10),
    NET_BROADCAST(11),
    NET_ADMIN(12),
    NET_RAW(13),
    IPC_LOCK(14),
    IPC_OWNER(15),
    SYS_MODULE(16),
    SYS_RAWIO(17),
    SYS_CHROOT(18),
    SYS_PTRACE(19),
    SYS_PACCT(20),
    SYS_ADMIN(21),
    SYS_BOOT(22),
    SYS_NICE(23),
    SYS_RESOURCE(24),
    SYS_TIME(25),
    SYS_TTY_CONFIG(26),
    MKNOD(27),
    LEASE(28),
    AUDIT_WRITE(29),
    AUDIT_CONTROL(30),
    SETFCAP(31),
    MAC_OVERRIDE(32),
    MAC_ADMIN(33),
    SYSLOG(34),
    WAKE_ALARM(35),
    BLOCK_SUSPEND(36),
    AUDIT_READ(37),
    PERFMON(38),
    BPF(39),
    CHECKPOINT_RESTORE(40);

    private final int number;

    Capability(int number) {
        this.number = number;
    }

    /**
     * {@return what a file server needs that acts for everybody} No MKNOD: a device that a guest
     * makes is the host's device, for whoever opens it there.
     */
    static Set<Capability> usual(boolean handles) {
        Set<Capability> usual =
                EnumSet.of(CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, SETFCAP);
        if (handles) {
            usual.add(DAC_READ_SEARCH);
        }
        return usual;
    }

    /**
     * Changes a set.
     *
     * @param changes {@code +NAME} and {@code -NAME}, with ':' between them
     * @throws IllegalArgumentException if that makes no sense
     */
    static void change(Set<Capability> set, String changes) {
        for (String change : changes.split(":", -1)) {
            if (change.length() < 2 || (change.charAt(0) != '+' && change.charAt(0) != '-')) {
                throw new IllegalArgumentException("'" + change + "' is not +NAME or -NAME");
            }
            Capability capability = named(change.substring(1));
            if (change.charAt(0) == '+') {
                set.add(capability);
            } else {
                set.remove(capability);
            }
        }
    }

    private static Capability named(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        String bare = upper.startsWith("CAP_") ? upper.substring(4) : upper;
        for (Capability capability : values()) {
            if (capability.name().equals(bare)) {
                return capability;
            }
        }
        throw new IllegalArgumentException("there is no capability '" + name + "'");
    }

    /** {@return a set as the kernel has it} */
    static long word(Set<Capability> set) {
        long word = 0;
        for (Capability capability : set) {
            word |= 1L << capability.number;
        }
        return word;
    }
}
