// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.linux.Confinement;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.FileServerCall;
import io.bunkai.linux.Identity;
import io.bunkai.linux.Seccomp;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The one place where the process takes from itself what it does not need to serve a guest.
 *
 * <p>Rights are a thread's, not a process's, and the virtual machine has threads that nobody can
 * ask for anything: see {@link Identity#takeFromOtherThreads}. The filter is the process's.
 */
final class Surrender {
    private static final System.Logger LOG = System.getLogger(Surrender.class.getName());

    /** A user and a group that no system gives to anybody, within what user namespaces have. */
    private static final int NOBODYS = 65533;

    private final Sandbox sandbox;
    private final Seccomp.@Nullable Action seccomp;
    private final Set<FileServerCall> calls;
    private final long capabilities;

    Surrender(ServerOptions options) {
        this(options, calls(options.files()));
    }

    /**
     * What the options say, but for the filter.
     *
     * @param calls all that the process can do afterwards
     */
    Surrender(ServerOptions options, Set<FileServerCall> calls) {
        this.sandbox = options.sandbox();
        this.capabilities = options.capabilities();
        this.calls = calls;
        this.seccomp = options.seccomp();
    }

    /** {@return what a server with these options needs} */
    static Set<FileServerCall> calls(FileSystemOptions files) {
        Set<FileServerCall> calls = EnumSet.allOf(FileServerCall.class);
        calls.removeAll(FileServerCall.ofReport());
        if (!files.handles()) {
            calls.remove(FileServerCall.NAME_TO_HANDLE_AT);
            calls.remove(FileServerCall.OPEN_BY_HANDLE_AT);
        }
        return calls;
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
            Confinement.beOpaque();
            if (Credentials.isRoot()) {
                takeFromOtherThreads();
                if (sandbox != Sandbox.NONE) {
                    sealOwnFiles();
                }
            }
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
            lockCapabilities();
            ErrnoException.check("capset", Identity.tryKeep(capabilities));
            if (seccomp != null) {
                Seccomp.giveUpAllBut(calls, seccomp);
            }
        } catch (ErrnoException e) {
            throw notEntered(e);
        }
    }

    private static void takeFromOtherThreads() {
        try {
            Identity.takeFromOtherThreads(NOBODYS);
        } catch (ErrnoException e) {
            throw Fault.failedPrecondition("threads of the virtual machine kept root's rights")
                    .withHint(
                            "give the process CAP_SETUID and CAP_SETGID, and a user namespace the"
                                    + " user and the group "
                                    + NOBODYS)
                    .causedBy(e);
        }
    }

    /** Without CAP_SYS_ADMIN, which only the other sandbox demands, it has to be done without. */
    private static void sealOwnFiles() throws ErrnoException {
        try {
            Confinement.sealReadOnlyFiles();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the program's own files are not sealed: no CAP_SYS_ADMIN");
        }
    }

    /** Without CAP_SETPCAP nobody can; then the filter alone keeps programs from being started. */
    private static void lockCapabilities() throws ErrnoException {
        try {
            Identity.lockCapabilities();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
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
