package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdMetaContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A BLOCK_STATUS on its way: collects one list of extents for each context that was selected. */
final class PendingStatus extends PendingRequest {
    private final NbdSession session;
    private final Map<String, List<NbdExtent>> extentsByContext = new LinkedHashMap<>();

    PendingStatus(int flags, long offset, long length, NbdSession session) {
        super(NbdCommand.BLOCK_STATUS, flags, offset, length, null);
        this.session = session;
    }

    Map<String, List<NbdExtent>> extentsByContext() {
        return extentsByContext;
    }

    @Override
    void status(int contextId, List<NbdExtent> extents) throws NbdProtocolException {
        NbdMetaContext context = session.context(contextId);
        if (context == null) {
            throw unexpected("status for context " + contextId + ", which was not selected");
        }
        if (extentsByContext.put(context.name(), List.copyOf(extents)) != null) {
            throw unexpected("status for " + context.name() + " twice");
        }
        if (extents.isEmpty()) {
            throw unexpected("status without an extent");
        }
        // Every extent but the last must begin inside the request; Long.MAX_VALUE is far beyond what can be summed up.
        long before = 0;
        for (NbdExtent extent : extents) {
            if (extent.length() <= 0) {
                throw unexpected("an extent of " + Long.toUnsignedString(extent.length()) + " bytes");
            }
            if (before >= length()) {
                throw unexpected("an extent that begins behind the request");
            }
            before = extent.length() > Long.MAX_VALUE - before ? Long.MAX_VALUE : before + extent.length();
        }
        boolean one = (flags() & NbdCommandFlags.REQ_ONE) != 0;
        if (one && (extents.size() != 1 || before > length())) {
            throw unexpected(extents.size() + " extents of " + before + " bytes in spite of REQ_ONE");
        }
    }

    @Override
    void checkComplete() throws NbdProtocolException {
        if (extentsByContext.size() != session.contexts().size()) {
            throw unexpected("success, but status for " + extentsByContext.size() + " of "
                    + session.contexts().size() + " contexts");
        }
    }
}
