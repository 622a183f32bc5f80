package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;

/** Names of tables and columns as policies write them: {@code silver."my.table".id}. */
final class DottedName {
    private DottedName() {}

    /**
     * The parts of a dotted name, where one in double quotes may hold anything; none if it is no
     * name.
     */
    static List<String> parts(String name) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '"' && quoted && i + 1 < name.length() && name.charAt(i + 1) == '"') {
                part.append(c);
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == '.' && !quoted) {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(c);
            }
        }
        parts.add(part.toString());
        return quoted || parts.stream().anyMatch(String::isBlank) ? List.of() : parts;
    }
}
