// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static io.bunkai.fuse.Messages.header;
import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests as bytes, each field named, and what they mean. */
class RequestDecodingTest {
    @Test
    void readsAHeaderAndAName() throws FuseProtocolException {
        byte[] lookup =
                hex(
                        """
                        2c000000 01000000 0900000000000000  // len=44, LOOKUP, unique=9
                        0100000000000000 e8030000 64000000  // nodeid=1, uid=1000, gid=100
                        2a000000 0000 0000                  // pid=42, total_extlen=0, padding
                        65746300                            // "etc" NUL
                        """);

        assertThat(Messages.decode(lookup))
                .isEqualTo(new FuseRequest.Lookup(header(Opcode.LOOKUP), FileName.of("etc")));
    }

    @Test
    void readsNamesOfAnyBytes() throws FuseProtocolException {
        FuseRequest request = decode(Opcode.LOOKUP, "ff0a2e2e00 // 0xff, line feed, two dots, NUL");

        assertThat(((FuseRequest.Lookup) request).name().bytes().toByteArray())
                .isEqualTo(hex("ff0a2e2e"));
    }

    @Test
    void readsDotsInALookupWhereThatWasAgreedOn() throws FuseProtocolException {
        byte[] lookup = Messages.request(Opcode.LOOKUP, hex("2e2e00 // \"..\" NUL"));

        assertThat(Messages.decode(lookup, InitFlag.EXPORT_SUPPORT))
                .isEqualTo(new FuseRequest.Lookup(header(Opcode.LOOKUP), FileName.of("..")));
    }

