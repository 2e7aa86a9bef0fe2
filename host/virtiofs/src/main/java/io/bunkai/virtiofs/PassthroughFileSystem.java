// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Agreement;
import io.bunkai.fuse.FileSystem;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.InitFlag;
import io.bunkai.fuse.InitOptions;
import io.bunkai.fuse.Reply;
import io.bunkai.fuse.RequestView;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the host as a file system: every operation goes to the same operation of the
 * host's kernel. This class says which; what is done is in the classes that it hands them to.
 */
final class PassthroughFileSystem implements FileSystem {
    private static final int MOST_BACKGROUND = 65535;

    private final @Nullable Quota quota;
    private final Nodes nodes;
    private final OpenFiles files;
    private final FileSystemOptions options;
    private final Credentials credentials;
    private final NodeOperations nodeOperations;
    private final NameOperations nameOperations;
    private final FileOperations fileOperations;
    private final DataOperations dataOperations;
    private final DirectoryOperations directoryOperations;
    private final XattrOperations xattrOperations;

    /**
     * Prepares to serve.
     *
     * @param descriptors how many the guest may have open
     * @param gate which all requests pass that move data
     * @throws ErrnoException if the shared directory cannot be looked at, or counted
     */
    PassthroughFileSystem(
            Share share,
            FileSystemOptions options,
            Descriptors descriptors,
            Credentials credentials,
            DataGate gate)
            throws ErrnoException {
        this.options = options;
        this.credentials = credentials;
        SpaceLimit space = options.space();
        quota = space == null ? null : Quota.count(share, space);
        nodes = new Nodes(share, descriptors, options.handles(), quota);
        files = new OpenFiles(descriptors);
        Capabilities capabilities = new Capabilities(options.xattrs());
        nodeOperations =
                new NodeOperations(share, nodes, files, options, credentials, capabilities, quota);
        fileOperations = new FileOperations(share, nodes, files, options, credentials, gate, quota);
        nameOperations =
                new NameOperations(
                        share, nodes, nodeOperations, fileOperations, options, credentials, quota);
        dataOperations = new DataOperations(files, options, credentials, capabilities, gate, quota);
        directoryOperations = new DirectoryOperations(share, nodes, files, nodeOperations, options);
        xattrOperations = new XattrOperations(share, nodes, options, credentials, quota);
    }

    /** {@return what to agree on with the guest's kernel} */
    static InitOptions initOptions(FileSystemOptions options) {
        Set<InitFlag> wanted =
                EnumSet.of(
                        InitFlag.ASYNC_READ,
                        InitFlag.ATOMIC_O_TRUNC,
                        InitFlag.BIG_WRITES,
                        InitFlag.HAS_IOCTL_DIR,
                        InitFlag.AUTO_INVAL_DATA,
                        InitFlag.ASYNC_DIO,
                        InitFlag.PARALLEL_DIROPS,
                        InitFlag.MAX_PAGES,
                        InitFlag.SETXATTR_EXT,
                        InitFlag.CREATE_SUPP_GROUP,
                        InitFlag.ALLOW_IDMAP);
        Set<InitFlag> required = EnumSet.noneOf(InitFlag.class);
        if (options.readdirplus() && options.cache() != CacheMode.NEVER) {
            wanted.add(InitFlag.DO_READDIRPLUS);
            wanted.add(InitFlag.READDIRPLUS_AUTO);
        }
        if (options.cache() != CacheMode.NEVER) {
            wanted.add(
                    InitFlag.CACHE_SYMLINKS); // a link never changes: another one is another file
        }
        if (options.writeback()) {
            wanted.add(InitFlag.WRITEBACK_CACHE);
        }
        if (options.submounts()) {
            wanted.add(InitFlag.SUBMOUNTS);
        }
        if (options.killprivV2()) {
            wanted.add(InitFlag.HANDLE_KILLPRIV_V2);
        }
        if (options.mmapDirect()) {
            wanted.add(InitFlag.DIRECT_IO_ALLOW_MMAP);
        }
        if (options.posixAcl()) { // or else the guest would not keep what it was promised
            required.addAll(Set.of(InitFlag.POSIX_ACL, InitFlag.DONT_MASK, InitFlag.SETXATTR_EXT));
        }
        if (options.securityLabel()) {
            required.add(InitFlag.SECURITY_CTX);
        }
        return new InitOptions(
                wanted,
                required,
                1 << 20,
                1 << 20,
                1,
                MOST_BACKGROUND,
                MOST_BACKGROUND / 4 * 3,
                0,
                0);
    }

    /** {@return what counts the space that is taken; null if nothing does} */
    @Nullable Quota quota() {
        return quota;
    }

    /** {@return how many files the guest knows} */
    int known() {
        return nodes.count();
    }

    @Override
    public void init(Agreement agreement) {
        nodeOperations.submounts(agreement.has(InitFlag.SUBMOUNTS));
        credentials.groupsAreTold(agreement.has(InitFlag.CREATE_SUPP_GROUP));
    }

    @Override
    public void destroy() {
        files.clear();
        nodes.clear();
    }

    // --- what changes nothing -----------------------------------------------------------------

    @Override
    public void lookup(RequestView.Lookup request, Reply.Entry reply) {
        nodeOperations.lookup(request, reply);
    }

    @Override
    public void forget(long node, long count) {
        nodes.forget(node, count);
    }

