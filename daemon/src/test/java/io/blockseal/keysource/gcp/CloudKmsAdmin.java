package io.blockseal.keysource.gcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What administrators do to the keys of the stub, which our client never does; after the REST reference. */
final class CloudKmsAdmin {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern VERSION = Pattern.compile("([^/:]+)/cryptoKeyVersions/(\\d+)(:destroy)?");

    private final Map<String, CloudKey> keys;
    private final String parent;

    CloudKmsAdmin(Map<String, CloudKey> keys, String parent) {
        this.keys = keys;
        this.parent = parent;
    }

    /** Does it; null if it is nothing of that sort. {@code name} is what follows the key ring's name. */
    Reply answer(Ask ask, String method, String name, byte[] body) throws Exception {
        JsonNode question = body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
        if (method.equals("POST") && name.isEmpty()) {
            CloudKey made = new CloudKey(parent + ask.query().get("cryptoKeyId"));
            made.purpose = question.path("purpose").asText();
            keys.put(ask.query().get("cryptoKeyId"), made);
            return Reply.json(200, made.describe().toString());
        }
        CloudKey key = keys.get(name.replaceFirst("[/:].*", ""));
        if (key == null) {
            return null;
        }
        if (method.equals("POST") && name.endsWith("/cryptoKeyVersions")) {
            key.versions.add(new CloudKey.Version());
            return Reply.json(200, key.describe(key.versions.size()).toString());
        }
        if (name.endsWith(":updatePrimaryVersion")) {
            key.primary = question.path("cryptoKeyVersionId").asInt();
            return Reply.json(200, key.describe().toString());
        }
        Matcher version = VERSION.matcher(name);
        if (!version.matches()) {
            return null;
        }
        int number = Integer.parseInt(version.group(2));
        if (version.group(3) != null) {
            key.version(number).state = "DESTROY_SCHEDULED";
        } else if (method.equals("PATCH") && ask.query().get("updateMask").equals("state")) {
            key.version(number).state = question.path("state").asText();
        }
        return Reply.json(200, key.describe(number).toString());
    }
}
