package org.tonle.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One system call on a file or socket in a trace of {@code strace -f -y}.
 *
 * @param path of the file, or {@code socket:[…]}
 * @param text the line on which it began, with the bytes that it was given
 * @param begun the number of that line
 * @param ended the number of the line on which it returned; the largest number if it never did
 * @param failed whether it returned an error
 */
record SystemCall(String name, String path, String text, long begun, long ended, boolean failed) {
    private static final Pattern BEGUN = Pattern.compile("^(\\d+) +(\\w+)\\(\\d+<([^>]*)>");
    private static final Pattern RESUMED = Pattern.compile("^(\\d+) +<\\.\\.\\. \\w+ resumed>");

    boolean isWrite() {
        return !isForce();
    }

    private boolean isForce() {
        return name.equals("fsync") || name.equals("fdatasync");
    }

    /** Whether it put a file on the disk, all of it between two lines. */
    boolean forces(String file, long after, long before) {
        return isForce() && path.equals(file) && !failed && begun > after && ended < before;
    }

    /** The calls of a trace, in the order in which they began. */
    static List<SystemCall> read(Path trace) throws IOException {
        List<SystemCall> calls = new ArrayList<>();
        Map<String, Integer> open = new HashMap<>();
        int number = 0;
        for (String line : Files.readAllLines(trace, StandardCharsets.ISO_8859_1)) {
            number++;
            Matcher begun = BEGUN.matcher(line);
            Matcher resumed = RESUMED.matcher(line);
            if (begun.find()) {
                boolean unfinished = line.endsWith("<unfinished ...>");
                if (unfinished) {
                    open.put(begun.group(1), calls.size());
                }
                calls.add(
                        new SystemCall(
                                begun.group(2),
                                begun.group(3),
                                line,
                                number,
                                unfinished ? Long.MAX_VALUE : number,
                                line.contains(" = -1 ")));
            } else if (resumed.find()) {
                Integer which = open.remove(resumed.group(1));
                if (which != null) {
                    SystemCall call = calls.get(which);
                    calls.set(
                            which,
                            new SystemCall(
                                    call.name(),
                                    call.path(),
                                    call.text(),
                                    call.begun(),
                                    number,
                                    line.contains(" = -1 ")));
                }
            }
        }
        return calls;
    }
}
