// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes records of what a view has decoded and checked; nothing can go wrong any more. */
final class RequestRecords {
    private final RequestView view;

    private RequestRecords(RequestView view) {
        this.view = view;
    }

    static FuseRequest of(RequestView view) {
        return new RequestRecords(view).record();
    }

    private FuseRequest record() {
        @Nullable Opcode opcode = view.opcode();
        RequestHeader header = view.header();
        if (opcode == null) {
            return new FuseRequest.Unknown(header);
        }
        return switch (opcode) {
            case LOOKUP -> new FuseRequest.Lookup(header, view.name());
            case FORGET -> {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment one = arena.allocate(Structs.FORGET_ONE.bytes(), 8);
                    view.forgetNode(0, one);
                    yield new FuseRequest.Forget(header, RequestView.forgetCount(one));
                }
            }
            case BATCH_FORGET -> new FuseRequest.BatchForget(header, forgetList());
            case GETATTR -> {
                RequestView.Getattr getattr = view.getattr();
                yield new FuseRequest.Getattr(header, getattr.flags(), getattr.handle());
            }
            case SETATTR -> setattr(header);
            case READLINK -> new FuseRequest.Readlink(header);
            case SYMLINK ->
                    new FuseRequest.Symlink(header, view.name(), view.second(), view.extensions());
            case MKNOD -> {
                Struct in = Structs.MKNOD_IN;
                yield new FuseRequest.Mknod(
                        header,
                        view.name(),
                        view.argument32(in, "mode"),
                        view.argument32(in, "rdev"),
                        view.argument32(in, "umask"),
                        view.extensions());
            }
            case MKDIR -> {
                Struct in = Structs.MKDIR_IN;
                yield new FuseRequest.Mkdir(
                        header,
                        view.name(),
                        view.argument32(in, "mode"),
                        view.argument32(in, "umask"),
                        view.extensions());
            }
            case UNLINK -> new FuseRequest.Unlink(header, view.name());
            case RMDIR -> new FuseRequest.Rmdir(header, view.name());
            case RENAME, RENAME2 ->
                    new FuseRequest.Rename(
                            header,
                            view.name(),
                            view.argument64(Structs.RENAME_IN, "newdir"),
                            new FileName(view.second()),
                            opcode == Opcode.RENAME
                                    ? 0
                                    : view.argument32(Structs.RENAME2_IN, "flags"));
            case LINK ->
                    new FuseRequest.Link(
                            header, view.argument64(Structs.LINK_IN, "oldnodeid"), view.name());
            case OPEN ->
                    new FuseRequest.Open(
                            header,
                            view.argument32(Structs.OPEN_IN, "flags"),
                            view.argument32(Structs.OPEN_IN, "open_flags"));
            case OPENDIR ->
                    new FuseRequest.Opendir(
                            header,
                            view.argument32(Structs.OPEN_IN, "flags"),
                            view.argument32(Structs.OPEN_IN, "open_flags"));
            case READ -> {
                RequestView.Read read = view.read();
                yield new FuseRequest.Read(
                        header,
                        read.handle(),
                        read.offset(),
                        read.size(),
                        read.readFlags(),
                        read.lockOwner(),
                        read.flags());
            }
            case WRITE -> {
                RequestView.Write write = view.write();
                yield new FuseRequest.Write(
                        header,
                        write.handle(),
                        write.offset(),
                        write.size(),
                        write.writeFlags(),
                        write.lockOwner(),
                        write.flags(),
                        write.data());
            }
            case STATFS -> new FuseRequest.Statfs(header);
            case RELEASE -> {
                Struct in = Structs.RELEASE_IN;
                yield new FuseRequest.Release(
                        header,
                        view.argument64(in, "fh"),
                        view.argument32(in, "flags"),
                        view.argument32(in, "release_flags"),
                        view.argument64(in, "lock_owner"));
            }
            case RELEASEDIR -> {
                Struct in = Structs.RELEASE_IN;
                yield new FuseRequest.Releasedir(
                        header,
                        view.argument64(in, "fh"),
                        view.argument32(in, "flags"),
                        view.argument32(in, "release_flags"));
            }
            case FSYNC ->
                    new FuseRequest.Fsync(
                            header,
                            view.argument64(Structs.FSYNC_IN, "fh"),
                            view.argument32(Structs.FSYNC_IN, "fsync_flags"));
            case FSYNCDIR ->
                    new FuseRequest.Fsyncdir(
                            header,
                            view.argument64(Structs.FSYNC_IN, "fh"),
                            view.argument32(Structs.FSYNC_IN, "fsync_flags"));
            case SETXATTR -> setxattr(header);
            case GETXATTR ->
                    new FuseRequest.Getxattr(
                            header, view.attribute(), view.argument32(Structs.GETXATTR_IN, "size"));
            case LISTXATTR ->
                    new FuseRequest.Listxattr(header, view.argument32(Structs.GETXATTR_IN, "size"));
            case REMOVEXATTR -> new FuseRequest.Removexattr(header, view.attribute());
            case FLUSH ->
                    new FuseRequest.Flush(
                            header,
                            view.argument64(Structs.FLUSH_IN, "fh"),
                            view.argument64(Structs.FLUSH_IN, "lock_owner"));
            case INIT -> init(header);
            case READDIR, READDIRPLUS ->
                    new FuseRequest.Readdir(
                            header,
                            view.argument64(Structs.READ_IN, "fh"),
                            view.argument64(Structs.READ_IN, "offset"),
                            view.argument32(Structs.READ_IN, "size"),
                            opcode == Opcode.READDIRPLUS);
            case GETLK ->
                    new FuseRequest.Getlk(
                            header,
                            view.argument64(Structs.LK_IN, "fh"),
                            view.argument64(Structs.LK_IN, "owner"),
                            lock(),
                            view.argument32(Structs.LK_IN, "lk_flags"));
            case SETLK, SETLKW ->
                    new FuseRequest.Setlk(
                            header,
                            view.argument64(Structs.LK_IN, "fh"),
                            view.argument64(Structs.LK_IN, "owner"),
                            lock(),
                            view.argument32(Structs.LK_IN, "lk_flags"),
                            opcode == Opcode.SETLKW);
            case ACCESS ->
                    new FuseRequest.Access(header, view.argument32(Structs.ACCESS_IN, "mask"));
            case CREATE -> {
                Struct in = Structs.CREATE_IN;
                yield new FuseRequest.Create(
                        header,
                        view.name(),
                        view.argument32(in, "flags"),
                        view.argument32(in, "mode"),
                        view.argument32(in, "umask"),
                        view.argument32(in, "open_flags"),
                        view.extensions());
            }
            case TMPFILE -> {
                Struct in = Structs.CREATE_IN;
                yield new FuseRequest.Tmpfile(
                        header,
                        view.argument32(in, "flags"),
                        view.argument32(in, "mode"),
                        view.argument32(in, "umask"),
                        view.argument32(in, "open_flags"),
                        view.extensions());
            }
            case INTERRUPT ->
                    new FuseRequest.Interrupt(
                            header, view.argument64(Structs.INTERRUPT_IN, "unique"));
            case BMAP ->
                    new FuseRequest.Bmap(
                            header,
                            view.argument64(Structs.BMAP_IN, "block"),
                            view.argument32(Structs.BMAP_IN, "blocksize"));
            case DESTROY -> new FuseRequest.Destroy(header);
            case IOCTL -> ioctl(header);
            case POLL -> {
                Struct in = Structs.POLL_IN;
                yield new FuseRequest.Poll(
                        header,
                        view.argument64(in, "fh"),
                        view.argument64(in, "kh"),
                        view.argument32(in, "flags"),
                        view.argument32(in, "events"));
            }
            case NOTIFY_REPLY -> {
                Struct in = Structs.NOTIFY_RETRIEVE_IN;
                yield new FuseRequest.NotifyReply(
                        header,
                        view.argument64(in, "offset"),
                        view.argument32(in, "size"),
                        view.data());
            }
            case FALLOCATE -> {
                Struct in = Structs.FALLOCATE_IN;
                yield new FuseRequest.Fallocate(
                        header,
                        view.argument64(in, "fh"),
                        view.argument64(in, "offset"),
                        view.argument64(in, "length"),
                        view.argument32(in, "mode"));
            }
            case LSEEK -> {
                Struct in = Structs.LSEEK_IN;
                yield new FuseRequest.Lseek(
                        header,
                        view.argument64(in, "fh"),
                        view.argument64(in, "offset"),
                        view.argument32(in, "whence"));
            }
            case COPY_FILE_RANGE, COPY_FILE_RANGE_64 -> {
                Struct in = Structs.COPY_FILE_RANGE_IN;
                yield new FuseRequest.CopyFileRange(
                        header,
                        view.argument64(in, "fh_in"),
                        view.argument64(in, "off_in"),
                        view.argument64(in, "nodeid_out"),
                        view.argument64(in, "fh_out"),
                        view.argument64(in, "off_out"),
                        view.argument64(in, "len"),
                        view.argument64(in, "flags"));
            }
            case SETUPMAPPING -> {
                Struct in = Structs.SETUPMAPPING_IN;
                yield new FuseRequest.SetupMapping(
                        header,
                        view.argument64(in, "fh"),
                        view.argument64(in, "foffset"),
                        view.argument64(in, "len"),
                        view.argument64(in, "flags"),
                        view.argument64(in, "moffset"));
            }
            case REMOVEMAPPING -> new FuseRequest.RemoveMapping(header, mappings());
            case SYNCFS -> new FuseRequest.Syncfs(header);
            case STATX -> {
                Struct in = Structs.STATX_IN;
                yield new FuseRequest.Statx(
                        header,
                        view.argument32(in, "getattr_flags"),
                        view.argument64(in, "fh"),
                        view.argument32(in, "sx_flags"),
                        view.argument32(in, "sx_mask"));
            }
        };
    }

    private FuseRequest.Setattr setattr(RequestHeader header) {
        Struct in = Structs.SETATTR_IN;
        return new FuseRequest.Setattr(
                header,
                view.argument32(in, "valid"),
                view.argument64(in, "fh"),
                view.argument64(in, "size"),
                view.argument64(in, "lock_owner"),
                new FuseRequest.Setattr.Time(
                        view.argument64(in, "atime"), view.argument32(in, "atimensec")),
                new FuseRequest.Setattr.Time(
                        view.argument64(in, "mtime"), view.argument32(in, "mtimensec")),
                new FuseRequest.Setattr.Time(
                        view.argument64(in, "ctime"), view.argument32(in, "ctimensec")),
                view.argument32(in, "mode"),
                view.argument32(in, "uid"),
                view.argument32(in, "gid"));
    }

    private FuseRequest.Setxattr setxattr(RequestHeader header) {
        Struct in = Structs.SETXATTR_IN;
        boolean extended = view.hasLongSetxattr();
        return new FuseRequest.Setxattr(
                header,
                view.attribute(),
                view.second(),
                view.argument32(in, "flags"),
                extended ? view.argument32(in, "setxattr_flags") : 0);
    }

    private FuseRequest.Init init(RequestHeader header) {
        Struct in = Structs.INIT_IN;
        long flags = Integer.toUnsignedLong(view.argument32(in, "flags"));
        if ((flags & InitFlag.INIT_EXT.mask()) != 0) {
            flags |= (long) view.argument32(in, "flags2") << 32;
        }
        return new FuseRequest.Init(
                header,
                view.argument32(in, "major"),
                view.argument32(in, "minor"),
                view.argument32(in, "max_readahead"),
                flags);
    }

    private FuseRequest.Ioctl ioctl(RequestHeader header) {
        Struct in = Structs.IOCTL_IN;
        return new FuseRequest.Ioctl(
                header,
                view.argument64(in, "fh"),
                view.argument32(in, "flags"),
                view.argument32(in, "cmd"),
                view.argument64(in, "arg"),
                view.tail(in, view.argument32(in, "in_size")),
                view.argument32(in, "out_size"));
    }

    private FileLock lock() {
        int lock = Wire.IN_HEADER_BYTES + Structs.LK_IN.offset("lk");
        return new FileLock(
                view.int64(lock + Structs.FILE_LOCK.offset("start")),
                view.int64(lock + Structs.FILE_LOCK.offset("end")),
                view.int32(lock + Structs.FILE_LOCK.offset("type")),
                view.int32(lock + Structs.FILE_LOCK.offset("pid")));
    }

    private List<FuseRequest.BatchForget.Item> forgetList() {
        int count = view.forgets();
        List<FuseRequest.BatchForget.Item> items = new ArrayList<>(count);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(Structs.FORGET_ONE.bytes(), 8);
            for (int i = 0; i < count; i++) {
                long forgotten = view.forgetNode(i, one);
                items.add(
                        new FuseRequest.BatchForget.Item(forgotten, RequestView.forgetCount(one)));
            }
        }
        return items;
    }

    private List<FuseRequest.RemoveMapping.Part> mappings() {
        int count = view.argument32(Structs.REMOVEMAPPING_IN, "count");
        List<FuseRequest.RemoveMapping.Part> parts = new ArrayList<>(count);
        int at = Wire.IN_HEADER_BYTES + Structs.REMOVEMAPPING_IN.bytes();
        for (int i = 0; i < count; i++) {
            parts.add(new FuseRequest.RemoveMapping.Part(view.int64(at), view.int64(at + 8)));
            at += Structs.REMOVEMAPPING_ONE.bytes();
        }
        return parts;
    }
}
