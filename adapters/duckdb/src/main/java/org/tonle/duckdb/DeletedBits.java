package org.tonle.duckdb;

import java.sql.SQLException;
import java.util.Base64;
import java.util.BitSet;
import java.util.Collection;
import org.tonle.catalog.DeletedRows;
import org.tonle.sql.DataFile;
import org.tonle.sql.Inputs;

/**
 * Which rows of a file are deleted, as a variable of the session that holds a bit for each row of
 * the file. Asking it costs the same however many there are; a join with their positions doesn't.
 */
final class DeletedBits {
    /** The column that counts a file's rows from 0. */
    static final String POSITION = "file_row_number";

    /** The column that names a row's file. */
    static final String FILE = "filename";

    private DeletedBits() {}

    /** True for the rows that are left; an error where the variable isn't {@link #bind bound}. */
    static String left(DeletedRows deleted) {
        String bits = "getvariable(" + DuckTypes.text(variable(deleted)) + ")";
        // of an unknown variable NULL would come, and no row be left
        return "CASE WHEN "
                + bits
                + " IS NULL THEN error('nobody said which rows are deleted')::BOOLEAN"
                + " ELSE get_bit("
                + bits
                + ", "
                + POSITION
                + "::INTEGER) <> 1 END";
    }

    /** Makes what is deleted of the inputs known to the statements of a session. */
    static void bind(Session session, Inputs inputs) {
        bind(session, inputs, DeletedBits::bits);
    }

    /** Enough for a plan, which shows the bits otherwise. */
    static void bindForPlan(Session session, Inputs inputs) {
        bind(session, inputs, file -> "'0'");
    }

    private static void bind(
            Session session, Inputs inputs, java.util.function.Function<DataFile, String> bits) {
        session.call(() -> {
            for (DataFile file :
                    inputs.files().values().stream().flatMap(Collection::stream).toList()) {
                if (file.deleted().isPresent()) {
                    set(session, file.deleted().get(), bits.apply(file));
                }
            }
            return true;
        });
    }

    private static void set(Session session, DeletedRows deleted, String bits) throws SQLException {
        session.execute(
                "SET VARIABLE " + DuckTypes.name(variable(deleted)) + " = " + bits + "::BIT");
    }

    private static String variable(DeletedRows deleted) {
        return "deleted by " + deleted.name();
    }

    private static String bits(DataFile file) {
        BitSet positions = file.deleted().orElseThrow().positions();
        byte[] bits = new byte[Math.toIntExact((file.records() + 7) / 8)];
        byte[] lowestFirst = positions.toByteArray();
        for (int i = 0; i < lowestFirst.length; i++) {
            bits[i] = (byte) (Integer.reverse(lowestFirst[i]) >>> 24);
        }
        return "from_base64('" + Base64.getEncoder().encodeToString(bits) + "')";
    }
}
