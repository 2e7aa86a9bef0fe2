// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.linux.Confinement;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Identity;
import io.bunkai.linux.Seccomp;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The one place where the process takes from itself what it does not need to serve a guest. */
final class Surrender {
    private static final System.Logger LOG = System.getLogger(Surrender.class.getName());

    private final Sandbox sandbox;
    private final Seccomp.Action seccomp;
    private final boolean filters;
    private final long capabilities;

    Surrender(ServerOptions options) {
        this.sandbox = options.sandbox();
        this.capabilities = options.capabilities();
        this.filters = options.seccomp() != null;
        this.seccomp = options.seccomp() == null ? Seccomp.Action.KILL : options.seccomp();
    }

    /** How many descriptors the process may have afterwards. */
    static long limitDescriptors(ServerOptions options) {
        try {
            long most = Confinement.mostDescriptors();
            long wanted = options.rlimitNofile().orElse(Math.min(most, 1_000_000));
            if (wanted == 0) {
                return most;
            }
            Confinement.limitDescriptors(wanted);
            return wanted;
        } catch (ErrnoException e) {
            throw Fault.failedPrecondition("the number of descriptors could not be set")
                    .withHint("--rlimit-nofile=0 leaves it as it is")
                    .causedBy(e);
        }
    }

    /**
     * Prepares a directory for {@link #to}; it is opened for sharing after this.
     *
     * @throws Fault if that is not possible
     */
    void prepare(Path sharedDir) {
        if (sandbox != Sandbox.NONE) {
            openOwnModules();
        }
        if (sandbox == Sandbox.NAMESPACE) {
            requireNamespace();
            try {
                Confinement.makeMountPoint(sharedDir);
            } catch (ErrnoException e) {
                throw notEntered(e);
            }
        }
    }

    /** A class that is not needed before is read from a file that has no name any more then. */
    private static void openOwnModules() {
        for (Module module : ModuleLayer.boot().modules()) {
            if (module.getName().startsWith("io.bunkai.")) {
                try (InputStream _ = module.getResourceAsStream("module-info.class")) {
                    LOG.log(System.Logger.Level.DEBUG, "opened module={0}", module.getName());
                } catch (IOException e) {
                    throw Fault.internal("the module %s cannot be read", module.getName())
                            .causedBy(e);
                }
            }
        }
    }

    private static Fault notEntered(ErrnoException cause) {
        return Fault.failedPrecondition("the sandbox could not be entered")
                .withHint("--sandbox=none does without, if whoever starts this has confined it")
                .causedBy(cause);
    }

    /**
     * Goes into the sandbox. From here on nothing outside of the shared directory has a name.
     *
     * @throws Fault if that is not possible; nothing is served then
     */
    void to(Path sharedDir, Share share) {
        try {
            Confinement.umask(0); // the guest has applied its own
            switch (sandbox) {
                case NAMESPACE -> {
                    Confinement.pivotTo(sharedDir);
                    Confinement.chroot(share.root());
                }
                case CHROOT -> Confinement.chroot(share.root());
                case NONE -> {}
            }
            share.links().enter(); // where descriptors are named by their numbers
            Seccomp.allowNoNewPrivileges();
            // Threads that are made from here on have no more than this one: all that serve.
            Identity.tryDropGroups();
            ErrnoException.check("capset", Identity.tryKeep(capabilities));
            if (filters) {
                Seccomp.giveUpAllButFiles(seccomp);
            }
        } catch (ErrnoException e) {
            throw notEntered(e);
        }
    }

    /** In somebody else's namespace the whole system would lose its root. */
    private static void requireNamespace() {
        long parent = ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(1L);
        try {
            Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/mnt"));
            Path others = Files.readSymbolicLink(Path.of("/proc/" + parent + "/ns/mnt"));
            if (!own.equals(others)) {
                return;
            }
        } catch (IOException e) {
            throw namespaceMissing().causedBy(e);
        }
        throw namespaceMissing();
    }

    private static Fault namespaceMissing() {
        return Fault.failedPrecondition(
                        "--sandbox=namespace needs a mount namespace of its own, which a process of"
                                + " many threads cannot make")
                .withHint("start the program bunkai-virtiofsd, which makes it first, as root");
    }
}