    @Test
    void putsANulBehindANameSoThatASystemCallCanHaveItWhereItStands() throws FuseProtocolException {
        RequestView view = new RequestView();
        view.decode(
                Messages.ranges(Messages.request(Opcode.LOOKUP, hex("65746300"))),
                Messages.agreement());
        RequestView.Lookup lookup = view.lookup();

        assertThat(lookup.memory().isNative()).isTrue();
        assertThat(lookup.memory().getString(lookup.nameAt())).isEqualTo("etc");
        assertThat(lookup.nameLength()).isEqualTo(3);
        assertThatThrownBy(view::read).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void readsForget() throws FuseProtocolException {
        assertThat(decode(Opcode.FORGET, "0300000000000000 // nlookup=3"))
                .isEqualTo(new FuseRequest.Forget(header(Opcode.FORGET), 3));
    }

    @Test
    void readsAForgetOfMoreThanAnyCountAsTheLargestCount() throws FuseProtocolException {
        assertThat(decode(Opcode.FORGET, "ffffffffffffffff // nlookup=2^64-1"))
                .isEqualTo(new FuseRequest.Forget(header(Opcode.FORGET), Long.MAX_VALUE));
    }

    @Test
    void readsBatchForget() throws FuseProtocolException {
        String bytes =
                """
                02000000 00000000                  // count=2, dummy
                0700000000000000 0100000000000000  // nodeid=7, nlookup=1
                0800000000000000 0200000000000000  // nodeid=8, nlookup=2
                """;

        assertThat(decode(Opcode.BATCH_FORGET, bytes))
                .isEqualTo(
                        new FuseRequest.BatchForget(
                                header(Opcode.BATCH_FORGET),
                                List.of(
                                        new FuseRequest.BatchForget.Item(7, 1),
                                        new FuseRequest.BatchForget.Item(8, 2))));
    }

    @Test
    void readsGetattr() throws FuseProtocolException {
        String bytes = "01000000 00000000 0500000000000000 // getattr_flags=FH, dummy, fh=5";

        assertThat(decode(Opcode.GETATTR, bytes))
                .isEqualTo(new FuseRequest.Getattr(header(Opcode.GETATTR), Flags.GETATTR_FH, 5));
    }

    @Test
    void readsSetattr() throws FuseProtocolException {
        String bytes =
                """
                ff0f0000 00000000  // valid=all of them, padding
                0500000000000000   // fh=5
                0010000000000000   // size=4096
                0600000000000000   // lock_owner=6
                0100000000000000   // atime=1 s
                0200000000000000   // mtime=2 s
                ffffffffffffffff   // ctime=-1 s
                0a000000 0b000000  // atimensec=10, mtimensec=11
                0c000000 a4810000  // ctimensec=12, mode=0100644
                00000000 e9030000  // unused4, uid=1001
                65000000 00000000  // gid=101, unused5
                """;

        assertThat(decode(Opcode.SETATTR, bytes))
                .isEqualTo(
                        new FuseRequest.Setattr(
                                header(Opcode.SETATTR),
                                0xfff,
                                5,
                                4096,
                                6,
                                new FuseRequest.Setattr.Time(1, 10),
                                new FuseRequest.Setattr.Time(2, 11),
                                new FuseRequest.Setattr.Time(-1, 12),
                                0100644,
                                1001,
                                101));
    }

    @Test
    void readsReadlink() throws FuseProtocolException {
        assertThat(decode(Opcode.READLINK, ""))
                .isEqualTo(new FuseRequest.Readlink(header(Opcode.READLINK)));
    }

    @Test
    void readsSymlink() throws FuseProtocolException {
        assertThat(decode(Opcode.SYMLINK, "6c00 2f6574632f7800 // \"l\" NUL, \"/etc/x\" NUL"))
                .isEqualTo(
                        new FuseRequest.Symlink(
                                header(Opcode.SYMLINK),
                                FileName.of("l"),
                                ByteString.of("/etc/x"),
                                Extensions.NONE));
    }

    @Test
    void readsMknod() throws FuseProtocolException {
        String bytes =
                """
                b6210000 03010000  // mode=S_IFCHR|0666, rdev=1:3
                12000000 00000000  // umask=022, padding
                6e756c6c00         // "null" NUL
                """;

        assertThat(decode(Opcode.MKNOD, bytes))
                .isEqualTo(
                        new FuseRequest.Mknod(
                                header(Opcode.MKNOD),
                                FileName.of("null"),
                                020666,
                                0x103,
                                022,
                                Extensions.NONE));
    }

    @Test
    void readsMkdir() throws FuseProtocolException {
        assertThat(decode(Opcode.MKDIR, "ed010000 12000000 6400 // mode=0755, umask=022, \"d\""))
                .isEqualTo(
                        new FuseRequest.Mkdir(
                                header(Opcode.MKDIR),
                                FileName.of("d"),
                                0755,
                                022,
                                Extensions.NONE));
    }

    @Test
    void readsUnlinkAndRmdir() throws FuseProtocolException {
        assertThat(decode(Opcode.UNLINK, "6600 // \"f\" NUL"))
                .isEqualTo(new FuseRequest.Unlink(header(Opcode.UNLINK), FileName.of("f")));
        assertThat(decode(Opcode.RMDIR, "6400 // \"d\" NUL"))
                .isEqualTo(new FuseRequest.Rmdir(header(Opcode.RMDIR), FileName.of("d")));
    }

    @Test
    void readsRename() throws FuseProtocolException {
        assertThat(decode(Opcode.RENAME, "0800000000000000 6100 6200 // newdir=8, \"a\", \"b\""))
                .isEqualTo(
                        new FuseRequest.Rename(
                                header(Opcode.RENAME), FileName.of("a"), 8, FileName.of("b"), 0));
    }

    @Test
    void readsRename2() throws FuseProtocolException {
        String bytes =
                """
                0800000000000000 02000000 00000000  // newdir=8, flags=EXCHANGE, padding
                6100 6200                           // "a" NUL, "b" NUL
                """;

        assertThat(decode(Opcode.RENAME2, bytes))
                .isEqualTo(
                        new FuseRequest.Rename(
                                header(Opcode.RENAME2), FileName.of("a"), 8, FileName.of("b"), 2));
    }

    @Test
    void readsLink() throws FuseProtocolException {
        assertThat(decode(Opcode.LINK, "0500000000000000 6100 // oldnodeid=5, \"a\" NUL"))
                .isEqualTo(new FuseRequest.Link(header(Opcode.LINK), 5, FileName.of("a")));
    }

    @Test
    void readsOpenAndOpendir() throws FuseProtocolException {
        String bytes = "02800000 01000000 // flags=O_RDWR|O_LARGEFILE, open_flags=KILL_SUIDGID";

        assertThat(decode(Opcode.OPEN, bytes))
                .isEqualTo(new FuseRequest.Open(header(Opcode.OPEN), 0x8002, 1));
        assertThat(decode(Opcode.OPENDIR, bytes))
                .isEqualTo(new FuseRequest.Opendir(header(Opcode.OPENDIR), 0x8002, 1));
    }

    private static final String READ =
            """
            0500000000000000 0010000000000000  // fh=5, offset=4096
            00000100 02000000                  // size=65536, read_flags=LOCKOWNER
            0600000000000000                   // lock_owner=6
            00800000 00000000                  // flags=O_LARGEFILE, padding
            """;

    @Test
    void readsRead() throws FuseProtocolException {
        assertThat(decode(Opcode.READ, READ))
                .isEqualTo(
                        new FuseRequest.Read(
                                header(Opcode.READ),
                                5,
                                4096,
                                65536,
                                Flags.READ_LOCKOWNER,
                                6,
                                0x8000));
    }

    @Test
    void readsReaddirAndReaddirplus() throws FuseProtocolException {
        assertThat(decode(Opcode.READDIR, READ))
                .isEqualTo(new FuseRequest.Readdir(header(Opcode.READDIR), 5, 4096, 65536, false));
        assertThat(decode(Opcode.READDIRPLUS, READ))
                .isEqualTo(
                        new FuseRequest.Readdir(header(Opcode.READDIRPLUS), 5, 4096, 65536, true));
    }

    @Test
    void readsWriteAndLeavesItsDataWhereTheyAre() throws FuseProtocolException {
        byte[] message =
                Messages.request(
                        Opcode.WRITE,
                        hex(
                                """
                                0500000000000000 0010000000000000  // fh=5, offset=4096
                                03000000 07000000                  // size=3, write_flags=all
                                0600000000000000                   // lock_owner=6
                                01800000 00000000                  // O_WRONLY|O_LARGEFILE, padding
                                616263                             // "abc"
                                """));
        FuseRequest.Write write = (FuseRequest.Write) Messages.decode(message);

        assertThat(write)
                .isEqualTo(
                        new FuseRequest.Write(
                                header(Opcode.WRITE),
                                5,
                                4096,
                                3,
                                Flags.WRITE_CACHE
                                        | Flags.WRITE_LOCKOWNER
                                        | Flags.WRITE_KILL_SUIDGID,
                                6,
                                0x8001,
                                write.data()));
        assertThat(write.data().count()).isOne();
        assertThat(write.data().segment(0).heapBase()).contains(message);
        assertThat(write.data().offset(0)).isEqualTo(80);
        assertThat(write.data().bytes()).isEqualTo(3);
    }

    @Test
    void readsStatfs() throws FuseProtocolException {
        assertThat(decode(Opcode.STATFS, ""))
                .isEqualTo(new FuseRequest.Statfs(header(Opcode.STATFS)));
    }

    private static final String RELEASE =
            """
            0500000000000000 00800000  // fh=5, flags=O_LARGEFILE
            03000000 0600000000000000  // release_flags=FLUSH|FLOCK_UNLOCK, lock_owner=6
            """;

    @Test
    void readsReleaseAndReleasedir() throws FuseProtocolException {
        assertThat(decode(Opcode.RELEASE, RELEASE))
                .isEqualTo(
                        new FuseRequest.Release(
                                header(Opcode.RELEASE),
                                5,
                                0x8000,
                                Flags.RELEASE_FLUSH | Flags.RELEASE_FLOCK_UNLOCK,
                                6));
        assertThat(decode(Opcode.RELEASEDIR, RELEASE))
                .isEqualTo(new FuseRequest.Releasedir(header(Opcode.RELEASEDIR), 5, 0x8000, 3));
    }

    @Test
    void readsFsyncAndFsyncdir() throws FuseProtocolException {
        String bytes = "0500000000000000 01000000 00000000 // fh=5, fsync_flags=FDATASYNC, padding";

        assertThat(decode(Opcode.FSYNC, bytes))
                .isEqualTo(new FuseRequest.Fsync(header(Opcode.FSYNC), 5, Flags.FSYNC_FDATASYNC));
        assertThat(decode(Opcode.FSYNCDIR, bytes))
                .isEqualTo(new FuseRequest.Fsyncdir(header(Opcode.FSYNCDIR), 5, 1));
    }

    @Test
    void readsSetxattrInItsShortForm() throws FuseProtocolException {
        String bytes =
                """
                03000000 01000000    // size=3, flags=XATTR_CREATE
                757365722e6100       // "user.a" NUL
                00ff01               // the value
                """;

        assertThat(decode(Opcode.SETXATTR, bytes))
                .isEqualTo(
                        new FuseRequest.Setxattr(
                                header(Opcode.SETXATTR),
                                XattrName.of("user.a"),
                                ByteString.of(hex("00ff01")),
                                1,
                                0));
    }

    @Test
    void readsSetxattrInItsLongFormWhereThatWasAgreedOn() throws FuseProtocolException {
        byte[] message =
                Messages.request(
                        Opcode.SETXATTR,
                        hex(
                                """
                                03000000 02000000  // size=3, flags=XATTR_REPLACE
                                01000000 00000000  // setxattr_flags=ACL_KILL_SGID, padding
                                757365722e6100     // "user.a" NUL
                                00ff01             // the value
                                """));

        assertThat(Messages.decode(message, InitFlag.SETXATTR_EXT))
                .isEqualTo(
                        new FuseRequest.Setxattr(
                                header(Opcode.SETXATTR),
                                XattrName.of("user.a"),
                                ByteString.of(hex("00ff01")),
                                2,
                                Flags.SETXATTR_ACL_KILL_SGID));
    }

    @Test
    void readsGetxattrListxattrAndRemovexattr() throws FuseProtocolException {
        assertThat(decode(Opcode.GETXATTR, "00010000 00000000 757365722e6100 // size=256, name"))
                .isEqualTo(
                        new FuseRequest.Getxattr(
                                header(Opcode.GETXATTR), XattrName.of("user.a"), 256));
        assertThat(decode(Opcode.LISTXATTR, "00010000 00000000 // size=256, padding"))
                .isEqualTo(new FuseRequest.Listxattr(header(Opcode.LISTXATTR), 256));
        assertThat(decode(Opcode.REMOVEXATTR, "757365722e6100 // \"user.a\" NUL"))
                .isEqualTo(
                        new FuseRequest.Removexattr(
                                header(Opcode.REMOVEXATTR), XattrName.of("user.a")));
    }

    @Test
    void readsFlush() throws FuseProtocolException {
        String bytes =
                "0500000000000000 00000000 00000000 0600000000000000 // fh, -, -, lock_owner";

        assertThat(decode(Opcode.FLUSH, bytes))
                .isEqualTo(new FuseRequest.Flush(header(Opcode.FLUSH), 5, 6));
    }

    @Test
    void readsTheInitOfAnOldKernel() throws FuseProtocolException {
        String bytes =
                """
                07000000 1f000000  // major=7, minor=31
                00000200 01000400  // max_readahead=128 KiB, flags=ASYNC_READ|PARALLEL_DIROPS
                """;

        assertThat(decode(Opcode.INIT, bytes))
                .isEqualTo(new FuseRequest.Init(header(Opcode.INIT), 7, 31, 131072, 0x40001L));
    }

    @Test
    void readsTheInitOfANewKernelWithBothWordsOfFlags() throws FuseProtocolException {
        String bytes =
                """
                07000000 2d000000           // major=7, minor=45
                00000200 fbfffffb           // max_readahead=128 KiB, flags with INIT_EXT
                0b000000                    // flags2: SECURITY_CTX, HAS_INODE_DAX, HAS_EXPIRE_ONLY
                0000000000000000 0000000000000000 0000000000000000
                0000000000000000 0000000000000000 00000000 // unused
                """;

        assertThat(decode(Opcode.INIT, bytes))
                .isEqualTo(new FuseRequest.Init(header(Opcode.INIT), 7, 45, 131072, 0xb_fbfffffbL));
    }

    private static final String LOCK =
            """
            0500000000000000 0600000000000000  // fh=5, owner=6
            0a00000000000000 ffffffffffffff7f  // lk.start=10, lk.end=the end of the file
            01000000 2a000000                  // lk.type=F_WRLCK, lk.pid=42
            01000000 00000000                  // lk_flags=FLOCK, padding
            """;

    @Test
    void readsLocks() throws FuseProtocolException {
        FileLock lock = new FileLock(10, Long.MAX_VALUE, FileLock.WRITE, 42);

        assertThat(decode(Opcode.GETLK, LOCK))
                .isEqualTo(new FuseRequest.Getlk(header(Opcode.GETLK), 5, 6, lock, 1));
        assertThat(decode(Opcode.SETLK, LOCK))
                .isEqualTo(new FuseRequest.Setlk(header(Opcode.SETLK), 5, 6, lock, 1, false));
        assertThat(decode(Opcode.SETLKW, LOCK))
                .isEqualTo(new FuseRequest.Setlk(header(Opcode.SETLKW), 5, 6, lock, 1, true));
    }

    @Test
    void readsAccess() throws FuseProtocolException {
        assertThat(decode(Opcode.ACCESS, "04000000 00000000 // mask=R_OK, padding"))
                .isEqualTo(new FuseRequest.Access(header(Opcode.ACCESS), 4));
    }

    private static final String CREATE =
            """
            c2000000 a4810000  // flags=O_RDWR|O_CREAT|O_EXCL, mode=0100644
            12000000 01000000  // umask=022, open_flags=KILL_SUIDGID
            """;

    @Test
    void readsCreate() throws FuseProtocolException {
        assertThat(decode(Opcode.CREATE, CREATE + "6600 // \"f\" NUL"))
                .isEqualTo(
                        new FuseRequest.Create(
                                header(Opcode.CREATE),
                                FileName.of("f"),
                                0xc2,
                                0100644,
                                022,
                                1,
                                Extensions.NONE));
    }

    @Test
    void readsTmpfileAndPassesOverTheNameThatIsNone() throws FuseProtocolException {
        assertThat(decode(Opcode.TMPFILE, CREATE + "2f00 // \"/\" NUL, as Linux sends it"))
                .isEqualTo(
                        new FuseRequest.Tmpfile(
                                header(Opcode.TMPFILE), 0xc2, 0100644, 022, 1, Extensions.NONE));
    }

    @Test
    void readsExtensionsWhereTheHeaderSaysTheyAre() throws FuseProtocolException {
        byte[] arguments =
                hex(
                        """
                        ed010000 12000000 6400   // mode=0755, umask=022, "d" NUL
                        20000000 01000000        // size=32, type: one security context
                        02000000 00000000        // size=2, padding
                        73656375726974792e7800   // "security.x" NUL
                        736c                     // "sl"
                        000000                   // padding
                        10000000 20000000        // size=16, type=GROUPS
                        01000000 65000000        // nr_groups=1, 101
                        08000000 99000000        // size=8, a type that nobody knows
                        """);
        byte[] message = Messages.request(Opcode.MKDIR.number(), 1, 7, arguments);

        assertThat(Messages.decode(message))
                .isEqualTo(
                        new FuseRequest.Mkdir(
                                header(Opcode.MKDIR),
                                FileName.of("d"),
                                0755,
                                022,
                                new Extensions(
                                        List.of(
                                                new Extensions.SecurityContext(
                                                        XattrName.of("security.x"),
                                                        ByteString.of("sl"))),
                                        List.of(101))));
    }

    @Test
    void readsSecurityContextsOfKernelsThatDoNotSayWhereTheyAre() throws FuseProtocolException {
        byte[] message =
                Messages.request(
                        Opcode.SYMLINK,
                        hex(
                                """
                                6c00 7800          // "l" NUL, "x" NUL
                                18000000 01000000  // size=24, nr_secctx=1
                                01000000 00000000  // size=1, padding
                                732e7900 7a        // "s.y" NUL, "z"
                                000000             // padding
                                """));

        assertThat(Messages.decode(message, InitFlag.SECURITY_CTX))
                .isEqualTo(
                        new FuseRequest.Symlink(
                                header(Opcode.SYMLINK),
                                FileName.of("l"),
                                ByteString.of("x"),
                                new Extensions(
                                        List.of(
                                                new Extensions.SecurityContext(
                                                        XattrName.of("s.y"), ByteString.of("z"))),
                                        List.of())));
    }

    @Test
    void readsInterrupt() throws FuseProtocolException {
        assertThat(decode(Opcode.INTERRUPT, "0800000000000000 // unique=8"))
                .isEqualTo(new FuseRequest.Interrupt(header(Opcode.INTERRUPT), 8));
    }

    @Test
    void readsBmap() throws FuseProtocolException {
        assertThat(decode(Opcode.BMAP, "0300000000000000 00020000 00000000 // block=3, 512, -"))
                .isEqualTo(new FuseRequest.Bmap(header(Opcode.BMAP), 3, 512));
    }

    @Test
    void readsDestroy() throws FuseProtocolException {
        assertThat(decode(Opcode.DESTROY, ""))
                .isEqualTo(new FuseRequest.Destroy(header(Opcode.DESTROY)));
    }

    @Test
    void readsIoctl() throws FuseProtocolException {
        String bytes =
                """
                0500000000000000 10000000 01660840  // fh=5, flags=DIR, cmd=FS_IOC_SETFLAGS
                00f0ffff7f000000                    // arg
                04000000 08000000                   // in_size=4, out_size=8
                10000000                            // what lies there
                """;

        assertThat(decode(Opcode.IOCTL, bytes))
                .isEqualTo(
                        new FuseRequest.Ioctl(
                                header(Opcode.IOCTL),
                                5,
                                Flags.IOCTL_DIR,
                                0x40086601,
                                0x7ffffff000L,
                                ByteString.of(hex("10000000")),
                                8));
    }

    @Test
    void readsPoll() throws FuseProtocolException {
        String bytes =
                """
                0500000000000000 0700000000000000  // fh=5, kh=7
                01000000 05000000                  // flags=SCHEDULE_NOTIFY, events=POLLIN|POLLOUT
                """;

        assertThat(decode(Opcode.POLL, bytes))
                .isEqualTo(new FuseRequest.Poll(header(Opcode.POLL), 5, 7, 1, 5));
    }

    @Test
    void readsNotifyReply() throws FuseProtocolException {
        String bytes =
                """
                0000000000000000 0010000000000000  // dummy1, offset=4096
                02000000 00000000                  // size=2, dummy2
                0000000000000000 0000000000000000  // dummy3, dummy4
                6162                               // "ab"
                """;
        FuseRequest.NotifyReply reply =
                (FuseRequest.NotifyReply) decode(Opcode.NOTIFY_REPLY, bytes);

        assertThat(reply)
                .isEqualTo(
                        new FuseRequest.NotifyReply(
                                header(Opcode.NOTIFY_REPLY), 4096, 2, reply.data()));
        assertThat(reply.data().bytes()).isEqualTo(2);
    }

    @Test
    void readsFallocate() throws FuseProtocolException {
        String bytes =
                """
                0500000000000000 0010000000000000  // fh=5, offset=4096
                0020000000000000                   // length=8192
                03000000 00000000                  // mode=KEEP_SIZE|PUNCH_HOLE, padding
                """;

        assertThat(decode(Opcode.FALLOCATE, bytes))
                .isEqualTo(new FuseRequest.Fallocate(header(Opcode.FALLOCATE), 5, 4096, 8192, 3));
    }

    @Test
    void readsLseek() throws FuseProtocolException {
        String bytes =
                """
                0500000000000000 0010000000000000  // fh=5, offset=4096
                04000000 00000000                  // whence=SEEK_HOLE, padding
                """;

        assertThat(decode(Opcode.LSEEK, bytes))
                .isEqualTo(new FuseRequest.Lseek(header(Opcode.LSEEK), 5, 4096, 4));
    }

    @Test
    void readsBothKindsOfCopyFileRange() throws FuseProtocolException {
        String bytes =
                """
                0500000000000000 0010000000000000  // fh_in=5, off_in=4096
                0700000000000000 0600000000000000  // nodeid_out=7, fh_out=6
                0020000000000000 0030000000000000  // off_out=8192, len=12288
                0000000000000000                   // flags
                """;

        for (Opcode opcode : List.of(Opcode.COPY_FILE_RANGE, Opcode.COPY_FILE_RANGE_64)) {
            assertThat(decode(opcode, bytes))
                    .isEqualTo(
                            new FuseRequest.CopyFileRange(
                                    header(opcode), 5, 4096, 7, 6, 8192, 12288, 0));
        }
    }

    @Test
    void readsMappings() throws FuseProtocolException {
        String setup =
                """
                0500000000000000 0010000000000000  // fh=5, foffset=4096
                0000200000000000 0300000000000000  // len=2 MiB, flags=WRITE|READ
                0000400000000000                   // moffset=4 MiB
                """;
        String remove =
                """
                01000000                           // count=1
                0000400000000000 0000200000000000  // moffset=4 MiB, len=2 MiB
                """;

        assertThat(decode(Opcode.SETUPMAPPING, setup))
                .isEqualTo(
                        new FuseRequest.SetupMapping(
                                header(Opcode.SETUPMAPPING), 5, 4096, 2 << 20, 3, 4 << 20));
        assertThat(decode(Opcode.REMOVEMAPPING, remove))
                .isEqualTo(
                        new FuseRequest.RemoveMapping(
                                header(Opcode.REMOVEMAPPING),
                                List.of(new FuseRequest.RemoveMapping.Part(4 << 20, 2 << 20))));
    }

    @Test
    void readsSyncfs() throws FuseProtocolException {
        assertThat(decode(Opcode.SYNCFS, "0000000000000000 // padding"))
                .isEqualTo(new FuseRequest.Syncfs(header(Opcode.SYNCFS)));
    }

    @Test
    void readsStatx() throws FuseProtocolException {
        String bytes =
                """
                01000000 00000000 0500000000000000  // getattr_flags=FH, reserved, fh=5
                00200000 ff0f0000                   // sx_flags=FORCE_SYNC, sx_mask
                """;

        assertThat(decode(Opcode.STATX, bytes))
                .isEqualTo(new FuseRequest.Statx(header(Opcode.STATX), 1, 5, 0x2000, 0xfff));
    }

    @Test
    void tellsWhatItDoesNotKnow() throws FuseProtocolException {
        byte[] message = Messages.request(4096, 1, 0, hex("07000000 2d000000 // CUSE_INIT"));

        assertThat(Messages.decode(message))
                .isEqualTo(new FuseRequest.Unknown(new RequestHeader(4096, 9, 1, 1000, 100, 42)));
    }

    @Test
    void readsNewFieldsBehindTheOnesItKnowsAsIfTheyWereNotThere() throws FuseProtocolException {
        String bytes = "04000000 00000000 1111111111111111 // mask=R_OK, padding, something new";

        assertThat(decode(Opcode.ACCESS, bytes))
                .isEqualTo(new FuseRequest.Access(header(Opcode.ACCESS), 4));
    }

    @Test
    void readsARequestInAsManyPiecesAsItHasBytes() throws FuseProtocolException {
        byte[] message = Messages.request(Opcode.MKDIR, hex("ed010000 12000000 64697200"));
        Ranges pieces = new Ranges();
        for (byte b : message) {
            pieces.add(MemorySegment.ofArray(new byte[] {0, b}), 1, 1);
        }

        assertThat(FuseRequest.decode(pieces, Messages.agreement()))
                .isEqualTo(Messages.decode(message));
    }

    private static FuseRequest decode(Opcode opcode, String arguments)
            throws FuseProtocolException {
        return Messages.decode(Messages.request(opcode, hex(arguments)));
    }
}
