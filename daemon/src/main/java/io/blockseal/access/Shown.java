package io.blockseal.access;

import io.blockseal.export.Caller;
import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ClientIdentity.Proof;
import java.net.InetAddress;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a caller shows of itself, read once for all the rules of a list. For one thread. */
final class Shown {
    private final Caller caller;
    private boolean isSubjectRead;
    private @Nullable DistinguishedName subject;

    Shown(Caller caller) {
        this.caller = caller;
    }

    /** The subject of its certificate; null if it has none, or one that nobody could have meant. */
    @Nullable
    DistinguishedName subject() {
        if (!isSubjectRead) {
            isSubjectRead = true;
            subject = has(Proof.CERTIFICATE) ? DistinguishedName.read(identity().name()) : null;
        }
        return subject;
    }

    /** The SPIFFE id of its certificate; one with a second URI beside it is none (X509-SVID, 2). */
    @Nullable
    SpiffeId spiffeId() {
        List<String> uris = names("uri:").toList();
        return uris.size() == 1 ? SpiffeId.read(uris.get(0)) : null;
    }

    /** Whether its certificate has such a name of that kind. */
    boolean hasName(String kind, Predicate<String> wanted) {
        return names(kind).anyMatch(wanted);
    }

    private Stream<String> names(String kind) {
        return has(Proof.CERTIFICATE)
                ? identity().alternatives().stream()
                        .filter(name -> name.startsWith(kind))
                        .map(name -> name.substring(kind.length()))
                : Stream.empty();
    }

    boolean hasPsk(String name) {
        return has(Proof.PSK) && identity().name().equals(name);
    }

    boolean isUser(long uid) {
        return caller.unix() != null && caller.unix().uid() == uid;
    }

    boolean isInGroup(long gid) {
        return caller.unix() != null && caller.unix().gids().contains(gid);
    }

    /** From where it came by TCP. */
    @Nullable
    InetAddress address() {
        return caller.address();
    }

    private ClientIdentity identity() {
        return caller.identity();
    }

    private boolean has(Proof proof) {
        return identity().proof() == proof;
    }
}
