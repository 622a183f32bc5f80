package org.tonle.ingest;

import java.util.Random;

/**
 * Random JSON texts with what parsers trip over: escapes, long strings, odd spaces, every number.
 */
final class RandomJson {
    private final Random random;

    RandomJson(Random random) {
        this.random = random;
    }

    String value(int depth) {
        return switch (random.nextInt(depth > 4 ? 6 : 9)) {
            case 0 -> "null";
            case 1 -> random.nextBoolean() ? "true" : "false";
            case 2, 3 -> number();
            case 4, 5 -> string();
            case 6 -> array(depth);
            default -> object(depth);
        };
    }

    String object(int depth) {
        StringBuilder text = new StringBuilder("{");
        int members = random.nextInt(5);
        for (int i = 0; i < members; i++) {
            text.append(i == 0 ? "" : ",").append(space()).append(string()).append(space());
            text.append(':').append(space()).append(value(depth + 1)).append(space());
        }
        return text.append(members == 0 ? space() : "").append('}').toString();
    }

    private String array(int depth) {
        StringBuilder text = new StringBuilder("[");
        int elements = random.nextInt(5);
        for (int i = 0; i < elements; i++) {
            text.append(i == 0 ? "" : ",").append(space()).append(value(depth + 1)).append(space());
        }
        return text.append(elements == 0 ? space() : "").append(']').toString();
    }

    private String number() {
        StringBuilder text = new StringBuilder(random.nextBoolean() ? "-" : "");
        text.append(random.nextInt(3) == 0 ? "0" : Integer.toString(1 + random.nextInt(99999)));
        if (random.nextInt(3) == 0) {
            text.append('.').append(random.nextInt(1000));
        }
        if (random.nextInt(4) == 0) {
            text.append(random.nextBoolean() ? 'e' : 'E');
            text.append(new String[] {"", "+", "-"}[random.nextInt(3)]).append(random.nextInt(40));
        }
        return text.toString();
    }

    String string() {
        StringBuilder text = new StringBuilder("\"");
        int length = random.nextInt(4) == 0 ? random.nextInt(40) : random.nextInt(10);
        for (int i = 0; i < length; i++) {
            text.append(character());
        }
        return text.append('"').toString();
    }

    private String character() {
        return switch (random.nextInt(20)) {
            case 0 -> "\\" + "\"\\/bfnrt".charAt(random.nextInt(8));
            case 1 -> "\\u%04x".formatted(random.nextInt(0xd800));
            case 2 -> "\\uD83D\\uDE00";
            case 3 -> Character.toString(0x80 + random.nextInt(0x700));
            case 4 -> Character.toString(0x4e00 + random.nextInt(0x1000));
            case 5 -> Character.toString(0x1f600 + random.nextInt(60));
            default -> Character.toString('a' + random.nextInt(26));
        };
    }

    private String space() {
        return random.nextInt(3) == 0 ? " \n\r\t".substring(random.nextInt(4)) : "";
    }
}
