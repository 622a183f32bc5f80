package org.tonle.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;

/** Named in {@code logback.xml}: our own loggers have an appender of their own. */
public final class NotOurs extends Filter<ILoggingEvent> {
    @Override
    public FilterReply decide(ILoggingEvent event) {
        return event.getLoggerName().startsWith("org.tonle.")
                ? FilterReply.DENY
                : FilterReply.NEUTRAL;
    }
}
