package org.tonle.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A fenced block of a document, and what its info string says is to be done with it.
 *
 * @param place {@code file:line} of its text's first line
 */
record DocExample(String place, Kind kind, String argument, String text) {
    /** See CONTRIBUTING.md. */
    enum Kind {
        /** {@code sh}: each command is run. */
        COMMANDS,
        /** {@code text output}: what the command before printed. */
        OUTPUT,
        /** {@code text output numbers}: the same but for the numbers. */
        OUTPUT_BUT_NUMBERS,
        /** {@code yaml FILE}, {@code sql FILE}: a file of the lake from now on. */
        LAKE_FILE,
        /** {@code yaml check FILE}: a file that {@code validate} takes, in a lake of its own. */
        CHECKED_FILE,
        /** {@code sql}: asked of the running lake. */
        QUERY,
        /** {@code text}, {@code sh not-run}: shown only. */
        SHOWN
    }

    /** All of a document, in order. */
    static List<DocExample> of(Path document) throws IOException {
        List<DocExample> examples = new ArrayList<>();
        String info = null;
        int first = 0;
        StringBuilder text = new StringBuilder();
        List<String> lines = Files.readAllLines(document);
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (!line.startsWith("```")) {
                text.append(line).append('\n');
            } else if (info == null) {
                info = line.substring(3).strip();
                first = i + 2;
                text.setLength(0);
            } else {
                String place = document.getFileName() + ":" + first;
                examples.add(example(place, info, text.toString()));
                info = null;
            }
        }
        return examples;
    }

    private static DocExample example(String place, String info, String text) {
        String last = info.substring(info.lastIndexOf(' ') + 1);
        return switch (info) {
            case "sh" -> new DocExample(place, Kind.COMMANDS, "", text);
            case "sh not-run", "text" -> new DocExample(place, Kind.SHOWN, "", text);
            case "text output" -> new DocExample(place, Kind.OUTPUT, "", text);
            case "text output numbers" -> new DocExample(place, Kind.OUTPUT_BUT_NUMBERS, "", text);
            case "sql" -> new DocExample(place, Kind.QUERY, "", text);
            default -> {
                if (info.matches("(yaml|sql) [a-z/.]+")) {
                    yield new DocExample(place, Kind.LAKE_FILE, last, text);
                }
                if (info.matches("yaml check [a-z/.]+")) {
                    yield new DocExample(place, Kind.CHECKED_FILE, last, text);
                }
                throw new AssertionError(
                        "%s: nobody knows what to do with a block of \"%s\"; CONTRIBUTING.md lists what there is"
                                .formatted(place, info));
            }
        };
    }

    /** Commands, a continued one as one. */
    List<String> commands() {
        return text.replace("\\\n", " ")
                .lines()
                .map(line -> line.replaceFirst("\\s+# .*$", "").strip())
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList();
    }
}
