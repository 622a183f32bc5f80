package org.tonle.query;

/** Is told what becomes of a query. Only what it is told first counts. */
interface QueryObserver {
    /** All rows were taken. */
    void finished(long rows);

    /** It was refused, or ended before its last row. */
    void failed(Throwable error, long rows);

    /** Whoever asked took no more rows. */
    void left(long rows);
}
