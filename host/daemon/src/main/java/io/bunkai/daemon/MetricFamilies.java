// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Families of metrics in the making, from one scrape. The one user of Prometheus' library, which is
 * loaded with the first of these objects.
 *
 * <p>Labels are names and values by turns. A value may be any text.
 */
final class MetricFamilies {
    /** What the text is, for HTTP. */
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final double MILLIS = 1e3;
    private static final double NANOS = 1e9;

    private final Map<String, CounterSnapshot.Builder> counters = new HashMap<>();
    private final Map<String, GaugeSnapshot.Builder> gauges = new HashMap<>();
    private final Map<String, HistogramSnapshot.Builder> histograms = new HashMap<>();

    /** Adds a number that only grows; {@code _total} is put behind its name. */
    void counter(String name, String help, long value, String... labels) {
        add(name, help, (double) value, labels);
    }

    /** Adds a time that only grows, in seconds; {@code _total} is put behind its name. */
    void time(String name, String help, long nanos, String... labels) {
        add(name, help, nanos / NANOS, labels);
    }

    private void add(String name, String help, double value, String... labels) {
        counters.computeIfAbsent(name, _ -> CounterSnapshot.builder().name(name).help(help))
                .dataPoint(
                        CounterDataPointSnapshot.builder()
                                .value(value)
                                .labels(Labels.of(labels))
                                .build());
    }

    /** Adds a number as it is now. */
    void gauge(String name, String help, long value, String... labels) {
        gauges.computeIfAbsent(name, _ -> GaugeSnapshot.builder().name(name).help(help))
                .dataPoint(
                        GaugeDataPointSnapshot.builder()
                                .value((double) value)
                                .labels(Labels.of(labels))
                                .build());
    }

    /**
     * Adds times, counted by powers of two.
     *
     * @param counts how many took less than 1, 2, 4, ... milliseconds, each without those before;
     *     the last has all others
     * @param nanos all of them together
     */
    void histogram(String name, String help, List<Long> counts, long nanos, String... labels) {
        List<Double> bounds = new ArrayList<>();
        for (int i = 0; i < counts.size() - 1; i++) {
            bounds.add((1L << i) / MILLIS);
        }
        bounds.add(Double.POSITIVE_INFINITY);
        histograms
                .computeIfAbsent(name, _ -> HistogramSnapshot.builder().name(name).help(help))
                .dataPoint(
                        HistogramDataPointSnapshot.builder()
                                .classicHistogramBuckets(ClassicHistogramBuckets.of(bounds, counts))
                                .sum(nanos / NANOS)
                                .labels(Labels.of(labels))
                                .build());
    }

    /** {@return all of them, ordered by name} */
    String text() {
        List<MetricSnapshot> all = new ArrayList<>();
        counters.values().forEach(counter -> all.add(counter.build()));
        gauges.values().forEach(gauge -> all.add(gauge.build()));
        histograms.values().forEach(histogram -> all.add(histogram.build()));
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try {
            PrometheusTextFormatWriter.create().write(text, new MetricSnapshots(all));
        } catch (IOException e) {
            throw new UncheckedIOException("memory can be written to", e);
        }
        return text.toString(StandardCharsets.UTF_8);
    }
}
