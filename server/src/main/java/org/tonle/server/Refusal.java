package org.tonle.server;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.ServiceRequestContext;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * Answers before the body is read. The body is thrown away as it comes, for as long as the route
 * allows: a client that only ever finds its stream reset can't know why.
 */
final class Refusal implements Subscriber<HttpObject> {
    static HttpResponse of(ServiceRequestContext ctx, HttpRequest request, Throwable why) {
        return with(ctx, request, Errors.response(why));
    }

    static HttpResponse with(
            ServiceRequestContext ctx, HttpRequest request, AggregatedHttpResponse refusal) {
        ctx.setMaxRequestLength(0);
        request.subscribe(new Refusal());
        return refusal.toHttpResponse();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(HttpObject object) {}

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onComplete() {}
}
