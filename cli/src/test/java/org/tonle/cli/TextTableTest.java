package org.tonle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class TextTableTest {
    @Test
    void numbersStandToTheRightAndTextToTheLeft() {
        TextTable table = new TextTable(List.of("origin", "flights", "größe"));
        table.add(List.of("LAS", "1,200", ""));
        table.add(List.of("X", "7", "-1.5"));

        assertThat(table.print(UnaryOperator.identity()))
                .isEqualTo(
                        """
                        origin  flights  größe
                        ──────  ───────  ─────
                        LAS       1,200
                        X             7   -1.5
                        """);
    }

    @Test
    void aCellCanNeitherBreakTheLineNorReachTheTerminal() {
        TextTable table = new TextTable(List.of("a"));
        table.add(List.of("one\ntwo\t\u001b[31mred"));
        table.add(List.of("x".repeat(200)));

        assertThat(table.print(UnaryOperator.identity()))
                .contains("one\\ntwo\\t·[31mred\n")
                .contains("x".repeat(119) + "…\n");
    }

    @Test
    void csvIsReadAsRfc4180Says() throws Exception {
        Csv csv = new Csv(new StringReader("a,b\n\"x, \"\"y\"\"\nz\",\n,\"\"\r\nlast,1"));

        assertThat(csv.next()).contains(List.of("a", "b"));
        assertThat(csv.next()).contains(List.of("x, \"y\"\nz", ""));
        assertThat(csv.next()).contains(List.of("", ""));
        assertThat(csv.next()).contains(List.of("last", "1"));
        assertThat(csv.next()).isEqualTo(Optional.empty());
    }
}
