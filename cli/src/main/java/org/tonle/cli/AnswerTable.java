package org.tonle.cli;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The rows of an answer as a table for people: the rows to stdout, how many there are to stderr.
 */
final class AnswerTable {
    private static final int SHOWN = 10_000;

    private final Terminal terminal;

    AnswerTable(Terminal terminal) {
        this.terminal = terminal;
    }

    /**
     * Prints what the lake answers.
     *
     * @throws ConnectException if there is no lake
     * @throws IOException if the answer was broken off
     */
    void print(LakeClient client, String url, String statement) throws IOException {
        PipedOutputStream out = new PipedOutputStream();
        try (PipedInputStream in = new PipedInputStream(out, 64 << 10)) {
            CompletableFuture<Void> sent =
                    CompletableFuture.runAsync(
                            () -> {
                                try (out) {
                                    client.query(url, statement, "text/csv", out);
                                } catch (IOException e) {
                                    throw new CompletionException(e);
                                }
                            },
                            Thread::startVirtualThread);
            Csv csv = new Csv(new InputStreamReader(in, StandardCharsets.UTF_8));
            Optional<List<String>> header = csv.next();
            if (header.isPresent()) {
                TextTable table = new TextTable(header.get());
                int rows = 0;
                Optional<List<String>> row = csv.next();
                for (; row.isPresent() && rows < SHOWN; row = csv.next(), rows++) {
                    table.add(row.get());
                }
                boolean more = row.isPresent();
                if (!more) {
                    finish(sent);
                }
                terminal.out().write(table.print(terminal::bold).getBytes(StandardCharsets.UTF_8));
                terminal.err()
                        .println(
                                more
                                        ? "the first %,d rows; --format csv gives all"
                                                .formatted(rows)
                                        : rows == 1 ? "1 row" : "%,d rows".formatted(rows));
            } else {
                finish(sent);
            }
        }
    }

    private static void finish(CompletableFuture<Void> sent) throws IOException {
        try {
            sent.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case null, default -> throw e;
            }
        }
    }
}
