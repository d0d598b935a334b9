package io.blockseal.keysource.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The transit engine as its API documentation has it: keys with versions, AES-256-GCM under a key derived from the context,
 * backup and restore. A stub: it keeps its keys in memory. Answers are in the words of OpenBao 2.x.
 */
final class TransitStub {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NONCE_BYTES = 12;

    private static final class Key {
        final List<byte[]> versions = new ArrayList<>();
        boolean derived;
        boolean exportable;
        boolean backup;
        boolean deletable;
        int minDecryptionVersion = 1;
    }

    private final SecureRandom random = new SecureRandom();
    private final Map<String, Key> keys = new HashMap<>();
    private final Map<String, Key> backups = new HashMap<>();

    boolean has(String name) {
        return keys.containsKey(name);
    }

    /** Answers {@code OPERATION/NAME} or {@code keys/NAME/OPERATION}. */
    synchronized Reply answer(String method, String path, JsonNode body) throws GeneralSecurityException {
        String[] steps = path.split("/");
        String name = steps.length > 1 ? steps[1] : "";
        Key key = keys.get(name);
        switch (steps[0] + (steps.length > 2 ? "/" + steps[2] : "")) {
            case "keys":
                return keys(method, name, key, body);
            case "keys/rotate":
                key.versions.add(random(32));
                return properties(name, key);
            case "keys/config":
                key.exportable |= body.path("exportable").asBoolean();
                key.backup |= body.path("allow_plaintext_backup").asBoolean();
                key.deletable = body.path("deletion_allowed").asBoolean(key.deletable);
                key.minDecryptionVersion = body.path("min_decryption_version").asInt(key.minDecryptionVersion);
                return properties(name, key);
            case "backup":
                if (!key.exportable || !key.backup) {
                    return VaultStub.errors(500, "exporting is disallowed on the policy");
                }
                backups.put(name, key);
                return data(JSON.createObjectNode().put("backup", name));
            case "restore":
                keys.put(name, backups.get(body.path("backup").asText()));
                return new Reply(204, Map.of(), new byte[0]);
            case "encrypt":
                return key == null
                        ? VaultStub.errors(400, "encryption key not found")
                        : encrypt(
                                key,
                                body,
                                Base64.getDecoder()
                                        .decode(body.path("plaintext").asText()));
            case "decrypt", "rewrap":
                return key == null
                        ? VaultStub.errors(400, "encryption key not found")
                        : decrypt(key, body, steps[0].equals("rewrap"));
            default:
                return VaultStub.errors(404, "no handler for route \"" + path + "\". route entry not found.");
        }
    }

    private Reply keys(String method, String name, Key key, JsonNode body) {
        if (method.equals("GET")) {
            return key == null ? VaultStub.errors(404) : properties(name, key);
        }
        if (method.equals("DELETE")) {
            if (!key.deletable) {
                return VaultStub.errors(
                        400, "error deleting policy " + name + ": deletion is not allowed for this key");
            }
            keys.remove(name);
            return new Reply(204, Map.of(), new byte[0]);
        }
        Key made = key == null ? new Key() : key;
        if (key == null) {
            made.derived = body.path("derived").asBoolean();
            made.exportable = body.path("exportable").asBoolean();
            made.versions.add(random(32));
            keys.put(name, made);
        }
        return properties(name, made);
    }

    private Reply properties(String name, Key key) {
        ObjectNode data = JSON.createObjectNode()
                .put("name", name)
                .put("type", "aes256-gcm96")
                .put("derived", key.derived)
                .put("exportable", key.exportable)
                .put("allow_plaintext_backup", key.backup)
                .put("deletion_allowed", key.deletable)
                .put("latest_version", key.versions.size())
                .put("min_available_version", 0)
                .put("min_decryption_version", key.minDecryptionVersion)
                .put("min_encryption_version", 0)
                .put("supports_encryption", true)
                .put("supports_decryption", true)
                .put("supports_derivation", true);
        ObjectNode times = data.putObject("keys");
        for (int version = 1; version <= key.versions.size(); version++) {
            times.put(Integer.toString(version), 1_800_000_000 + version);
        }
        return data(data);
    }