    @Override
    public void getattr(RequestView.Getattr request, Reply.Attributes reply) {
        nodeOperations.getattr(request, reply);
    }

    @Override
    public void access(FuseRequest.Access request, Reply.Done reply) {
        nodeOperations.access(request, reply);
    }

    @Override
    public void readlink(FuseRequest.Readlink request, Reply.Target reply) {
        nodeOperations.readlink(request, reply);
    }

    @Override
    public void statfs(FuseRequest.Statfs request, Reply.Statistics reply) {
        nodeOperations.statfs(request, reply);
    }

    @Override
    public void read(RequestView.Read request, Reply.Data reply) {
        dataOperations.read(request, reply);
    }

    @Override
    public void flush(FuseRequest.Flush request, Reply.Done reply) {
        fileOperations.flush(request, reply);
    }

    @Override
    public void release(FuseRequest.Release request, Reply.Done reply) {
        fileOperations.release(request, reply);
    }

    @Override
    public void lseek(FuseRequest.Lseek request, Reply.Offset reply) {
        fileOperations.lseek(request, reply);
    }

    @Override
    public void opendir(FuseRequest.Opendir request, Reply.Opened reply) {
        directoryOperations.opendir(request, reply);
    }

    @Override
    public void readdir(FuseRequest.Readdir request, Reply.Directory reply) {
        directoryOperations.readdir(request, reply);
    }

    @Override
    public void readdirplus(FuseRequest.Readdir request, Reply.DirectoryPlus reply) {
        directoryOperations.readdirplus(request, reply);
    }

    @Override
    public void releasedir(FuseRequest.Releasedir request, Reply.Done reply) {
        directoryOperations.releasedir(request, reply);
    }

    @Override
    public void getxattr(FuseRequest.Getxattr request, Reply.Extended reply) {
        xattrOperations.getxattr(request, reply);
    }

    @Override
    public void listxattr(FuseRequest.Listxattr request, Reply.Extended reply) {
        xattrOperations.listxattr(request, reply);
    }

    @Override
    public void fsync(FuseRequest.Fsync request, Reply.Done reply) {
        fileOperations.fsync(request, reply);
    }

    @Override
    public void fsyncdir(FuseRequest.Fsyncdir request, Reply.Done reply) {
        fileOperations.fsyncdir(request, reply);
    }

    @Override
    public void syncfs(FuseRequest.Syncfs request, Reply.Done reply) {
        fileOperations.syncfs(request, reply);
    }

    // --- what changes something ---------------------------------------------------------------

    /** {@return whether that may be done; if not, it is answered} */
    private boolean writable(Reply reply) {
        if (options.readOnly()) {
            reply.error(Errno.EROFS);
            return false;
        }
        return true;
    }

    @Override
    public void open(FuseRequest.Open request, Reply.Opened reply) {
        if (!FileOperations.changes(request.flags()) || writable(reply)) {
            fileOperations.open(request, reply);
        }
    }

    @Override
    public void setattr(FuseRequest.Setattr request, Reply.Attributes reply) {
        if (writable(reply)) {
            nodeOperations.setattr(request, reply);
        }
    }

    @Override
    public void symlink(FuseRequest.Symlink request, Reply.Entry reply) {
        if (writable(reply)) {
            nameOperations.symlink(request, reply);
        }
    }

    @Override
    public void mknod(FuseRequest.Mknod request, Reply.Entry reply) {
        if (writable(reply)) {
            nameOperations.mknod(request, reply);
        }
    }

    @Override
    public void mkdir(FuseRequest.Mkdir request, Reply.Entry reply) {
        if (writable(reply)) {
            nameOperations.mkdir(request, reply);
        }
    }

    @Override
    public void unlink(FuseRequest.Unlink request, Reply.Done reply) {
        if (writable(reply)) {
            nameOperations.unlink(request, reply);
        }
    }

    @Override
    public void rmdir(FuseRequest.Rmdir request, Reply.Done reply) {
        if (writable(reply)) {
            nameOperations.rmdir(request, reply);
        }
    }

    @Override
    public void rename(FuseRequest.Rename request, Reply.Done reply) {
        if (writable(reply)) {
            nameOperations.rename(request, reply);
        }
    }

    @Override
    public void link(FuseRequest.Link request, Reply.Entry reply) {
        if (writable(reply)) {
            nameOperations.link(request, reply);
        }
    }

    @Override
    public void create(FuseRequest.Create request, Reply.Created reply) {
        if (writable(reply)) {
            nameOperations.create(request, reply);
        }
    }

    @Override
    public void write(RequestView.Write request, Reply.Written reply) {
        if (writable(reply)) {
            dataOperations.write(request, reply);
        }
    }

    @Override
    public void fallocate(FuseRequest.Fallocate request, Reply.Done reply) {
        if (writable(reply)) {
            fileOperations.fallocate(request, reply);
        }
    }

    @Override
    public void copyFileRange(FuseRequest.CopyFileRange request, Reply.Copied reply) {
        if (writable(reply)) {
            fileOperations.copyFileRange(request, reply);
        }
    }

    @Override
    public void setxattr(FuseRequest.Setxattr request, Reply.Done reply) {
        if (writable(reply)) {
            xattrOperations.setxattr(request, reply);
        }
    }

    @Override
    public void removexattr(FuseRequest.Removexattr request, Reply.Done reply) {
        if (writable(reply)) {
            xattrOperations.removexattr(request, reply);
        }
    }
}
