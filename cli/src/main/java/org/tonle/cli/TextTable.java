package org.tonle.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Rows with a header as columns of text: numbers to the right, everything else to the left. */
final class TextTable {
    private static final Pattern NUMBER =
            Pattern.compile("-?[0-9][0-9,]*(\\.[0-9]+)?([eE]-?[0-9]+)?");
    private static final int WIDEST = 120;

    private final List<String> header;
    private final List<List<String>> rows = new ArrayList<>();

    TextTable(List<String> header) {
        this.header = header.stream().map(TextTable::oneLine).toList();
    }

    void add(List<String> row) {
        rows.add(row.stream().map(TextTable::oneLine).toList());
    }

    // what isn't printable could move the cursor, or worse
    private static String oneLine(String cell) {
        StringBuilder line = new StringBuilder();
        cell.codePoints()
                .forEach(c -> {
                    switch (c) {
                        case '\n' -> line.append("\\n");
                        case '\r' -> line.append("\\r");
                        case '\t' -> line.append("\\t");
                        default -> line.appendCodePoint(Character.isISOControl(c) ? '·' : c);
                    }
                });
        return length(line.toString()) <= WIDEST
                ? line.toString()
                : line.substring(0, line.offsetByCodePoints(0, WIDEST - 1)) + "…";
    }

    /** Ends with a line break. */
    String print(UnaryOperator<String> headerStyle) {
        int columns = header.size();
        int[] widths = new int[columns];
        boolean[] right = new boolean[columns];
        for (int i = 0; i < columns; i++) {
            int column = i;
            widths[i] = length(header.get(i));
            for (List<String> row : rows) {
                widths[i] = Math.max(widths[i], length(row.get(i)));
            }
            List<String> filled =
                    rows.stream().map(r -> r.get(column)).filter(c -> !c.isEmpty()).toList();
            right[i] =
                    !filled.isEmpty() && filled.stream().allMatch(c -> NUMBER.matcher(c).matches());
        }
        StringBuilder text = new StringBuilder();
        line(text, header, widths, right, headerStyle);
        List<String> rule = new ArrayList<>();
        for (int width : widths) {
            rule.add("─".repeat(width));
        }
        line(text, rule, widths, right, UnaryOperator.identity());
        for (List<String> row : rows) {
            line(text, row, widths, right, UnaryOperator.identity());
        }
        return text.toString();
    }

    private static void line(
            StringBuilder text,
            List<String> cells,
            int[] widths,
            boolean[] right,
            UnaryOperator<String> style) {
        int start = text.length();
        for (int i = 0; i < cells.size(); i++) {
            String pad = " ".repeat(widths[i] - length(cells.get(i)));
            String cell = style.apply(cells.get(i));
            text.append(i == 0 ? "" : "  ").append(right[i] ? pad + cell : cell + pad);
        }
        while (text.length() > start && text.charAt(text.length() - 1) == ' ') {
            text.setLength(text.length() - 1);
        }
        text.append('\n');
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
