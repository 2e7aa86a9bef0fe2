// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * {@code bunkai bench virtiofs}: what a request costs the file server, beside other servers, in one
 * run. Each row is measured in turns, a burst with each server, and the median of the bursts
 * counts.
 */
public final class BenchMain {
    private static final String OWN = "bunkai";
    private static final int[] DEPTHS = {1, 8, 32};
    private static final List<String> PARALLEL =
            List.of("getattr", "lookup", "read-4k", "write-4k", "read-128k");
    private static final long WARMING_MILLIS = 150;

    private final Options options;

    private BenchMain(Options options) {
        this.options = options;
    }

    /** What the command line says. */
    private record Options(
            Map<String, String> peers,
            Path folder,
            int rounds,
            long burstMillis,
            boolean json,
            String only,
            boolean throughput,
            boolean spare,
            boolean limits,
            int files) {}

    /** What was measured of one exercise at one depth with one server. */
    private record Row(
            String exercise, int depth, String peer, double cpuMicros, double wallMicros) {}

    /** Measures what the arguments say, and prints it. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        try {
            new BenchMain(parse(arguments)).run();
        } catch (Fault e) {
            System.err.println("error: " + e.getMessage());
            e.hint().ifPresent(hint -> System.err.println("hint:  " + hint));
            System.exit(1);
        }
    }

    private static Options parse(String[] arguments) {
        Map<String, String> peers = new LinkedHashMap<>();
        String own = System.getProperty("bunkai.home", ".") + "/bunkai-virtiofsd";
        peers.put(OWN, own + " --sandbox=chroot --shared-dir={share} --socket-path={socket}");
        Path folder = Path.of(Files.isWritable(Path.of("/dev/shm")) ? "/dev/shm" : "/tmp");
        int rounds = 5;
        long burst = 150;
        boolean json = false;
        boolean throughput = false;
        boolean spare = false;
        boolean limits = false;
        String only = "";
        int files = 0;
        for (int i = 0; i < arguments.length; i++) {
            String word = arguments[i];
            int equals = word.indexOf('=');
            String name = word.startsWith("--") && equals > 0 ? word.substring(0, equals) : word;
            boolean takes =
                    List.of(
                                    "--peer",
                                    "--format",
                                    "--rounds",
                                    "--burst",
                                    "--folder",
                                    "--only",
                                    "--files")
                            .contains(name);
            if (takes && name.equals(word) && i + 1 == arguments.length) {
                throw Fault.invalidArgument("%s needs a value", word);
            }
            String value =
                    !takes ? "" : name.equals(word) ? arguments[++i] : word.substring(equals + 1);
            switch (name) {
                case "--peer" -> {
                    int divider = value.indexOf('=');
                    if (divider < 1) {
                        throw Fault.invalidArgument("--peer is NAME=COMMAND, not '%s'", value);
                    }
                    peers.put(value.substring(0, divider), value.substring(divider + 1));
                }
                case "--format" -> json = value.equals("json");
                case "--rounds" -> rounds = Integer.parseInt(value);
                case "--burst" -> burst = Long.parseLong(value);
                case "--folder" -> folder = Path.of(value);
                case "--only" -> only = value;
                case "--files" -> files = Integer.parseInt(value);
                case "--throughput" -> throughput = true;
                case "--spare" -> spare = true;
                case "--limits" -> limits = true;
                case "--help" -> {
                    System.out.print(HELP);
                    System.exit(0);
                }
                default ->
                        throw Fault.invalidArgument("there is no option '%s'", word)
                                .withHint("run 'bunkai bench virtiofs --help'");
            }
        }
        return new Options(
                peers, folder, rounds, burst, json, only, throughput, spare, limits, files);
    }

    private static final String HELP =
            """
            Usage: bunkai bench virtiofs [OPTION]...
            What a request costs the file server: processor time and time, in microseconds.

              --peer=NAME=COMMAND   Measure this server, too, in turns with ours. {share} and
                                    {socket} stand for the directory and the socket. May be
                                    given several times.
              --format=table|json   Default: table.
              --rounds=COUNT        Bursts for each figure, of which the median counts. Default: 5.
              --burst=MILLIS        How long each takes. Default: 150.
              --folder=DIR          Where the shared directory is made. Default: /dev/shm.
              --only=WORD           Only exercises with this in their names.
              --files=COUNT         Instead: memory and descriptors when so many files are known.
              --throughput          Instead: requests a second with four queues, where there are.
              --spare               Instead: our server when it waits, warm, to be told what to
                                    serve, and its first second with a guest.
              --limits              Instead: how exactly our server keeps a limit, and what a limit
                                    costs that is not reached.
            """;

    private void run() throws IOException, InterruptedException {
        Path work = Files.createTempDirectory(options.folder, "bunkai-bench");
        try (Closer all = new Closer()) {
            all.onClose(() -> remove(work));
            Path share = Files.createDirectory(work.resolve("share"));
            if (options.files > 0) {
                memory(share, work);
                return;
            }
            Exercises.fill(share);
            if (options.spare) {
                String home = System.getProperty("bunkai.home", ".");
                new SpareBench(Path.of(home, "bunkai-virtiofsd"), share, work).run();
                return;
            }
            int deepest = DEPTHS[DEPTHS.length - 1];
            if (options.limits) {
                Path control = work.resolve("control.sock");
                String command =
                        options.peers.get(OWN)
                                + " --thread-pool-size=0 --control-socket="
                                + control;
                new LimitBench(
                                all.own(BenchPeer.start(OWN, command, share, work, 2, deepest)),
                                control)
                        .run();
                return;
            }
            List<BenchPeer> peers = new ArrayList<>();
            for (Map.Entry<String, String> peer : options.peers.entrySet()) {
                int queues = options.throughput && peer.getKey().startsWith(OWN) ? 4 : 1;
                peers.add(
                        all.own(
                                BenchPeer.start(
                                        peer.getKey(),
                                        peer.getValue(),
                                        share,
                                        work,
                                        queues,
                                        deepest)));
            }
            if (options.throughput) {
                throughput(peers);
            } else {
                print(measure(peers), peers);
            }
        }
    }

    private void memory(Path share, Path work) throws IOException {
        MemoryBench.fill(share, options.files);
        for (Map.Entry<String, String> entry : options.peers.entrySet()) {
            try (BenchPeer peer =
                    BenchPeer.start(entry.getKey(), entry.getValue(), share, work, 1, 1)) {
                new MemoryBench(peer, options.files).run();
            }
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    // --- measuring ----------------------------------------------------------------------------

    /** Bursts of one exercise with one server. */
    private record Series(BenchPeer peer, Exercise exercise, List<double[]> bursts) {}

