package org.tonle.contracts;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Statements and their answers in files, in the manner of sqllogictest: {@code query}, the
 * statement, {@code ----}, the rows, an empty line; or {@code error CODE} and the statement.
 */
final class SqlFiles {
    private SqlFiles() {}

    /**
     * One statement of a file.
     *
     * @param error the code it is refused with, or empty
     * @param rows its rows in order, values parted by a bar
     */
    record Case(String file, int line, String sql, String error, List<String> rows) {
        @Override
        public String toString() {
            return file + ":" + line + " " + sql;
        }
    }

    /** All statements of a resource below {@code /sql}. */
    static List<Case> read(String file) {
        List<Case> cases = new ArrayList<>();
        try (InputStream in = SqlFiles.class.getResourceAsStream("/sql/" + file)) {
            if (in == null) {
                throw new IllegalArgumentException("There is no file " + file);
            }
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            int number = 0;
            String line;
            while ((line = lines.readLine()) != null) {
                number++;
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                int begun = number;
                String error = "";
                if (line.startsWith("error ")) {
                    error = line.substring(6).strip();
                } else if (!line.equals("query")) {
                    throw new IllegalArgumentException(
                            file + ":" + number + ": 'query' or 'error CODE' comes here");
                }
                List<String> sql = new ArrayList<>();
                List<String> rows = new ArrayList<>();
                List<String> part = sql;
                while ((line = lines.readLine()) != null) {
                    number++;
                    if (line.equals("----")) {
                        part = rows;
                    } else if (line.isEmpty()) {
                        break;
                    } else {
                        part.add(line);
                    }
                }
                cases.add(new Case(file, begun, String.join("\n", sql), error, rows));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return cases;
    }
}
