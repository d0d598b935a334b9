package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestResponse;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * For which kind of service a vault wants a token. Only one whose domain the vault lies in is believed: a false vault could
 * otherwise ask for a token that opens our other things.
 *
 * @param vaultHost in lower case
 * @param verify whether the domain is looked at; an emulator's does not fit
 */
record Challenge(String vaultHost, boolean verify) {
    private static final Pattern BEARER = Pattern.compile("(?i)\\bBearer\\b");
    private static final Pattern RESOURCE =
            Pattern.compile("(?i)\\b(?:resource|scope)\\s*=\\s*(?:\"([^\"]*)\"|([^\\s,]+))");

    /** What an answer of 401 asks for, or null if it does not say. */
    @Nullable
    String resource(RestResponse answer) throws KeySourceException {
        for (String header : answer.headers().allValues("WWW-Authenticate")) {
            Matcher found = RESOURCE.matcher(header);
            if (BEARER.matcher(header).find() && found.find()) {
                String text = found.group(1) == null ? found.group(2) : found.group(1);
                return verified(text.strip().replaceFirst("/\\.default$", "").replaceFirst("/$", ""));
            }
        }
        return null;
    }

    /** What to ask for where a vault does not say: the domain it lies in. */
    String guess() {
        int dot = vaultHost.indexOf('.');
        boolean whole = dot < 0 || vaultHost.indexOf('.', dot + 1) < 0 || vaultHost.matches("[0-9.]+");
        return "https://" + (whole ? vaultHost : vaultHost.substring(dot + 1));
    }

    private String verified(String resource) throws KeySourceException {
        if (!verify) {
            return resource;
        }
        try {
            URI uri = new URI(resource);
            String host = uri.getHost();
            if ("https".equals(uri.getScheme()) && host != null && liesIn(host.toLowerCase(Locale.ROOT))) {
                return resource;
            }
        } catch (URISyntaxException malformed) {
            // As wrong as any other.
        }
        throw new KeySourceException(
                Kind.MISCONFIGURED,
                "https://" + vaultHost + " asks for a token for " + ServiceWords.printable(resource)
                        + ", whose domain it does not lie in; it gets none. If this is a private vault or an emulator"
                        + " that you trust, say verify-challenge=false");
    }

    private boolean liesIn(String domain) {
        return vaultHost.equals(domain) || (domain.indexOf('.') > 0 && vaultHost.endsWith("." + domain));
    }
}
