package io.blockseal.keysource.tang;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Real Tang servers behind something that speaks TLS for them and can be told to misbehave. */
final class TangPremises implements Premises {
    private static final Backoff IMPATIENT = new Backoff(10, 20, 60, Backoff.Clock.SYSTEM);

    final Tangd tangd;
    final RestStub rest;
    final String pin;
    /** What was asked of it. */
    final Set<String> asked = ConcurrentHashMap.newKeySet();
    /** What is answered instead, to questions that begin so. */
    volatile String insteadUnder = "/";

    volatile Reply instead;
    private final Path folder;
    private volatile Trouble trouble = Trouble.NONE;
    private Tangd otherTangd;
    private RestStub otherRest;

    TangPremises(Path folder) throws Exception {
        this.folder = folder;
        this.tangd = Tangd.open(folder.resolve("keys"));
        this.pin = tangd.thumbprint("ES512");
        this.rest = RestStub.start(this::answer);
    }

    private Reply answer(Ask ask) throws Exception {
        asked.add(ask.method() + " " + ask.path() + " " + new String(ask.body(), StandardCharsets.UTF_8));
        Reply other = instead;
        if (other != null && ask.path().startsWith(insteadUnder)) {
            return other;
        }
        if (trouble == Trouble.UNAUTHENTICATED) {
            return Reply.json(401, "{}");
        }
        Reply reply = tangd.answer(ask);
        if (trouble == Trouble.SHORT_KEY && ask.path().startsWith("/rec/")) {
            String text = new String(reply.body(), StandardCharsets.UTF_8);
            return Reply.json(200, text.replaceFirst("(\"x\": ?\")[^\"]{8}", "$1"));
        }
        return reply;
    }

    static KeySource open(KeySourceContext context, String uri, Backoff backoff) throws Exception {
        return new TangKeySourceProvider(backoff).open(KeySourceSpec.parse(uri), context);
    }

    KeySource source(KeySourceContext context, String options) throws Exception {
        return open(context, uri(options), IMPATIENT);
    }

    String uri(String options) {
        return "tang:" + rest.url() + "?ca-file=" + rest.caFile() + "&" + options;
    }

    @Override
    public String place() {
        return uri("thumbprint=" + pin);
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return source(context, "thumbprint=" + pin);
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context, "timeout-seconds=1&thumbprint=" + pin);
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return open(context, uri("timeout-seconds=30&thumbprint=" + pin), Backoff.DEFAULT);
    }

    /** A Tang server has no keys of different names: another KEK is another server. */
    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        otherTangd = Tangd.open(folder.resolve("other"));
        otherRest = RestStub.start(otherTangd::answer);
        return open(context, "tang:" + otherRest.url() + "?trust=first-use&ca-file=" + otherRest.caFile(), IMPATIENT);
    }

    @Override
    public boolean can(Trouble wanted) {
        // It has no rights that could be taken, and a key is there or not.
        return wanted != Trouble.DISABLED && wanted != Trouble.FORBIDDEN;
    }

    @Override
    public void have(Trouble wanted) throws Exception {
        if (wanted == Trouble.DELETED) {
            tangd.loseKeys();
        } else if (trouble == Trouble.DELETED) {
            tangd.findKeys();
        }
        trouble = wanted;
        rest.have(wanted);
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() throws Exception {
        tangd.rotate();
    }

    @Override
    public void close() throws Exception {
        rest.close();
        tangd.close();
        if (otherRest != null) {
            otherRest.close();
            otherTangd.close();
        }
    }
}
