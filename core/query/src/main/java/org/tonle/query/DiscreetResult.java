package org.tonle.query;

import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.QueryResult;

/**
 * The result of a query of which some is hidden: its errors say nothing of values, because an
 * engine may name one that the principal doesn't see.
 */
final class DiscreetResult implements QueryResult {
    private final QueryResult result;

    DiscreetResult(QueryResult result) {
        this.result = result;
    }

    /** What an engine said, without anything of the data. */
    static LakeException withoutValues(LakeException e) {
        if (e.code() == ErrorCode.CANCELLED || e.code() == ErrorCode.TIMEOUT) {
            return e;
        }
        return new LakeException(
                e.code(),
                (e.code() == ErrorCode.INVALID_VALUE
                                ? "A value made the statement fail"
                                : "The statement failed")
                        + "; which and why isn't said, because part of what it reads is hidden"
                        + " from you",
                e);
    }

    @Override
    public Schema schema() {
        return result.schema();
    }

    @Override
    public boolean next() {
        try {
            return result.next();
        } catch (LakeException e) {
            throw withoutValues(e);
        }
    }

    @Override
    public VectorSchemaRoot batch() {
        return result.batch();
    }

    @Override
    public void cancel() {
        result.cancel();
    }

    @Override
    public void close() {
        result.close();
    }
}
