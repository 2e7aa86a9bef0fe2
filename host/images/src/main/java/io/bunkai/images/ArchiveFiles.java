// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image's files in a tar archive: its headers are read once, contents are then read where they
 * are. Links between members are followed within the archive.
 */
final class ArchiveFiles implements ImageFiles {
    private static final int MAX_MEMBERS = 100_000;
    private static final int MAX_LINKS_FOLLOWED = 8;
    private static final int USTAR_OFFSET = 257;

    private final Path archive;
    private final FileChannel channel;
    private final Map<String, Member> members;

    private sealed interface Member {
        record Content(long offset, long size) implements Member {}

        record Link(String target) implements Member {}
    }

    private ArchiveFiles(Path archive, FileChannel channel, Map<String, Member> members) {
        this.archive = archive;
        this.channel = channel;
        this.members = members;
    }

    /**
     * Opens an archive.
     *
     * @throws Fault INVALID_ARGUMENT if it is damaged, UNIMPLEMENTED if it is compressed
     */
    static ArchiveFiles open(Path archive) throws IOException {
        FileChannel channel = FileChannel.open(archive, StandardOpenOption.READ);
        try {
            checkFormat(archive, channel);
            return new ArchiveFiles(archive, channel, membersOf(channel));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void checkFormat(Path archive, FileChannel channel) throws IOException {
        byte[] start = new ChannelStream(channel, 0, channel.size()).readNBytes(512);
        String magic = HexFormat.of().formatHex(start, 0, Math.min(4, start.length));
        if (magic.startsWith("1f8b") || magic.equals("28b52ffd") || magic.startsWith("425a68")) {
            throw Fault.unimplemented("the archive %s is compressed as a whole", archive)
                    .withHint("decompress it first (gunzip, unzstd)");
        }
        boolean tar = start.length == 512 && Bytes.of(start, USTAR_OFFSET, 5).equals("ustar");
        if (!tar) {
            throw Fault.invalidArgument("%s is not a tar archive", archive)
                    .withHint("an image is an OCI layout or an archive made by docker save");
        }
    }

    private static Map<String, Member> membersOf(FileChannel channel) throws IOException {
        Map<String, Member> members = new HashMap<>();
        ChannelStream in = new ChannelStream(channel, 0, channel.size());
        TarReader tar = new TarReader(in);
        for (TarEntry entry = tar.next(); entry != null; entry = tar.next()) {
            String name = normalized("", entry.name());
            switch (entry.type()) {
                case FILE -> {
                    if (tar.isSparse()) {
                        throw Fault.unimplemented(
                                "the archive holds %s as a sparse file", Bytes.shown(name));
                    }
                    members.put(name, new Member.Content(in.position(), entry.size()));
                }
                case SYMLINK -> {
                    String parent = name.substring(0, name.lastIndexOf('/') + 1);
                    members.put(name, new Member.Link(normalized(parent, entry.linkName())));
                }
                case HARD_LINK ->
                        members.put(name, new Member.Link(normalized("", entry.linkName())));
                case DIRECTORY, CHARACTER_DEVICE, BLOCK_DEVICE, FIFO -> {}
            }
            if (members.size() > MAX_MEMBERS) {
                throw Fault.resourceExhausted("the archive has more than %d members", MAX_MEMBERS);
            }
        }
        return members;
    }

    private static String normalized(String parent, String name) {
        Deque<String> components = new ArrayDeque<>();
        String path = name.startsWith("/") ? name : parent + name;
        for (String component : path.split("/")) {
            switch (component) {
                case "", "." -> {}
                case ".." -> components.pollLast();
                default -> components.addLast(component);
            }
        }
        return String.join("/", components);
    }

    private Member.@Nullable Content find(String name) {
        Member member = members.get(Bytes.ofText(name));
        for (int i = 0; i < MAX_LINKS_FOLLOWED && member instanceof Member.Link link; i++) {
            member = members.get(link.target());
        }
        return member instanceof Member.Content content ? content : null;
    }

    @Override
    public Optional<Long> size(String name) {
        return Optional.ofNullable(find(name)).map(Member.Content::size);
    }

    @Override
    public InputStream open(String name) throws IOException {
        Member.Content content = find(name);
        if (content == null) {
            throw Fault.notFound("%s has no %s", place(), name);
        }
        return new ChannelStream(channel, content.offset(), content.size());
    }

    @Override
    public String place() {
        return archive.toString();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** A part of a file. Does not own the channel, and does not use its position. */
    private static final class ChannelStream extends InputStream {
        private final FileChannel channel;
        private final long end;
        private long at;

        ChannelStream(FileChannel channel, long start, long length) {
            this.channel = channel;
            this.at = start;
            this.end = start + length;
        }

        long position() {
            return at;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] data, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (at >= end) {
                return -1;
            }
            int wanted = (int) Math.min(length, end - at);
            int got = channel.read(ByteBuffer.wrap(data, offset, wanted), at);
            at += Math.max(got, 0);
            return got;
        }

        @Override
        public long skip(long count) {
            long skipped = Math.clamp(count, 0, end - at);
            at += skipped;
            return skipped;
        }
    }
}
