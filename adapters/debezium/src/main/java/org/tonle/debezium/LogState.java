package org.tonle.debezium;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * How far a database's log was taken: what stands in a mark.
 *
 * @param slot the replication slot that was read
 * @param system the server's identifier of its data
 * @param timeline of the server's log, another one after each failover; 0 if that wasn't noted
 * @param tables whose rows were taken, {@code schema.table}, each with what it and its place in the
 *     publication are known by: with others, changes may have been made that nobody was told
 * @param phase what has been read
 * @param lsn behind the last transaction that was read to its end; reading goes on from there
 * @param base the number under which the last unit was read: a transaction, or a snapshot
 * @param index how many changes of that unit were taken
 * @param open whether that unit goes on
 * @param replaced slots that were read before, each with the place behind the last transaction that
 *     was taken by it: nobody reads them any more, and the server keeps its log for them until they
 *     are dropped
 */
record LogState(
        String slot,
        String system,
        int timeline,
        Map<String, String> tables,
        Phase phase,
        long lsn,
        long base,
        long index,
        boolean open,
        Map<String, Long> replaced) {
    enum Phase {
        /** The slot is about to be made; nothing was read yet. */
        BEGINNING,
        /** What the tables hold is being read; a crash begins anew. */
        SNAPSHOT,
        /** Changes. */
        STREAM
    }

    private static final JsonFactory JSON = new JsonFactory();

    LogState {
        tables = Map.copyOf(tables);
        replaced = Map.copyOf(replaced);
    }

    /** A place as a text: greater as a text the later it is. */
    static String position(long base, long index) {
        return "%016x-%010d".formatted(base, index);
    }

    /** The same, of tables that are these. */
    LogState withTables(Map<String, String> others) {
        return new LogState(
                slot, system, timeline, others, phase, lsn, base, index, open, replaced);
    }

    /** The same, on the timeline that the server is on now. */
    LogState withTimeline(int now) {
        return new LogState(slot, system, now, tables, phase, lsn, base, index, open, replaced);
    }

    /** The same, behind slots that are these. */
    LogState withReplaced(Map<String, Long> others) {
        return new LogState(slot, system, timeline, tables, phase, lsn, base, index, open, others);
    }

    /** The same, so much further. */
    LogState with(Phase nextPhase, long nextLsn, long nextBase, long nextIndex, boolean nextOpen) {
        return new LogState(
                slot, system, timeline, tables, nextPhase, nextLsn, nextBase, nextIndex, nextOpen,
                replaced);
    }

    String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("slot", slot);
            json.writeStringField("system", system);
            json.writeNumberField("timeline", timeline);
            json.writeStringField("phase", phase.name());
            json.writeNumberField("lsn", lsn);
            json.writeNumberField("base", base);
            json.writeNumberField("index", index);
            json.writeBooleanField("open", open);
            json.writeObjectFieldStart("tables");
            for (Map.Entry<String, String> table : new TreeMap<>(tables).entrySet()) {
                json.writeStringField(table.getKey(), table.getValue());
            }
            json.writeEndObject();
            if (!replaced.isEmpty()) {
                json.writeObjectFieldStart("replaced");
                for (Map.Entry<String, Long> old : new TreeMap<>(replaced).entrySet()) {
                    json.writeNumberField(old.getKey(), old.getValue());
                }
                json.writeEndObject();
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /**
     * What {@link #toJson} wrote.
     *
     * @throws LakeException INCOMPATIBLE_CHANGE if it is something else
     */
    static LogState of(String text) {
        String slot = "";
        String system = "";
        int timeline = 0;
        Map<String, String> tables = new TreeMap<>();
        Phase phase = Phase.BEGINNING;
        long lsn = 0;
        long base = 0;
        long index = 0;
        boolean open = false;
        Map<String, Long> replaced = new TreeMap<>();
        try (JsonParser json = JSON.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("no object");
            }
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "slot" -> slot = json.getText();
                    case "system" -> system = json.getText();
                    case "timeline" -> timeline = json.getIntValue();
                    case "phase" -> phase = Phase.valueOf(json.getText());
                    case "lsn" -> lsn = json.getLongValue();
                    case "base" -> base = json.getLongValue();
                    case "index" -> index = json.getLongValue();
                    case "open" -> open = json.getBooleanValue();
                    case "tables" -> {
                        while (json.nextToken() != JsonToken.END_OBJECT) {
                            String table = json.currentName();
                            json.nextToken();
                            tables.put(table, json.getText());
                        }
                    }
                    case "replaced" -> {
                        while (json.nextToken() != JsonToken.END_OBJECT) {
                            String old = json.currentName();
                            json.nextToken();
                            replaced.put(old, json.getLongValue());
                        }
                    }
                    default -> throw new IOException("unknown " + name);
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new LakeException(
                    ErrorCode.INCOMPATIBLE_CHANGE,
                    "The lake's mark in the database's log, %s, was written by another version of Tonle. Start that one."
                            .formatted(text),
                    e);
        }
        return new LogState(
                slot, system, timeline, tables, phase, lsn, base, index, open, replaced);
    }
}
