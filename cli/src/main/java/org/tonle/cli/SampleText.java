package org.tonle.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceText;
import org.tonle.ingest.InferredColumn;
import org.tonle.ingest.SourceSample;

/** What is shown of a few events of a source. */
record SampleText(SourceDefinition source, SourceSample sample) {
    private static final int SHOWN = 3;
    private static final int LONGEST = 300;

    void printTo(Terminal terminal) throws IOException {
        StringBuilder text = new StringBuilder(summary()).append('\n');
        problems().forEach(problem -> text.append("  ").append(problem).append('\n'));
        if (!sample.columns().isEmpty()) {
            text.append('\n').append(table(terminal));
        }
        if (!sample.events().isEmpty()) {
            text.append('\n');
            sample.events().stream()
                    .limit(SHOWN)
                    .forEach(event -> text.append(cut(event)).append('\n'));
        }
        if (!columns().isEmpty()) {
            text.append('\n').append(columns());
        }
        terminal.out().write(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** The section to paste. */
    String columns() {
        List<Map.Entry<JsonPath, ColumnType>> columns = new ArrayList<>();
        for (InferredColumn column : sample.columns()) {
            columns.add(Map.entry(column.path(), column.type()));
        }
        return SourceText.columns(source, columns);
    }

    String summary() {
        if (sample.read() == 0) {
            return source.name() + ": nothing is there to be read";
        }
        long unread = sample.problems().size();
        return "%s: %d %s read%s"
                .formatted(
                        source.name(),
                        sample.read(),
                        sample.read() == 1 ? "event" : "events",
                        unread == 0 ? "" : ", of which %d can't be used:".formatted(unread));
    }

    /** Each once, the first few. */
    private List<String> problems() {
        return sample.problems().stream().distinct().limit(SHOWN).map(SampleText::cut).toList();
    }

    private String table(Terminal terminal) {
        Map<JsonPath, String> declared =
                source.columns().stream()
                        .collect(
                                Collectors.toMap(
                                        ColumnDefinition::path,
                                        column -> column.type().toString(),
                                        (one, other) -> one));
        TextTable table = new TextTable(List.of("path", "type", "declared", "events", "example"));
        for (InferredColumn column : sample.columns()) {
            table.add(
                    List.of(
                            column.path().toString(),
                            column.type().toString(),
                            Optional.ofNullable(declared.get(column.path())).orElse(""),
                            Long.toString(column.seen()),
                            column.example()));
        }
        return table.print(terminal::bold);
    }

    private static String cut(String line) {
        StringBuilder cut = new StringBuilder();
        line.codePoints()
                .limit(LONGEST)
                .forEach(c -> cut.appendCodePoint(Character.isISOControl(c) ? '·' : c));
        return cut.length() < line.length() ? cut.append('…').toString() : cut.toString();
    }
}
