package org.tonle.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a lake stop in its own order when the process is asked to end (SIGTERM, SIGINT, SIGHUP).
 * Shutdown hooks are no place for it: they run beside those of libraries, and a commit in flight
 * would find its worker pools gone.
 *
 * <p>The JDK's signals are in {@code sun.misc}, which the compiler only takes with a warning that
 * can't be switched off; hence the reflection.
 */
final class Signals {
    /** SIGTERM ends the process within 15 s, whatever hangs. */
    private static final long LONGEST_STOP_MILLIS = 14_000;

    /** One that comes so soon is of the same wish: timeout(1) and terminals send them in pairs. */
    private static final long PAIR_NANOS = 2_000_000_000;

    private final CountDownLatch asked = new CountDownLatch(1);
    private long askedNanos;

    /**
     * From now on signals are kept for {@link #await}. A second one, two seconds later or more,
     * ends the process at once.
     */
    static Signals install() {
        Signals signals = new Signals();
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            signals.handle(name);
        }
        return signals;
    }

    private void handle(String name) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy =
                    Proxy.newProxyInstance(
                            Signals.class.getClassLoader(),
                            new Class<?>[] {handler},
                            (self, method, args) ->
                                    switch (method.getName()) {
                                        case "hashCode" -> System.identityHashCode(self);
                                        case "equals" -> args != null && self == args[0];
                                        case "toString" -> "signal handler";
                                        default -> {
                                            stop();
                                            yield null;
                                        }
                                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
        } catch (InvocationTargetException e) {
            // the JVM was started with -Xrsig or uses the signal itself; then its default holds
            if (!(e.getCause() instanceof IllegalArgumentException)) {
                throw new IllegalStateException("can't handle SIG" + name, e);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JDK has no jdk.unsupported module", e);
        }
    }

    private synchronized void stop() {
        long now = System.nanoTime();
        if (asked.getCount() == 0) {
            if (now - askedNanos >= PAIR_NANOS) {
                Runtime.getRuntime().halt(130);
            }
            return;
        }
        askedNanos = now;
        asked.countDown();
        Thread.ofPlatform()
                .daemon()
                .name("longest stop")
                .start(() -> {
                    try {
                        TimeUnit.MILLISECONDS.sleep(LONGEST_STOP_MILLIS);
                        Runtime.getRuntime().halt(Exit.FAILED);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
    }

    boolean asked() {
        return asked.getCount() == 0;
    }

    /** Interrupts a thread when the process is asked to end, also if it was already. */
    void interrupt(Thread thread) {
        Thread.startVirtualThread(() -> {
            try {
                await();
                thread.interrupt();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Waits until the process is asked to end. */
    void await() throws InterruptedException {
        asked.await();
    }
}
