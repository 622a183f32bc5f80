package org.tonle.definition;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;

/** Guesses which known word a mistyped one was meant to be. */
final class Nearest {
    private Nearest() {}

    /** "did you mean …?" if one is near, else the list of all. */
    static String hint(String word, Collection<String> known) {
        int allowed = Math.max(2, word.length() / 3);
        return known.stream()
                .filter(k -> distance(word, k) <= allowed)
                .min(Comparator.comparingInt(k -> distance(word, k)))
                .map(k -> "did you mean " + k + "?")
                .orElseGet(() -> "known are " + known.stream().collect(Collectors.joining(", ")));
    }

    /** Levenshtein's, without regard to case. */
    static int distance(String left, String right) {
        String a = left.toLowerCase(Locale.ROOT);
        String b = right.toLowerCase(Locale.ROOT);
        if (Math.abs(a.length() - b.length()) > 10) {
            return Integer.MAX_VALUE;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int swap = a.charAt(i - 1) == b.charAt(j - 1) ? diagonal : diagonal + 1;
                diagonal = row[j];
                row[j] = Math.min(swap, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
