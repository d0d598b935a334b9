package io.blockseal.keysource.gcp;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A key of the stub, with its versions; the first one has the number 1. */
final class CloudKey {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int KEY_BYTES = 32;

    /** One of its versions. */
    static final class Version {
        final byte[] material = new byte[KEY_BYTES];
        volatile String state = "ENABLED";

        Version() {
            new SecureRandom().nextBytes(material);
        }
    }

    final String name;
    final List<Version> versions = new CopyOnWriteArrayList<>();
    volatile String purpose = "ENCRYPT_DECRYPT";
    volatile int primary = 1;

    CloudKey(String name) {
        this.name = name;
        versions.add(new Version());
    }

    Version version(int number) {
        return versions.get(number - 1);
    }

    Version primary() {
        return version(primary);
    }

    void rotate() {
        versions.add(new Version());
        primary = versions.size();
    }

    String nameOf(int number) {
        return name + "/cryptoKeyVersions/" + number;
    }

    ObjectNode describe(int number) {
        ObjectNode version = JSON.createObjectNode();
        return version.put("name", nameOf(number))
                .put("state", version(number).state)
                .put("protectionLevel", "SOFTWARE")
                .put("algorithm", "GOOGLE_SYMMETRIC_ENCRYPTION");
    }

    ObjectNode describe() {
        ObjectNode key = JSON.createObjectNode().put("name", name).put("purpose", purpose);
        return key.set("primary", describe(primary));
    }
}
