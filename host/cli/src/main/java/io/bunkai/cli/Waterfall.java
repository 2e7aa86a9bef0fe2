// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.TraceStep;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * The steps of a start as bars on one axis of time: which came after which, and which one to blame.
 * Steps are printed as they come.
 */
final class Waterfall {
    private static final int DEFAULT_WIDTH = 100;
    private static final int LEAST_BAR_WIDTH = 20;
    private static final int MOST_BAR_WIDTH = 72;
    private static final int TIME_WIDTH = 9;
    private static final int GAP = 2;
    private static final double MICROS_PER_MILLI = 1_000;
    private static final double MICROS_PER_SECOND = 1_000_000;
    private static final String RESET = "\033[0m";
    private static final String HOST = "\033[34m";
    private static final String GUEST = "\033[32m";

    /** An eighth of a cell more with each. */
    private static final String EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588";

    private final int width;
    private final boolean colours;
    private final boolean unicode;
    private final boolean details;

    /**
     * Decides how to draw.
     *
     * @param width of the terminal; 0 if it is not known
     */
    Waterfall(int width, boolean colours, boolean unicode, boolean details) {
        this.width = width == 0 ? DEFAULT_WIDTH : width;
        this.colours = colours;
        this.unicode = unicode;
        this.details = details;
    }

    static long totalMicros(List<TraceStep> steps) {
        return steps.stream().mapToLong(TraceStep::getEndMicros).max().orElse(0);
    }

    void print(List<TraceStep> steps, PrintStream out) {
        long total = totalMicros(steps);
        int names = "STEP".length();
        for (TraceStep step : steps) {
            names = Math.max(names, Texts.printable(step.getName()).length());
        }
        int columnsBefore = names + GAP + "guest".length() + GAP + 2 * (TIME_WIDTH + GAP);
        int bars = Math.clamp(width - columnsBefore, LEAST_BAR_WIDTH, MOST_BAR_WIDTH);
        out.println("total " + time(total));
        out.println();
        String heading = "%-" + names + "s  %-5s  %" + TIME_WIDTH + "s  %" + TIME_WIDTH + "s";
        out.println(heading.formatted("STEP", "SIDE", "BEGIN", "TIME"));
        for (TraceStep step : steps) {
            long begin = Math.max(0, step.getBeginMicros());
            long end = Math.max(begin, step.getEndMicros());
            String columns =
                    heading.formatted(
                            Texts.printable(step.getName()),
                            Texts.printable(step.getSide()),
                            time(begin),
                            time(end - begin));
            String bar = bar(begin, end, Math.max(1, total), bars);
            out.println((columns + "  " + coloured(bar, step.getSide())).stripTrailing());
            if (details && !step.getDetail().isEmpty()) {
                out.println("    " + Texts.printable(step.getDetail()));
            }
        }
    }

    private String coloured(String bar, String side) {
        if (!colours) {
            return bar;
        }
        return (side.equals("guest") ? GUEST : HOST) + bar + RESET;
    }

    /** Every step leaves a mark, however short it was. */
    private String bar(long begin, long end, long total, int cells) {
        if (!unicode) {
            int from = Math.min((int) (begin * cells / total), cells - 1);
            int to = Math.clamp(Math.ceilDiv(end * cells, total), from + 1, cells);
            return " ".repeat(from) + "#".repeat(to - from);
        }
        // In eighths of a cell. A block can only be filled from its left edge, so the bar begins at
        // a whole cell.
        int eighths = cells * 8;
        int from = Math.min((int) (begin * eighths / total), eighths - 1) / 8 * 8;
        int to = Math.clamp(Math.ceilDiv(end * eighths, total), from + 1, eighths);
        int full = (to - from) / 8;
        int rest = (to - from) % 8;
        StringBuilder bar = new StringBuilder();
        bar.repeat(' ', from / 8).repeat(EIGHTHS.charAt(8), full);
        if (rest > 0) {
            bar.append(EIGHTHS.charAt(rest));
        }
        return bar.toString();
    }

    private static String time(long micros) {
        return micros >= MICROS_PER_SECOND
                ? String.format(Locale.ROOT, "%.3f s", micros / MICROS_PER_SECOND)
                : String.format(Locale.ROOT, "%.1f ms", micros / MICROS_PER_MILLI);
    }
}
