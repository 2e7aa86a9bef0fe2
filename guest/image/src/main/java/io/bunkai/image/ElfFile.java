// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * The few facts about an ELF file that building an image needs: for which machine it is, which
 * loader and which libraries it wants, and the bytes of a named section. Immutable; 32 and 64 bits,
 * both byte orders.
 *
 * @spec https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html System V ABI, chapters 4, 5
 */
final class ElfFile {
    private static final int CLASS_64 = 2;
    private static final int DATA_MSB = 2;
    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int PT_INTERP = 3;
    private static final int DT_NULL = 0;
    private static final int DT_NEEDED = 1;
    private static final int DT_STRTAB = 5;
    private static final int DT_SONAME = 14;
    private static final int SHT_NOBITS = 8;

    private final Path path;
    private final ByteBuffer bytes;
    private final boolean wide;
    private final List<Segment> segments = new ArrayList<>();

    private record Segment(int type, long offset, long address, long size) {}

    private ElfFile(Path path, ByteBuffer bytes) {
        this.path = path;
        this.bytes = bytes;
        this.wide = bytes.get(4) == CLASS_64;
        bytes.order(bytes.get(5) == DATA_MSB ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        readSegments();
    }

    /** {@return whether the file begins as every ELF file does} */
    static boolean isElf(Path path) throws IOException {
        try (var in = Files.newInputStream(path)) {
            return startsLikeElf(in.readNBytes(4));
        }
    }

    /**
     * Reads a file.
     *
     * @throws Fault INVALID_ARGUMENT if it is no ELF file, or one that is cut short
     */
    static ElfFile read(Path path) throws IOException {
        byte[] content = Files.readAllBytes(path);
        if (content.length < 64 || !startsLikeElf(content)) {
            throw Fault.invalidArgument("%s is not an ELF file", path);
        }
        try {
            return new ElfFile(path, ByteBuffer.wrap(content));
        } catch (IndexOutOfBoundsException e) {
            throw damaged(path).causedBy(e);
        }
    }

    /** {@return the number of the machine this file is for: 62 is x86-64, 183 is AArch64} */
    int machine() {
        return unsignedShort(18);
    }

    /** {@return the program that loads this one, if it is a dynamically linked program} */
    Optional<String> interpreter() {
        return segments.stream()
                .filter(segment -> segment.type() == PT_INTERP)
                .map(segment -> text(segment.offset()))
                .findFirst();
    }

    /** {@return the names of the libraries this file wants, in the order it names them} */
    List<String> neededLibraries() {
        return dynamicStrings(DT_NEEDED);
    }

    /** {@return the name under which this library wants to be found, if it is one} */
    Optional<String> libraryName() {
        return dynamicStrings(DT_SONAME).stream().findFirst();
    }

    /** {@return a copy of the section of this name, if there is one} */
    Optional<byte[]> section(String name) {
        try {
            long table = wide ? bytes.getLong(40) : unsignedInt(32);
            int entrySize = unsignedShort(wide ? 58 : 46);
            int count = unsignedShort(wide ? 60 : 48);
            int namesIndex = unsignedShort(wide ? 62 : 50);
            if (count == 0) {
                return Optional.empty();
            }
            long names = sectionOffset(table + (long) namesIndex * entrySize);
            for (int i = 0; i < count; i++) {
                long header = table + (long) i * entrySize;
                if (bytes.getInt(index(header + 4)) != SHT_NOBITS
                        && text(names + unsignedInt(header)).equals(name)) {
                    byte[] content = new byte[index(sectionSize(header))];
                    bytes.get(index(sectionOffset(header)), content);
                    return Optional.of(content);
                }
            }
            return Optional.empty();
        } catch (IndexOutOfBoundsException e) {
            throw damaged(path).causedBy(e);
        }
    }

    private void readSegments() {
        long table = wide ? bytes.getLong(32) : unsignedInt(28);
        int entrySize = unsignedShort(wide ? 54 : 42);
        int count = unsignedShort(wide ? 56 : 44);
        for (int i = 0; i < count; i++) {
            int at = index(table + (long) i * entrySize);
            segments.add(
                    wide
                            ? new Segment(
                                    bytes.getInt(at),
                                    bytes.getLong(at + 8),
                                    bytes.getLong(at + 16),
                                    bytes.getLong(at + 32))
                            : new Segment(
                                    bytes.getInt(at),
                                    unsignedInt(at + 4),
                                    unsignedInt(at + 8),
                                    unsignedInt(at + 16)));
        }
    }

    private List<String> dynamicStrings(int wantedTag) {
        try {
            List<Long> offsets = new ArrayList<>();
            forEachDynamic(wantedTag, offsets::add);
            if (offsets.isEmpty()) {
                return List.of();
            }
            List<Long> tables = new ArrayList<>();
            forEachDynamic(DT_STRTAB, tables::add);
            long strings = fileOffset(tables.getFirst());
            return offsets.stream().map(offset -> text(strings + offset)).toList();
        } catch (IndexOutOfBoundsException | java.util.NoSuchElementException e) {
            throw damaged(path).causedBy(e);
        }
    }

    private void forEachDynamic(int wantedTag, LongConsumer found) {
        int word = wide ? 8 : 4;
        for (Segment segment : segments) {
            if (segment.type() != PT_DYNAMIC) {
                continue;
            }
            for (long at = segment.offset();
                    at < segment.offset() + segment.size();
                    at += 2L * word) {
                long tag = word(at);
                if (tag == DT_NULL) {
                    return;
                }
                if (tag == wantedTag) {
                    found.accept(word(at + word));
                }
            }
        }
    }

    /** Dynamic entries hold addresses; the strings are found where that address was loaded from. */
    private long fileOffset(long address) {
        for (Segment segment : segments) {
            if (segment.type() == PT_LOAD
                    && address >= segment.address()
                    && address - segment.address() < segment.size()) {
                return segment.offset() + (address - segment.address());
            }
        }
        throw damaged(path);
    }

    private long sectionOffset(long header) {
        return wide ? bytes.getLong(index(header + 24)) : unsignedInt(header + 16);
    }

    private long sectionSize(long header) {
        return wide ? bytes.getLong(index(header + 32)) : unsignedInt(header + 20);
    }

    private long word(long at) {
        return wide ? bytes.getLong(index(at)) : unsignedInt(at);
    }

    private int unsignedShort(int at) {
        return Short.toUnsignedInt(bytes.getShort(at));
    }

    private long unsignedInt(long at) {
        return Integer.toUnsignedLong(bytes.getInt(index(at)));
    }

    private String text(long at) {
        int start = index(at);
        int end = start;
        while (bytes.get(end) != 0) {
            end++;
        }
        byte[] content = new byte[end - start];
        bytes.get(start, content);
        return new String(content, StandardCharsets.UTF_8);
    }

    private static int index(long offset) {
        if (offset < 0 || offset > Integer.MAX_VALUE) {
            throw new IndexOutOfBoundsException(offset);
        }
        return (int) offset;
    }

    private static boolean startsLikeElf(byte[] content) {
        return content.length >= 4
                && content[0] == 0x7f
                && content[1] == 'E'
                && content[2] == 'L'
                && content[3] == 'F';
    }

    private static Fault damaged(Path path) {
        return Fault.invalidArgument(
                "%s is cut short or damaged: its ELF tables lead outside", path);
    }
}
