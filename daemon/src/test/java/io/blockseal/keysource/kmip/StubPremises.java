package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.rest.Backoff;

/** The stub with two keys, each with a name. */
final class StubPremises implements Premises {
    static final Backoff IMPATIENT = new Backoff(10, 20, 60, Backoff.Clock.SYSTEM);

    final KmipStub stub;
    private final KmipCertificates certificates;
    private KmipStub.Key deleted;
    private int versions = 1;

    StubPremises(KmipCertificates certificates) throws Exception {
        this.certificates = certificates;
        this.stub = new KmipStub(certificates);
        stub.key("id-1", "kek", 1000);
        stub.key("id-other", "other", 1000);
    }

    String uri(String key, String options) {
        return "kmip:localhost:" + stub.port() + "/" + key + "?" + certificates.options() + options;
    }

    static KeySource open(String uri, Backoff backoff, KeySourceContext context) throws Exception {
        return new KmipKeySourceProvider(backoff, Addresses.Lookup.SYSTEM).open(KeySourceSpec.parse(uri), context);
    }

    KeySource source(KeySourceContext context, String key, String options) throws Exception {
        return open(uri(key, options), IMPATIENT, context);
    }

    @Override
    public String place() {
        return uri("name/kek", "");
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return source(context, "name/kek", "");
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context, "name/kek", "&timeout-seconds=1");
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return open(uri("name/kek", "&timeout-seconds=30"), Backoff.DEFAULT, context);
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return source(context, "name/other", "");
    }

    @Override
    public boolean can(Trouble trouble) {
        return true;
    }

    @Override
    public void have(Trouble wanted) {
        synchronized (stub.keys) {
            if (stub.trouble == Trouble.DISABLED) {
                stub.keys.get("id-1").state = KmipStub.ACTIVE;
            }
            if (deleted != null) {
                stub.keys.put("id-1", deleted);
                deleted = null;
            }
            switch (wanted) {
                case DISABLED -> stub.keys.get("id-1").state = KmipStub.DEACTIVATED;
                case DELETED -> deleted = stub.keys.remove("id-1");
                default -> {
                    // The stub knows how.
                }
            }
        }
        stub.trouble = wanted;
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() {
        versions++;
        stub.key("id-" + versions, "kek", 1000L * versions);
    }

    @Override
    public void close() {
        stub.close();
    }
}
