// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.NetworkStats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Counters of the machine's network interfaces, which are the pod's.
 *
 * @param proc where procfs is
 * @spec https://man7.org/linux/man-pages/man5/proc_pid_net.5.html proc_pid_net(5)
 */
record NetworkFigures(Path proc) {
    private static final int COLUMNS = 16;

    /** {@return one entry for each interface but the loopback} */
    List<NetworkStats> read() {
        List<NetworkStats> all = new ArrayList<>();
        try {
            for (String line :
                    Files.readAllLines(proc.resolve("net/dev"), StandardCharsets.UTF_8)) {
                int colon = line.indexOf(':');
                String name = colon < 0 ? "lo" : line.substring(0, colon).strip();
                if (!name.equals("lo")) {
                    all.add(figures(name, line.substring(colon + 1).strip().split(" +")));
                }
            }
        } catch (IOException e) {
            Log.debug("no network figures: " + e.getMessage());
        }
        return all;
    }

    private static NetworkStats figures(String name, String[] columns) {
        NetworkStats.Builder stats = NetworkStats.newBuilder().setName(name);
        if (columns.length >= COLUMNS) {
            stats.setRxBytes(Long.parseUnsignedLong(columns[0]))
                    .setRxPackets(Long.parseUnsignedLong(columns[1]))
                    .setRxErrors(Long.parseUnsignedLong(columns[2]))
                    .setRxDropped(Long.parseUnsignedLong(columns[3]))
                    .setTxBytes(Long.parseUnsignedLong(columns[8]))
                    .setTxPackets(Long.parseUnsignedLong(columns[9]))
                    .setTxErrors(Long.parseUnsignedLong(columns[10]))
                    .setTxDropped(Long.parseUnsignedLong(columns[11]));
        }
        return stats.build();
    }
}
