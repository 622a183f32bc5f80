package org.tonle.server;

import com.linecorp.armeria.common.Flags;
import com.linecorp.armeria.common.util.TransportType;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * The thread that accepts connections. Armeria ends it with Netty's default quiet period of two
 * seconds, which each stop of a lake would wait for; nothing is queued here that needs one.
 */
final class QuickGroup extends MultiThreadIoEventLoopGroup {
    QuickGroup(String name) {
        super(1, new DefaultThreadFactory(name, true), handlers());
    }

    private static IoHandlerFactory handlers() {
        return Flags.transportType() == TransportType.EPOLL
                ? EpollIoHandler.newFactory()
                : NioIoHandler.newFactory();
    }

    @Override
    public Future<?> shutdownGracefully() {
        return shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
