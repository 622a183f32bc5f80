package org.tonle.ingest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.tonle.ledger.Lease;
import org.tonle.ledger.Ledger;

/**
 * Which partitions of a source this process brings to bronze. Repeats of a request meet in one
 * place, so a source with a door is one piece of work; the partitions of an outside topic are
 * shared by the processes that are there. Used by one thread.
 */
final class PartitionLeases {
    private static final Duration TIME = Duration.ofSeconds(10);

    private final Ledger ledger;
    private final String holder;
    private final boolean shared;
    private final String work;
    private final String members;
    private final Map<Integer, Lease> held = new TreeMap<>();
    private Set<Integer> share = Set.of();
    private int partitions;

    PartitionLeases(Ledger ledger, String source, String holder, boolean shared) {
        this.ledger = ledger;
        this.holder = holder;
        this.shared = shared;
        this.work = "ingest/" + source;
        this.members = "ingest-member/" + source + "/";
    }

    /**
     * Takes what falls to this process and is free.
     *
     * @return the partitions; none if it is all in other hands
     */
    Set<Integer> acquire(int partitions) {
        this.partitions = partitions;
        held.clear();
        share = share();
        for (int partition : share) {
            acquireOne(partition).ifPresent(lease -> held.put(partition, lease));
        }
        return shared || held.isEmpty() ? Set.copyOf(held.keySet()) : all();
    }

    private Optional<Lease> acquireOne(int partition) {
        return ledger.acquire(shared ? work + "/" + partition : work, holder, TIME);
    }

    /** Of those that are there, in the order of their names, each takes every n-th partition. */
    private Set<Integer> share() {
        if (!shared) {
            return Set.of(0);
        }
        var unused = ledger.acquire(members + holder, holder, TIME);
        List<String> present = ledger.leases(members).stream().map(Lease::holder).toList();
        int mine = present.indexOf(holder);
        List<Integer> taken = new ArrayList<>();
        for (int partition = 0; partition < partitions && mine >= 0; partition++) {
            if (partition % present.size() == mine) {
                taken.add(partition);
            }
        }
        return Set.copyOf(taken);
    }

    private Set<Integer> all() {
        List<Integer> all = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            all.add(partition);
        }
        return Set.copyOf(all);
    }

    /** What commits of this work are fenced by. */
    List<Lease> leases() {
        return List.copyOf(held.values());
    }

    /**
     * Keeps what is held.
     *
     * @return false if something of it was lost, or another share is to be taken now
     */
    boolean renew() {
        for (Lease lease : held.values()) {
            if (!ledger.renew(lease, TIME)) {
                return false;
            }
        }
        if (!shared) {
            return true;
        }
        Set<Integer> now = share();
        boolean grows = false;
        for (int partition : now) {
            grows |= !held.containsKey(partition) && acquireOne(partition).isPresent();
        }
        return !grows && now.equals(share);
    }

    /** Gives all back, so that others needn't wait. */
    void release() {
        for (Lease lease : held.values()) {
            var unused = ledger.release(lease);
        }
        held.clear();
    }

    /** Gives back the place among those that share, too: this process ends. */
    void leave() {
        release();
        if (shared) {
            for (Lease lease : ledger.leases(members)) {
                if (lease.holder().equals(holder)) {
                    var unused = ledger.release(lease);
                }
            }
        }
    }
}
