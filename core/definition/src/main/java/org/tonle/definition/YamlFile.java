package org.tonle.definition;

import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * Reads one YAML file as a mapping with places. The parser's events are walked once before a tree
 * is built from them: anchors, aliases, several documents and deep nesting end there, so that
 * neither an alias bomb nor a million brackets reach the recursive part of the library.
 */
final class YamlFile {
    private static final int MAX_DEPTH = 16;

    private final String file;
    private final Problems problems;

    YamlFile(String file, Problems problems) {
        this.file = file;
        this.problems = problems;
    }

    /**
     * The mapping at the top; empty if the file is blank, or not readable (then it was reported).
     */
    Optional<MappingNode> read(String text) {
        LoadSettings settings =
                LoadSettings.builder()
                        .setLabel(file)
                        .setUseMarks(true)
                        .setAllowNonScalarKeys(true)
                        .build();
        try {
            if (!plain(new Parse(settings).parseString(text))) {
                return Optional.empty();
            }
            Optional<Node> root = new Compose(settings).composeString(text);
            if (root.isEmpty()) {
                return Optional.empty();
            }
            if (root.get() instanceof MappingNode mapping) {
                return Optional.of(mapping);
            }
            problems.add(
                    place(file, root.get()),
                    "",
                    "the file has to hold keys with values, each on its own line as key: value");
        } catch (MarkedYamlEngineException e) {
            problems.add(
                    e.getProblemMark().map(m -> place(file, m)).orElse(Place.startOf(file)),
                    "",
                    "not readable as YAML: " + e.getProblem());
        } catch (ReaderException e) {
            problems.add(
                    at(text, e.getPosition()),
                    "",
                    "a character that YAML doesn't allow, of code " + e.getCodePoint());
        } catch (YamlEngineException e) {
            problems.add(Place.startOf(file), "", "not readable as YAML: " + e.getMessage());
        }
        return Optional.empty();
    }

    private boolean plain(Iterable<Event> events) {
        int depth = 0;
        int documents = 0;
        for (Event event : events) {
            switch (event.getEventId()) {
                case SequenceStart, MappingStart -> depth++;
                case SequenceEnd, MappingEnd -> depth--;
                default -> {}
            }
            if (depth > MAX_DEPTH) {
                return refuse(event, "nested deeper than any definition needs");
            }
            if (event instanceof DocumentStartEvent && ++documents > 1) {
                return refuse(event, "a second document; give it a file of its own");
            }
            if (event instanceof AliasEvent
                    || (event instanceof NodeEvent node && node.getAnchor().isPresent())) {
                return refuse(event, "anchors and aliases aren't supported; write the value out");
            }
        }
        return true;
    }

    private boolean refuse(Event event, String message) {
        problems.add(
                event.getStartMark().map(m -> place(file, m)).orElse(Place.startOf(file)),
                "",
                message);
        return false;
    }

    private Place at(String text, int codePoint) {
        int line = 1;
        int column = 1;
        for (int i = 0, seen = 0; i < text.length() && seen < codePoint; seen++) {
            int c = text.codePointAt(i);
            line += c == '\n' ? 1 : 0;
            column = c == '\n' ? 1 : column + 1;
            i += Character.charCount(c);
        }
        return new Place(file, line, column);
    }

    static Place place(String file, Node node) {
        return node.getStartMark().map(m -> place(file, m)).orElse(Place.startOf(file));
    }

    private static Place place(String file, Mark mark) {
        return new Place(file, mark.getLine() + 1, mark.getColumn() + 1);
    }
}
