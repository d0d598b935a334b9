package io.blockseal.control;

import io.blockseal.job.Job;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.JobState;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.EventExecutor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From method and path to what is meant (docs/control.md). On the control loop. */
final class ControlRoutes {
    private static final Pattern JOB = Pattern.compile("/v1/jobs/(\\d{1,18})");
    private static final Pattern JOB_RESULT = Pattern.compile("/v1/jobs/(\\d{1,18})/result");
    private static final Pattern JOB_ORDER = Pattern.compile("/v1/jobs/(\\d{1,18})/(pause|resume|cancel)");
    private static final Pattern SECONDS = Pattern.compile("(\\d{1,4})s?");
    private static final int WAIT_SECONDS_MAX = 60;

    private final Caller caller;
    private final ControlTarget target;

    private ControlRoutes(Caller caller, ControlTarget target) {
        this.caller = caller;
        this.target = target;
    }

    /** The answer, now or later; {@code body} is the caller's, who wipes it as soon as this returns. */
    static CompletableFuture<ControlAnswer> answer(
            HttpMethod method, String uri, byte[] body, Caller caller, ControlTarget target, EventExecutor loop) {
        QueryStringDecoder query;
        List<String> path;
        try {
            query = new QueryStringDecoder(uri);
            path = List.of(query.rawPath().substring(1).split("/", -1)).stream()
                    .map(part -> QueryStringDecoder.decodeComponent(part.replace("+", "%2B")))
                    .toList();
            return new ControlRoutes(caller, target).route(method, query, path, body, loop);
        } catch (IllegalArgumentException | IndexOutOfBoundsException wrong) {
            return now(Refusals.of(400, "the request's path makes no sense"));
        }
    }

    private CompletableFuture<ControlAnswer> route(
            HttpMethod method, QueryStringDecoder query, List<String> path, byte[] body, EventExecutor loop) {
        boolean get = method.equals(HttpMethod.GET);
        if (!get && !method.equals(HttpMethod.POST)) {
            return now(Refusals.of(405, "there are GET and POST"));
        }
        String raw = query.rawPath();
        Matcher job = JOB.matcher(raw);
        Matcher order = JOB_ORDER.matcher(raw);
        Matcher result = JOB_RESULT.matcher(raw);
        if (get && raw.equals("/v1/volumes")) {
            return now(ControlAnswer.of(target.volumes()));
        }
        if (!get && raw.equals("/v1/reload")) {
            return target.reload(caller);
        }
        if (get && raw.equals("/v1/jobs")) {
            return now(ControlAnswer.of(JobText.list(target.jobs().list())));
        }
        if (get && result.matches()) {
            return now(result(Long.parseLong(result.group(1))));
        }
        if (get && job.matches()) {
            return job(Long.parseLong(job.group(1)), query.parameters(), loop);
        }
        if (!get && order.matches()) {
            return order(Long.parseLong(order.group(1)), order.group(2));
        }
        boolean volume =
                path.size() >= 3 && path.get(0).equals("v1") && path.get(1).equals("volumes");
        if (volume && get && path.size() == 3) {
            return call(path.get(2), "info", body, false);
        }
        if (volume && !get && path.size() == 4) {
            return call(path.get(2), path.get(3), body, true);
        }
        return now(Refusals.of(
                404,
                "there is no " + method + " of this path; there are GET /v1/volumes, GET /v1/volumes/EXPORT,"
                        + " POST /v1/volumes/EXPORT/VERB, POST /v1/reload, GET /v1/jobs, GET /v1/jobs/ID and"
                        + " POST /v1/jobs/ID/(pause|resume|cancel)"));
    }

    private CompletableFuture<ControlAnswer> call(String volume, String verb, byte[] body, boolean acts) {
        Arguments arguments;
        try {
            arguments = Arguments.parse(body);
        } catch (ArgumentException wrong) {
            return now(Refusals.of(400, String.valueOf(wrong.getMessage())));
        }
        return target.call(volume, verb, arguments, caller, acts);
    }

    private CompletableFuture<ControlAnswer> order(long id, String what) {
        try {
            return CompletableFuture.supplyAsync(() -> done(id, what), target.orders());
        } catch (RejectedExecutionException full) {
            return now(Refusals.of(503, "the daemon stops, or has too many orders waiting; try again"));
        }
    }

    private ControlAnswer done(long id, String what) {
        target.audit(caller, true, "job-" + what + " " + id);
        try {
            Job job =
                    switch (what) {
                        case "pause" -> target.jobs().pause(id);
                        case "resume" -> target.jobs().resume(id);
                        default -> target.jobs().cancel(id);
                    };
            return ControlAnswer.of(JobText.one(job));
        } catch (JobRefusedException refused) {
            return target.failure(refused);
        }
    }

    private CompletableFuture<ControlAnswer> job(long id, Map<String, List<String>> query, EventExecutor loop) {
        try {
            long since = number(query.getOrDefault("since", List.of("0")).get(0));
            Matcher wait =
                    SECONDS.matcher(query.getOrDefault("wait", List.of("0")).get(0));
            if (!wait.matches()) {
                return now(Refusals.of(400, "'wait' is a number of seconds: wait=30s"));
            }
            CompletableFuture<Job> next = target.jobs().next(id, since);
            int seconds = Math.min(WAIT_SECONDS_MAX, Integer.parseInt(wait.group(1)));
            if (next.isDone() || seconds == 0) {
                next.cancel(false);
                return now(ControlAnswer.of(JobText.one(target.jobs().get(id))));
            }
            Future<?> limit = loop.schedule(() -> next.cancel(false), seconds, TimeUnit.SECONDS);
            return next.handle((changed, overdue) -> {
                limit.cancel(false);
                return current(id);
            });
        } catch (JobRefusedException refused) {
            return now(target.failure(refused));
        }
    }

    /** What it said at its end, as a short verb's answer. */
    private ControlAnswer result(long id) {
        try {
            Job job = target.jobs().get(id);
            JobOutcome outcome = job.outcome();
            if (outcome == null) {
                return Refusals.of(409, "job " + id + " is " + job.state().word() + "; it has no result yet");
            }
            // Work that found what it was to look for has answered, however it ends.
            boolean failed = job.state() != JobState.DONE && JobReply.isError(outcome.json());
            return new ControlAnswer(failed ? 500 : 200, outcome);
        } catch (JobRefusedException refused) {
            return target.failure(refused);
        }
    }

    private ControlAnswer current(long id) {
        try {
            return ControlAnswer.of(JobText.one(target.jobs().get(id)));
        } catch (JobRefusedException forgotten) {
            return target.failure(forgotten);
        }
    }

    private static long number(String text) {
        if (!text.matches("\\d{1,18}")) {
            throw new IllegalArgumentException("not a number");
        }
        return Long.parseLong(text);
    }

    private static CompletableFuture<ControlAnswer> now(ControlAnswer answer) {
        return CompletableFuture.completedFuture(answer);
    }
}
