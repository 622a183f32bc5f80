package org.tonle.query;

import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** The queries that wait or run now. Thread-safe. */
final class QueryList {
    private final Clock clock;
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();

    QueryList(Clock clock) {
        this.clock = clock;
    }

    /** One query, until it is closed. */
    final class Entry implements AutoCloseable {
        private final ActiveQuery query;
        private final Thread worker = Thread.currentThread();
        private boolean over;
        private boolean cancelled;

        private Entry(ActiveQuery query) {
            this.query = query;
        }

        private synchronized void cancel() {
            if (!over) {
                cancelled = true;
                worker.interrupt();
            }
        }

        @Override
        public void close() {
            entries.remove(query.id(), this);
            synchronized (this) {
                over = true;
                if (cancelled) {
                    // it was meant for the query, which is over
                    boolean unused = Thread.interrupted();
                }
            }
        }
    }

    /** A query that the calling thread works on: cancelling it interrupts the thread. */
    Entry add(String id, Principal principal, String sql) {
        Entry entry = new Entry(new ActiveQuery(id, principal.name(), sql, clock.instant()));
        entries.put(id, entry);
        return entry;
    }

    /** Those that a principal may cancel, the oldest first. */
    List<ActiveQuery> of(Principal principal) {
        return entries.values().stream()
                .map(entry -> entry.query)
                .filter(query -> mayCancel(principal, query))
                .sorted(Comparator.comparing(ActiveQuery::since).thenComparing(ActiveQuery::id))
                .toList();
    }

    void cancel(String id, Principal principal) {
        Entry entry = entries.get(id);
        if (entry == null || !mayCancel(principal, entry.query)) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "No query of yours that waits or runs is called " + id + "; it may have ended");
        }
        entry.cancel();
    }

    private static boolean mayCancel(Principal principal, ActiveQuery query) {
        return principal.isAdmin() || query.principal().equals(principal.name());
    }
}