    private Reply encrypt(Key key, JsonNode body, byte[] plaintext) throws GeneralSecurityException {
        if (key.derived && body.path("context").asText().isEmpty()) {
            return missingContext();
        }
        int version = key.versions.size();
        byte[] nonce = random(NONCE_BYTES);
        byte[] sealed = cipher(Cipher.ENCRYPT_MODE, key, version, body, nonce).doFinal(plaintext);
        byte[] whole = Arrays.copyOf(nonce, NONCE_BYTES + sealed.length);
        System.arraycopy(sealed, 0, whole, NONCE_BYTES, sealed.length);
        return data(JSON.createObjectNode()
                .put(
                        "ciphertext",
                        "vault:v" + version + ":" + Base64.getEncoder().encodeToString(whole))
                .put("key_version", version));
    }

    private Reply decrypt(Key key, JsonNode body, boolean rewrap) throws GeneralSecurityException {
        if (key.derived && body.path("context").asText().isEmpty()) {
            return missingContext();
        }
        String[] parts = body.path("ciphertext").asText().split(":");
        if (parts.length != 3 || !parts[0].equals("vault")) {
            return VaultStub.errors(400, "invalid ciphertext: no prefix");
        }
        int version = Integer.parseInt(parts[1].substring(1));
        if (version > key.versions.size()) {
            return VaultStub.errors(400, "invalid ciphertext: version is too new");
        }
        if (version < key.minDecryptionVersion) {
            return VaultStub.errors(400, "ciphertext or signature version is disallowed by policy (too old)");
        }
        byte[] plaintext;
        try {
            byte[] whole = Base64.getDecoder().decode(parts[2]);
            if (parts[2].length() % 4 != 0) {
                throw new IllegalArgumentException("no padding");
            }
            byte[] nonce = Arrays.copyOf(whole, NONCE_BYTES);
            plaintext = cipher(Cipher.DECRYPT_MODE, key, version, body, nonce)
                    .doFinal(whole, NONCE_BYTES, whole.length - NONCE_BYTES);
        } catch (IllegalArgumentException malformed) {
            return VaultStub.errors(400, "invalid ciphertext: could not decode base64");
        } catch (AEADBadTagException wrong) {
            return rewrap
                    ? VaultStub.errors(500, "1 error occurred:\n\t* cipher: message authentication failed\n\n")
                    : VaultStub.errors(400, "cipher: message authentication failed");
        }
        return rewrap
                ? encrypt(key, body, plaintext)
                : data(JSON.createObjectNode()
                        .put("plaintext", Base64.getEncoder().encodeToString(plaintext)));
    }

    private static Reply missingContext() {
        return VaultStub.errors(
                400,
                "missing 'context' for key derivation; the key was created using a derived key, which means additional,"
                        + " per-request information must be included in order to perform operations with the key");
    }

    private static Cipher cipher(int mode, Key key, int version, JsonNode body, byte[] nonce)
            throws GeneralSecurityException {
        byte[] raw = key.versions.get(version - 1);
        if (key.derived) {
            raw = derive(raw, Base64.getDecoder().decode(body.path("context").asText()));
        }
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(raw, "AES"), new GCMParameterSpec(128, nonce));
        return cipher;
    }

    /** HKDF-SHA-256 without salt, the context as its info: one block. */
    private static byte[] derive(byte[] key, byte[] context) throws GeneralSecurityException {
        byte[] pseudoRandom = hmac(new byte[32], key);
        byte[] last = Arrays.copyOf(context, context.length + 1);
        last[context.length] = 1;
        return hmac(pseudoRandom, last);
    }

    private static byte[] hmac(byte[] key, byte[] text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text);
    }

    private byte[] random(int bytes) {
        byte[] made = new byte[bytes];
        random.nextBytes(made);
        return made;
    }

    private static Reply data(ObjectNode data) {
        ObjectNode whole = VaultStub.envelope();
        whole.set("data", data);
        return new Reply(
                200,
                Map.of("Content-Type", "application/json"),
                whole.toString().getBytes(StandardCharsets.UTF_8));
    }
}
