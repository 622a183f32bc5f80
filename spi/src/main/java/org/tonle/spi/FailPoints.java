package org.tonle.spi;

/**
 * Named steps of ingest, run and commit at which a test can end the process, as a power cut would.
 * In production {@link #NONE} is passed and a point costs one empty call.
 *
 * <p>A point's name is {@code module.step}, for example {@code commit.before-transaction}. Every
 * name that the code can reach is listed beside the class that reaches it, so that a test can prove
 * that it visited them all.
 */
@FunctionalInterface
public interface FailPoints {
    FailPoints NONE = name -> {};

    /** Called when the step that {@code name} stands for is reached; may never return. */
    void reach(String name);
}
