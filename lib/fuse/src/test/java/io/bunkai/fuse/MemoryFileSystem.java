// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Files in memory, with everything that POSIX programs ask for. One lock guards all. */
class MemoryFileSystem implements FileSystem {
    static final int DIRECTORY = 0040000;
    static final int REGULAR = 0100000;
    static final int LINK = 0120000;
    private static final int TYPE = 0170000;
    private static final long TIMEOUT = 1_000_000_000;
    private static final int MOST_BYTES = 64 << 20;
    private static final int NOREPLACE = 1;
    private static final int EXCHANGE = 2;
    private static final int KEEP_SIZE = 1;
    private static final int PUNCH_HOLE = 2;
    private static final int O_EXCL = 0x80;
    private static final int O_TRUNC = 0x200;

    /** A file of any type. */
    private static final class Node {
        final long number;
        final Map<String, Node> children = new TreeMap<>(); // names as ISO 8859-1: byte by byte
        final Map<XattrName, ByteString> attributes = new HashMap<>();
        int mode;
        int owner;
        int group;
        int device;
        int links;
        long lookups;
        long opened;
        byte[] data = new byte[0];
        ByteString target = ByteString.EMPTY;
        long accessed = 1;
        long modified = 1;
        int accessedNanos;
        int modifiedNanos;
        Node parent = this;

        Node(long number, int mode, int uid, int gid) {
            this.number = number;
            this.mode = mode;
            this.owner = uid;
            this.group = gid;
            this.links = isDirectory() ? 2 : 1;
        }

        boolean isDirectory() {
            return (mode & TYPE) == DIRECTORY;
        }
    }

    /** Says why something cannot be done; caught in one place. */
    private static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final int errno;