    private List<Row> measure(List<BenchPeer> peers) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (int depth : DEPTHS) {
            for (Exercises.Preparation preparation : Exercises.all().values()) {
                for (BenchPeer peer : peers) {
                    Exercise exercise = preparation.with(peer.mount, depth);
                    long nanos = WARMING_MILLIS * 1_000_000;
                    Exercises.drive(peer.mount.lane(0), exercise, depth, nanos);
                }
            }
        }
        for (Map.Entry<String, Exercises.Preparation> entry : Exercises.all().entrySet()) {
            if (!entry.getKey().contains(options.only)) {
                continue;
            }
            for (int depth : DEPTHS) {
                List<Series> all = new ArrayList<>();
                for (BenchPeer peer : peers) {
                    Exercise exercise = entry.getValue().with(peer.mount, depth);
                    all.add(new Series(peer, exercise, new ArrayList<>()));
                }
                for (int round = -1; round < options.rounds; round++) {
                    for (Series series : all) {
                        double[] figures = burst(series.peer, series.exercise, depth);
                        if (round >= 0) { // the first is for warming up
                            series.bursts.add(figures);
                        }
                    }
                }
                for (Series series : all) {
                    rows.add(
                            new Row(
                                    entry.getKey(),
                                    depth,
                                    series.peer.name,
                                    median(series.bursts, 0),
                                    median(series.bursts, 1)));
                }
                if (!options.json) {
                    printRow(rows.subList(rows.size() - peers.size(), rows.size()));
                }
            }
        }
        return rows;
    }

    private static double median(List<double[]> figures, int which) {
        double[] sorted = figures.stream().mapToDouble(one -> one[which]).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /** {@return processor time and time of one exercise, in microseconds} */
    private double[] burst(BenchPeer peer, Exercise exercise, int depth) throws ErrnoException {
        long used = peer.processorNanos();
        long begin = System.nanoTime();
        long count =
                Exercises.drive(
                        peer.mount.lane(0), exercise, depth, options.burstMillis * 1_000_000);
        long wall = System.nanoTime() - begin;
        long cpu = peer.processorNanos() - used;
        return new double[] {cpu / 1e3 / count, wall / 1e3 / count};
    }

    // --- throughput ---------------------------------------------------------------------------

    private void throughput(List<BenchPeer> peers) throws IOException {
        for (Map.Entry<String, Exercises.Preparation> entry : Exercises.all().entrySet()) {
            String name = entry.getKey();
            if (!PARALLEL.contains(name) || !name.contains(options.only)) {
                continue;
            }
            for (BenchPeer peer : peers) {
                rate(peer, entry.getValue()); // for warming up
                double[] rates = new double[options.rounds];
                for (int round = 0; round < options.rounds; round++) {
                    rates[round] = rate(peer, entry.getValue());
                }
                Arrays.sort(rates);
                System.out.printf(
                        Locale.ROOT,
                        "%-18s %d queues %-12s %10.0f per second%n",
                        name,
                        peer.requestQueues,
                        peer.name,
                        rates[options.rounds / 2]);
            }
        }
    }

    private double rate(BenchPeer peer, Exercises.Preparation preparation) throws IOException {
        int queues = peer.requestQueues;
        int depth = DEPTHS[DEPTHS.length - 1] / queues;
        List<CompletableFuture<Long>> all = new ArrayList<>();
        List<Exercise> exercises = new ArrayList<>();
        for (int i = 0; i < queues; i++) {
            exercises.add(preparation.with(peer.mount, depth));
        }
        long begin = System.nanoTime();
        for (int i = 0; i < queues; i++) {
            Lane lane = peer.mount.lane(i);
            Exercise exercise = exercises.get(i);
            all.add(
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    long nanos = options.burstMillis * 1_000_000;
                                    return Exercises.drive(lane, exercise, depth, nanos);
                                } catch (ErrnoException e) {
                                    throw new UncheckedIOException(e);
                                }
                            },
                            task -> Thread.ofPlatform().start(task)));
        }
        long count = all.stream().mapToLong(CompletableFuture::join).sum();
        return count * 1e9 / (System.nanoTime() - begin);
    }

    // --- printing -----------------------------------------------------------------------------

    private static void printRow(List<Row> rows) {
        StringBuilder line = new StringBuilder();
        Row first = rows.getFirst();
        line.append(String.format(Locale.ROOT, "%-18s %3d", first.exercise, first.depth));
        for (Row row : rows) {
            line.append(
                    String.format(
                            Locale.ROOT,
                            "  %s %8.2f /%8.2f",
                            row.peer,
                            row.cpuMicros,
                            row.wallMicros));
            if (!row.equals(first)) {
                line.append(
                        String.format(Locale.ROOT, " (%4.2f)", first.cpuMicros / row.cpuMicros));
            }
        }
        System.out.println(line);
    }

    private void print(List<Row> rows, List<BenchPeer> peers) throws IOException {
        if (options.json) {
            printJson(rows, peers);
            return;
        }
        for (BenchPeer peer : peers) {
            System.out.println("memory " + peer.name + " " + peer.memoryKib() + " KiB PSS");
            if (!peer.name.equals(OWN)) {
                System.out.printf(
                        Locale.ROOT,
                        "geometric mean of processor time to %s: %.2f, at depth 1 %.2f, at depth 32"
                                + " %.2f, largest %.2f%n",
                        peer.name,
                        mean(rows, peer.name, 0),
                        mean(rows, peer.name, 1),
                        mean(rows, peer.name, 32),
                        ratios(rows, peer.name, 0).max().orElse(0));
            }
        }
        System.out.println("columns: processor time / time, in microseconds (our time to theirs)");
    }

    private static DoubleStream ratios(List<Row> rows, String peer, int depth) {
        return rows.stream()
                .filter(row -> row.peer.equals(peer) && (depth == 0 || row.depth == depth))
                .mapToDouble(row -> own(rows, row).cpuMicros / row.cpuMicros);
    }

    private static Row own(List<Row> rows, Row other) {
        return rows.stream()
                .filter(row ->
                        row.peer.equals(OWN)
                                && row.exercise.equals(other.exercise)
                                && row.depth == other.depth)
                .findFirst()
                .orElseThrow();
    }

    private static double mean(List<Row> rows, String peer, int depth) {
        return Math.exp(ratios(rows, peer, depth).map(Math::log).average().orElse(0));
    }

    private static void printJson(List<Row> rows, List<BenchPeer> peers) throws IOException {
        StringBuilder json = new StringBuilder("{\n  \"rows\": [");
        String divider = "";
        for (Row row : rows) {
            json.append(divider)
                    .append(
                            String.format(
                                    Locale.ROOT,
                                    "%n    {\"exercise\": \"%s\", \"depth\": %d, \"server\":"
                                            + " \"%s\", \"cpuMicros\": %.3f, \"wallMicros\": %.3f}",
                                    row.exercise,
                                    row.depth,
                                    row.peer,
                                    row.cpuMicros,
                                    row.wallMicros));
            divider = ",";
        }
        json.append("\n  ],\n  \"servers\": [");
        divider = "";
        for (BenchPeer peer : peers) {
            json.append(divider)
                    .append(
                            String.format(
                                    Locale.ROOT,
                                    "%n    {\"server\": \"%s\", \"pssKib\": %d}",
                                    peer.name,
                                    peer.memoryKib()));
            divider = ",";
        }
        System.out.println(json.append("\n  ]\n}"));
    }
}
