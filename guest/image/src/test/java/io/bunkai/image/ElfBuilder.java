// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Makes small ELF files: only the tables that we read, at addresses that differ from offsets. */
final class ElfBuilder {
    private static final int BASE = 0x400000;

    private final boolean wide;
    private final ByteOrder order;
    private final int machine;
    private String interpreter = "";
    private final List<String> needed = new ArrayList<>();
    private String sectionName = "";
    private byte[] section = {};

    ElfBuilder(boolean wide, ByteOrder order, int machine) {
        this.wide = wide;
        this.order = order;
        this.machine = machine;
    }

    /** {@return a kernel module of this machine that needs others} */
    static byte[] module(String name, String depends) {
        return new ElfBuilder(true, ByteOrder.LITTLE_ENDIAN, 62)
                .section(
                        ".modinfo",
                        ("license=GPL\0depends=" + depends + "\0name=" + name + "\0")
                                .getBytes(StandardCharsets.US_ASCII))
                .build();
    }

    ElfBuilder interpreter(String path) {
        interpreter = path;
        return this;
    }

    ElfBuilder needs(String... libraries) {
        needed.addAll(List.of(libraries));
        return this;
    }

    ElfBuilder section(String name, byte[] content) {
        sectionName = name;
        section = content;
        return this;
    }

    byte[] build() {
        ByteBuffer file = ByteBuffer.allocate(8192).order(order);
        int headerSize = wide ? 64 : 52;
        int segmentSize = wide ? 56 : 32;
        int sectionSize = wide ? 64 : 40;

        // What the tables point to, behind the header and three segments.
        int interpreterAt = headerSize + 3 * segmentSize;
        int end = putText(file, interpreterAt, interpreter);
        int stringsAt = end;
        end = putText(file, end, "");
        List<Integer> names = new ArrayList<>();
        for (String library : needed) {
            names.add(end - stringsAt);
            end = putText(file, end, library);
        }
        int dynamicAt = end;
        file.position(dynamicAt);
        for (int name : names) {
            word(file, 1);
            word(file, name);
        }
        word(file, 5);
        word(file, BASE + stringsAt);
        word(file, 0);
        word(file, 0);
        int dynamicEnd = file.position();
        file.put(section);
        int sectionNamesAt = file.position();
        int nameInTable = putText(file, sectionNamesAt, "") - sectionNamesAt;
        int sectionsAt = putText(file, sectionNamesAt + nameInTable, sectionName);

        file.put(0, new byte[] {0x7f, 'E', 'L', 'F'});
        file.put(4, (byte) (wide ? 2 : 1));
        file.put(5, (byte) (order == ByteOrder.BIG_ENDIAN ? 2 : 1));
        file.putShort(18, (short) machine);
        file.position(wide ? 32 : 28);
        word(file, headerSize);
        word(file, sectionsAt);
        file.putShort(wide ? 54 : 42, (short) segmentSize);
        file.putShort(wide ? 56 : 44, (short) 3);
        file.putShort(wide ? 58 : 46, (short) sectionSize);
        file.putShort(wide ? 60 : 48, (short) 3);
        file.putShort(wide ? 62 : 50, (short) 2);

        segment(file, headerSize, 1, 0, BASE, dynamicEnd);
        segment(
                file,
                headerSize + segmentSize,
                2,
                dynamicAt,
                BASE + dynamicAt,
                dynamicEnd - dynamicAt);
        segment(
                file,
                headerSize + 2 * segmentSize,
                interpreter.isEmpty() ? 4 : 3,
                interpreterAt,
                BASE + interpreterAt,
                interpreter.length() + 1);
        section(file, sectionsAt + sectionSize, nameInTable, dynamicEnd, section.length);
        section(file, sectionsAt + 2 * sectionSize, 0, sectionNamesAt, sectionsAt - sectionNamesAt);
        return Arrays.copyOf(file.array(), sectionsAt + 3 * sectionSize);
    }

    private void segment(ByteBuffer file, int at, int type, int offset, int address, int size) {
        file.putInt(at, type);
        file.position(at + (wide ? 8 : 4));
        word(file, offset);
        word(file, address);
        word(file, address);
        word(file, size);
    }

    private void section(ByteBuffer file, int at, int name, int offset, int size) {
        file.putInt(at, name);
        file.putInt(at + 4, 1);
        file.position(at + (wide ? 24 : 16));
        word(file, offset);
        word(file, size);
    }

    private void word(ByteBuffer file, int value) {
        if (wide) {
            file.putLong(value);
        } else {
            file.putInt(value);
        }
    }

    private static int putText(ByteBuffer file, int at, String text) {
        file.put(at, (text + "\0").getBytes(StandardCharsets.US_ASCII));
        return at + text.length() + 1;
    }
}
