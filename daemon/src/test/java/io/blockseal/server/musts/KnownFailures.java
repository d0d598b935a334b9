package io.blockseal.server.musts;

import java.util.Map;

/**
 * Where servers that others wrote do not do as a case asks, by class and method: the case is skipped for them, and shows
 * the reason. {@code docs/protocol.md} has the same words.
 */
final class KnownFailures {
    /** nbdkit 1.32 with its file plugin. */
    static final Map<String, String> OF_NBDKIT = Map.ofEntries(
            Map.entry(
                    "InfoMustsTest.blockSizesArePowersOfTwoInTheirOrder",
                    "no sizes are told; who keeps to the default ones may do so"),
            Map.entry("ContextMustsTest.aMalformedSelectionDropsTheFormerOne", "the former selection stays in force"),
            Map.entry(
                    "ContextMustsTest.eachIsSelectedOnceUnderANumberOfItsOwn",
                    "a context that is asked for twice is answered twice, under one number"),
            Map.entry(
                    "RequestMustsTest.randomHeadersAreAnsweredWithErrorsOfTheSpecification",
                    "FAST_ZERO that was not offered ends it on an assertion"),
            Map.entry(
                    "ZeroesMustsTest.withFastZeroItIsDoneOrNotSupportedAndThenNothingHasChanged",
                    "FAST_ZERO that was not offered ends it on an assertion"),
            Map.entry(
                    "EndMustsTest.aClientThatVanishesCostsItsOwnConnectionOnly",
                    "may end on an assertion when a client is gone before its replies are sent"));

    /** qemu-nbd 7.2 with a raw file. */
    static final Map<String, String> OF_QEMU_NBD = Map.ofEntries(
            Map.entry(
                    "GreetingMustsTest.exportNameOfWhatIsNotThereEndsTheSession",
                    "a name ends at its NUL, and what is before it is served"),
            Map.entry(
                    "OptionMustsTest.errorTextsAreStrings",
                    "an error text repeats the client's name, bad UTF-8 and all"),
            Map.entry(
                    "ContextMustsTest.whatLiesBehindTheLastQueryIsNotTheNextOption", "it is taken for the next option"),
            Map.entry(
                    "RequestMustsTest.whatDoesNotBeginLikeARequestIsNotTakenForOne",
                    "it is answered with EINVAL, and a cookie that nobody sent"),
            Map.entry(
                    "RequestMustsTest.whatLiesBeyondTheEndIsRefusedWithTheErrorOfItsKind",
                    "a write past the end is EINVAL"),
            Map.entry(
                    "ZeroesMustsTest.withNoHoleThePartStaysProvisioned",
                    "zeroes written to a file may be reported as a hole"),
            Map.entry(
                    "EndMustsTest.discIsNotAnsweredAndWhatIsOutstandingIs",
                    "the replies to what is outstanding are dropped"),
            Map.entry(
                    "ContextMustsTest.whatIsMalformedIsRefusedAndTheStreamStaysInStep",
                    "the export is looked up before the rest is read: ERR_UNKNOWN"),
            Map.entry("TlsMustsTest.aPayloadIsRefusedAndNothingBegins", "the session ends"),
            Map.entry("TlsMustsTest.abortNeedsNoTls", "ABORT is ERR_TLS_REQD"),
            Map.entry("TlsMustsTest.abortEndsTlsBeforeTheConnection", "TLS is not ended"),
            Map.entry("TlsMustsTest.discEndsTlsBeforeTheConnection", "TLS is not ended"));

    private KnownFailures() {}
}
