package io.blockseal.keysource.aws;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.rest.Aside;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.profiles.ProfileFileSupplier;

/**
 * Who we are to AWS, by the SDK's chain (web identity, profiles, container, instance), or by one file. Asked when the first
 * request is signed; what it finds is kept and renewed by the SDK. What the SDK waits for it cannot be torn away from, so it
 * does so on threads of its own. From any thread; blocks.
 */
final class AwsIdentity implements AutoCloseable {
    private static final String SERVICE = "kms";
    private static final int WORDS_MAX = 300;
    private static final String NONE = "no identity for AWS";
    /** The SDK's own, of all that it asks in turn, is shorter. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final Aside SDK = new Aside("key-source-aws");

    private final @Nullable Path file;
    private final @Nullable String profile;
    private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();
    private @Nullable AwsCredentialsProvider provider;

    /**
     * Nothing is read yet.
     *
     * @param file with the credentials of one or more profiles, or null to ask the chain
     * @param profile which of them; null for the usual one
     */
    AwsIdentity(@Nullable Path file, @Nullable String profile) {
        this.file = file;
        this.profile = profile;
    }

    /**
     * The request with a signature in its header.
     *
     * @param body is read and not kept
     */
    Map<String, List<String>> sign(SdkHttpRequest unsigned, String region, byte[] body) throws KeySourceException {
        AwsCredentialsIdentity credentials = credentials();
        return signer.sign(request -> request.identity(credentials)
                        .request(unsigned)
                        .payload(ContentStreamProvider.fromByteArrayUnsafe(body))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, SERVICE)
                        .putProperty(AwsV4HttpSigner.REGION_NAME, region))
                .request()
                .headers();
    }

    /** What is signed: a question to the service, in JSON. */
    static SdkHttpRequest question(URI endpoint, String target) {
        return SdkHttpRequest.builder()
                .method(SdkHttpMethod.POST)
                .uri(endpoint)
                .putHeader("Content-Type", "application/x-amz-json-1.1")
                .putHeader("X-Amz-Target", target)
                .build();
    }

    private AwsCredentialsIdentity credentials() throws KeySourceException {
        if (file != null) {
            PrivateFile.realPathOf(file, "credentials file");
        }
        try {
            return SDK.ask(NONE, () -> provider().resolveCredentials(), PATIENCE);
        } catch (ExecutionException failed) {
            Throwable none = Objects.requireNonNull(failed.getCause());
            String words = String.valueOf(none.getMessage());
            throw new KeySourceException(
                    Kind.UNREACHABLE, NONE + ": " + words.substring(0, Math.min(WORDS_MAX, words.length())), none);
        }
    }

    private synchronized AwsCredentialsProvider provider() {
        AwsCredentialsProvider known = provider;
        if (known == null) {
            known = make();
            provider = known;
        }
        return known;
    }

    private AwsCredentialsProvider make() {
        if (file == null) {
            DefaultCredentialsProvider.Builder chain = DefaultCredentialsProvider.builder();
            return profile == null ? chain.build() : chain.profileName(profile).build();
        }
        ProfileCredentialsProvider.Builder one = ProfileCredentialsProvider.builder()
                .profileFile(ProfileFileSupplier.reloadWhenModified(file, ProfileFile.Type.CREDENTIALS));
        return profile == null ? one.build() : one.profileName(profile).build();
    }

    /** Forgets what was found. */
    @Override
    public synchronized void close() {
        if (provider instanceof AutoCloseable open) {
            try {
                open.close();
            } catch (Exception late) {
                // Nothing of ours depends on it any more.
            }
        }
        provider = null;
    }
}