        Refusal(int errno) {
            super("errno " + errno, null, false, false);
            this.errno = errno;
        }
    }

    private final Map<Long, Node> nodes = new HashMap<>();
    private final Map<Long, Node> handles = new HashMap<>();
    private final FileAttributes attributes = new FileAttributes();
    private long lastNode = RequestHeader.ROOT;
    private long lastHandle;
    private @Nullable Agreement agreement;

    MemoryFileSystem() {
        nodes.put(RequestHeader.ROOT, new Node(RequestHeader.ROOT, DIRECTORY | 0755, 0, 0));
    }

    // --- what tests ask ---

    synchronized int nodeCount() {
        return nodes.size();
    }

    synchronized long lookups(long node) {
        Node found = nodes.get(node);
        return found == null ? -1 : found.lookups;
    }

    synchronized int handleCount() {
        return handles.size();
    }

    synchronized @Nullable Agreement agreement() {
        return agreement;
    }

    // --- the life of the file system ---

    @Override
    public synchronized void init(Agreement agreed) {
        agreement = agreed;
    }

    @Override
    public synchronized void destroy() {
        agreement = null;
        handles.clear();
        Node root = node(RequestHeader.ROOT);
        nodes.values().forEach(node -> node.lookups = 0);
        nodes.clear();
        keep(root);
    }

    private void keep(Node node) {
        nodes.put(node.number, node);
        node.children.values().forEach(this::keep);
    }

    // --- nodes ---

    @Override
    public synchronized void lookup(RequestView.Lookup request, Reply.Entry reply) {
        answer(
                reply,
                () -> {
                    Node directory = directory(request.node());
                    Node found = directory.children.get(key(request.name()));
                    if (found == null) {
                        reply.missing(TIMEOUT);
                    } else {
                        entry(found, reply);
                    }
                });
    }

    @Override
    public synchronized void forget(long number, long count) {
        Node node = nodes.get(number);
        if (node != null) {
            node.lookups -= Math.min(count, node.lookups);
            sweep(node);
        }
    }

    private void sweep(Node node) {
        boolean unnamed = node.isDirectory() ? node.links < 2 : node.links == 0;
        if (unnamed && node.lookups == 0 && node.opened == 0) {
            nodes.remove(node.number);
        }
    }

    @Override
    public synchronized void getattr(RequestView.Getattr request, Reply.Attributes reply) {
        answer(reply, () -> reply.attributes(TIMEOUT, describe(node(request.node()))));
    }

    @Override
    public synchronized void setattr(FuseRequest.Setattr request, Reply.Attributes reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    if (request.has(Flags.FATTR_SIZE)) {
                        resize(node, request.size());
                    }
                    if (request.has(Flags.FATTR_MODE)) {
                        node.mode = (node.mode & TYPE) | (request.mode() & 07777);
                    }
                    if (request.has(Flags.FATTR_UID)) {
                        node.owner = request.uid();
                    }
                    if (request.has(Flags.FATTR_GID)) {
                        node.group = request.gid();
                    }
                    if (request.has(Flags.FATTR_ATIME) && !request.has(Flags.FATTR_ATIME_NOW)) {
                        node.accessed = request.accessed().seconds();
                        node.accessedNanos = request.accessed().nanos();
                    }
                    if (request.has(Flags.FATTR_MTIME) && !request.has(Flags.FATTR_MTIME_NOW)) {
                        node.modified = request.modified().seconds();
                        node.modifiedNanos = request.modified().nanos();
                    }
                    reply.attributes(TIMEOUT, describe(node));
                });
    }

    @Override
    public synchronized void statx(FuseRequest.Statx request, Reply.Statx reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    reply.statx(
                            TIMEOUT,
                            new StatxAttributes(
                                    0xfff,
                                    4096,
                                    0,
                                    node.links,
                                    node.owner,
                                    node.group,
                                    node.mode,
                                    node.number,
                                    size(node),
                                    (size(node) + 511) / 512,
                                    0,
                                    time(node.accessed, node.accessedNanos),
                                    time(1234, 5678),
                                    time(node.modified, node.modifiedNanos),
                                    time(node.modified, node.modifiedNanos),
                                    new StatxAttributes.Device(0, 0),
                                    new StatxAttributes.Device(0, 0)));
                });
    }

    private static StatxAttributes.Time time(long seconds, int nanos) {
        return new StatxAttributes.Time(seconds, nanos);
    }

    @Override
    public synchronized void readlink(FuseRequest.Readlink request, Reply.Target reply) {
        answer(reply, () -> reply.target(node(request.header().node()).target));
    }

    // --- names ---

    @Override
    public synchronized void symlink(FuseRequest.Symlink request, Reply.Entry reply) {
        answer(
                reply,
                () -> {
                    Node made = make(request.header(), request.name(), LINK | 0777);
                    made.target = request.target();
                    entry(made, reply);
                });
    }

    @Override
    public synchronized void mknod(FuseRequest.Mknod request, Reply.Entry reply) {
        answer(
                reply,
                () -> {
                    Node made = make(request.header(), request.name(), request.mode());
                    made.device = request.device();
                    entry(made, reply);
                });
    }

    @Override
    public synchronized void mkdir(FuseRequest.Mkdir request, Reply.Entry reply) {
        answer(
                reply,
                () -> {
                    int mode = DIRECTORY | (request.mode() & 07777);
                    entry(make(request.header(), request.name(), mode), reply);
                });
    }

    private Node make(RequestHeader header, FileName name, int mode) {
        Node directory = directory(header.node());
        if (directory.children.containsKey(key(name))) {
            throw new Refusal(Errno.EEXIST);
        }
        Node made = new Node(++lastNode, mode, header.uid(), header.gid());
        nodes.put(made.number, made);
        attach(directory, name, made);
        return made;
    }

    private static void attach(Node directory, FileName name, Node child) {
        directory.children.put(key(name), child);
        if (child.isDirectory()) {
            child.parent = directory;
            directory.links++;
        }
    }

    private static void detach(Node directory, FileName name, Node child) {
        directory.children.remove(key(name));
        if (child.isDirectory()) {
            directory.links--;
        }
    }

    @Override
    public synchronized void unlink(FuseRequest.Unlink request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node directory = directory(request.header().node());
                    Node child = child(directory, request.name());
                    if (child.isDirectory()) {
                        throw new Refusal(Errno.EISDIR);
                    }
                    detach(directory, request.name(), child);
                    drop(child);
                    reply.done();
                });
    }

    @Override
    public synchronized void rmdir(FuseRequest.Rmdir request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node directory = directory(request.header().node());
                    Node child = child(directory, request.name());
                    if (!child.isDirectory()) {
                        throw new Refusal(Errno.ENOTDIR);
                    }
                    if (!child.children.isEmpty()) {
                        throw new Refusal(Errno.ENOTEMPTY);
                    }
                    detach(directory, request.name(), child);
                    drop(child);
                    reply.done();
                });
    }

    private void drop(Node child) {
        child.links = child.isDirectory() ? 0 : child.links - 1;
        sweep(child);
    }

    @Override
    public synchronized void rename(FuseRequest.Rename request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node from = directory(request.header().node());
                    Node to = directory(request.newParent());
                    Node moved = child(from, request.name());
                    Node there = to.children.get(key(request.newName()));
                    if ((request.flags() & ~(NOREPLACE | EXCHANGE)) != 0) {
                        throw new Refusal(Errno.EINVAL);
                    }
                    if (there != null && (request.flags() & NOREPLACE) != 0) {
                        throw new Refusal(Errno.EEXIST);
                    }
                    boolean exchange = (request.flags() & EXCHANGE) != 0;
                    if (there == null && exchange) {
                        throw new Refusal(Errno.ENOENT);
                    }
                    if (there != null && !exchange && there.isDirectory()) {
                        if (!there.children.isEmpty()) {
                            throw new Refusal(Errno.ENOTEMPTY);
                        }
                    }
                    if (there == moved) {
                        reply.done();
                        return;
                    }
                    detach(from, request.name(), moved);
                    if (there != null) {
                        detach(to, request.newName(), there);
                        if (exchange) {
                            attach(from, request.name(), there);
                        } else {
                            drop(there);
                        }
                    }
                    attach(to, request.newName(), moved);
                    reply.done();
                });
    }

    @Override
    public synchronized void link(FuseRequest.Link request, Reply.Entry reply) {
        answer(
                reply,
                () -> {
                    Node directory = directory(request.header().node());
                    Node node = node(request.node());
                    if (node.isDirectory()) {
                        throw new Refusal(Errno.EPERM);
                    }
                    if (directory.children.containsKey(key(request.name()))) {
                        throw new Refusal(Errno.EEXIST);
                    }
                    attach(directory, request.name(), node);
                    node.links++;
                    entry(node, reply);
                });
    }

    // --- open files ---

    @Override
    public synchronized void open(FuseRequest.Open request, Reply.Opened reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    if ((request.flags() & O_TRUNC) != 0) {
                        resize(node, 0);
                    }
                    reply.opened(handle(node), 0);
                });
    }

    @Override
    public synchronized void create(FuseRequest.Create request, Reply.Created reply) {
        answer(
                reply,
                () -> {
                    Node directory = directory(request.header().node());
                    Node node = directory.children.get(key(request.name()));
                    if (node != null && (request.flags() & O_EXCL) != 0) {
                        throw new Refusal(Errno.EEXIST);
                    }
                    if (node == null) {
                        int mode = REGULAR | (request.mode() & 07777);
                        node = make(request.header(), request.name(), mode);
                    }
                    created(node, reply);
                });
    }

    @Override
    public synchronized void tmpfile(FuseRequest.Tmpfile request, Reply.Created reply) {
        answer(
                reply,
                () -> {
                    directory(request.header().node());
                    int mode = REGULAR | (request.mode() & 07777);
                    RequestHeader header = request.header();
                    Node node = new Node(++lastNode, mode, header.uid(), header.gid());
                    node.links = 0;
                    nodes.put(node.number, node);
                    created(node, reply);
                });
    }

    private void created(Node node, Reply.Created reply) {
        node.lookups++;
        reply.created(node.number, 0, TIMEOUT, TIMEOUT, describe(node), handle(node), 0);
    }

    private long handle(Node node) {
        node.opened++;
        handles.put(++lastHandle, node);
        return lastHandle;
    }

    @Override
    public synchronized void read(RequestView.Read request, Reply.Data reply) {
        answer(
                reply,
                () -> {
                    byte[] data = opened(request.handle()).data;
                    int from = (int) Math.min(request.offset(), data.length);
                    int length = Math.min(request.size(), data.length - from);
                    reply.data(MemorySegment.ofArray(data), from, length);
                });
    }

    @Override
    public synchronized void write(RequestView.Write request, Reply.Written reply) {
        answer(
                reply,
                () -> {
                    Node node = opened(request.handle());
                    long end = request.offset() + request.size();
                    if (end > node.data.length) {
                        resize(node, end);
                    }
                    request.data()
                            .copyOut(
                                    0,
                                    MemorySegment.ofArray(node.data),
                                    request.offset(),
                                    request.size());
                    reply.written(request.size());
                });
    }

    @Override
    public synchronized void flush(FuseRequest.Flush request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    opened(request.handle());
                    reply.done();
                });
    }

    @Override
    public synchronized void fsync(FuseRequest.Fsync request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    opened(request.handle());
                    reply.done();
                });
    }

    @Override
    public synchronized void release(FuseRequest.Release request, Reply.Done reply) {
        answer(reply, () -> close(request.handle(), reply));
    }

    private void close(long handle, Reply.Done reply) {
        Node node = opened(handle);
        handles.remove(handle);
        node.opened--;
        sweep(node);
        reply.done();
    }

    @Override
    public synchronized void fallocate(FuseRequest.Fallocate request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node node = opened(request.handle());
                    long end = request.offset() + request.length();
                    int from = (int) Math.min(request.offset(), node.data.length);
                    if ((request.mode() & PUNCH_HOLE) != 0) {
                        Arrays.fill(
                                node.data, from, (int) Math.min(end, node.data.length), (byte) 0);
                    } else if ((request.mode() & KEEP_SIZE) == 0 && end > node.data.length) {
                        resize(node, end);
                    }
                    reply.done();
                });
    }

    @Override
    public synchronized void lseek(FuseRequest.Lseek request, Reply.Offset reply) {
        answer(
                reply,
                () -> {
                    long size = opened(request.handle()).data.length;
                    if (request.offset() < 0 || request.offset() >= size) {
                        throw new Refusal(Errno.ENXIO);
                    }
                    reply.offset(request.whence() == 3 ? request.offset() : size);
                });
    }

    @Override
    public synchronized void copyFileRange(FuseRequest.CopyFileRange request, Reply.Copied reply) {
        answer(
                reply,
                () -> {
                    Node from = opened(request.handle());
                    Node to = opened(request.targetHandle());
                    long available = Math.max(0, from.data.length - request.offset());
                    int length = (int) Math.min(request.length(), available);
                    long end = request.targetOffset() + length;
                    if (end > to.data.length) {
                        resize(to, end);
                    }
                    if (length > 0) {
                        System.arraycopy(
                                from.data,
                                (int) request.offset(),
                                to.data,
                                (int) request.targetOffset(),
                                length);
                    }
                    reply.copied(length);
                });
    }

    // --- open directories ---

    @Override
    public synchronized void opendir(FuseRequest.Opendir request, Reply.Opened reply) {
        answer(reply, () -> reply.opened(handle(directory(request.header().node())), 0));
    }

    @Override
    public synchronized void readdir(FuseRequest.Readdir request, Reply.Directory reply) {
        answer(
                reply,
                () -> {
                    Node directory = opened(request.handle());
                    List<String> names = names(directory);
                    for (int i = (int) position(request, names); i < names.size(); i++) {
                        Node node = named(directory, names.get(i));
                        FileName name = fileName(names.get(i));
                        if (!reply.add(node.number, i + 1, node.mode >> 12 & 15, name)) {
                            break;
                        }
                    }
                    reply.done();
                });
    }

    @Override
    public synchronized void readdirplus(FuseRequest.Readdir request, Reply.DirectoryPlus reply) {
        answer(
                reply,
                () -> {
                    Node directory = opened(request.handle());
                    List<String> names = names(directory);
                    for (int i = (int) position(request, names); i < names.size(); i++) {
                        byte[] name = fileName(names.get(i)).bytes().toByteArray();
                        if (!reply.fits(name.length)) {
                            break;
                        }
                        boolean dots = i < 2;
                        Node node = named(directory, names.get(i));
                        node.lookups += dots ? 0 : 1;
                        reply.add(
                                dots ? 0 : node.number,
                                0,
                                TIMEOUT,
                                TIMEOUT,
                                dots ? null : describe(node),
                                node.number,
                                i + 1,
                                node.mode >> 12 & 15,
                                MemorySegment.ofArray(name),
                                0,
                                name.length);
                    }
                    reply.done();
                });
    }

    private static long position(FuseRequest.Readdir request, List<String> names) {
        long offset = request.offset();
        return offset < 0 ? names.size() : Math.min(offset, names.size());
    }

    private static List<String> names(Node directory) {
        List<String> names = new ArrayList<>(List.of(".", ".."));
        names.addAll(directory.children.keySet());
        return names;
    }

    private static Node named(Node directory, String name) {
        return switch (name) {
            case "." -> directory;
            case ".." -> directory.parent;
            default -> directory.children.getOrDefault(name, directory);
        };
    }

    @Override
    public synchronized void releasedir(FuseRequest.Releasedir request, Reply.Done reply) {
        answer(reply, () -> close(request.handle(), reply));
    }

    // --- extended attributes ---

    @Override
    public synchronized void setxattr(FuseRequest.Setxattr request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    boolean there = node.attributes.containsKey(request.name());
                    if (there && request.flags() == 1) {
                        throw new Refusal(Errno.EEXIST);
                    }
                    if (!there && request.flags() == 2) {
                        throw new Refusal(Errno.ENODATA);
                    }
                    node.attributes.put(request.name(), request.value());
                    reply.done();
                });
    }

    @Override
    public synchronized void getxattr(FuseRequest.Getxattr request, Reply.Extended reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    ByteString value = node.attributes.get(request.name());
                    if (value == null) {
                        throw new Refusal(Errno.ENODATA);
                    }
                    reply.value(value);
                });
    }

    @Override
    public synchronized void listxattr(FuseRequest.Listxattr request, Reply.Extended reply) {
        answer(
                reply,
                () -> {
                    StringBuilder names = new StringBuilder();
                    node(request.header().node())
                            .attributes
                            .keySet()
                            .forEach(name -> names.append(name).append('\0'));
                    reply.value(ByteString.of(names.toString()));
                });
    }

    @Override
    public synchronized void removexattr(FuseRequest.Removexattr request, Reply.Done reply) {
        answer(
                reply,
                () -> {
                    Node node = node(request.header().node());
                    if (node.attributes.remove(request.name()) == null) {
                        throw new Refusal(Errno.ENODATA);
                    }
                    reply.done();
                });
    }

    @Override
    public void statfs(FuseRequest.Statfs request, Reply.Statistics reply) {
        reply.statistics(new FileSystemStatistics(1000, 500, 500, 100, 50, 4096, 255, 4096));
    }

    @Override
    public void syncfs(FuseRequest.Syncfs request, Reply.Done reply) {
        reply.done();
    }

    // --- parts ---

    private static void answer(Reply reply, Runnable work) {
        try {
            work.run();
        } catch (Refusal e) {
            reply.error(e.errno);
        }
    }

    private Node node(long number) {
        Node node = nodes.get(number);
        if (node == null) {
            throw new Refusal(Errno.EBADF);
        }
        return node;
    }

    private Node directory(long number) {
        Node node = node(number);
        if (!node.isDirectory()) {
            throw new Refusal(Errno.ENOTDIR);
        }
        return node;
    }

    private static Node child(Node directory, FileName name) {
        Node child = directory.children.get(key(name));
        if (child == null) {
            throw new Refusal(Errno.ENOENT);
        }
        return child;
    }

    private Node opened(long handle) {
        Node node = handles.get(handle);
        if (node == null) {
            throw new Refusal(Errno.EBADF);
        }
        return node;
    }

    private static void resize(Node node, long size) {
        if (node.isDirectory()) {
            throw new Refusal(Errno.EISDIR);
        }
        if (size > MOST_BYTES) {
            throw new Refusal(Errno.EFBIG);
        }
        node.data = Arrays.copyOf(node.data, (int) size);
    }

    private void entry(Node node, Reply.Entry reply) {
        node.lookups++;
        reply.entry(node.number, 0, TIMEOUT, TIMEOUT, describe(node));
    }

    private static long size(Node node) {
        return (node.mode & TYPE) == LINK ? node.target.length() : node.data.length;
    }

    private FileAttributes describe(Node node) {
        return attributes
                .clear()
                .inode(node.number)
                .size(size(node))
                .blocks((size(node) + 511) / 512)
                .accessed(node.accessed, node.accessedNanos)
                .modified(node.modified, node.modifiedNanos)
                .changed(node.modified, node.modifiedNanos)
                .mode(node.mode)
                .links(node.links)
                .uid(node.owner)
                .gid(node.group)
                .device(node.device)
                .blockBytes(4096);
    }

    private static String key(FileName name) {
        return new String(name.bytes().toByteArray(), java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    private static FileName fileName(String key) {
        return new FileName(
                ByteString.of(key.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1)));
    }
}
