package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * The payload of LIST_META_CONTEXT and SET_META_CONTEXT: name length 4, name, count 4, then each query as length 4 and
 * string.
 *
 * <p>Only the layout is checked. A query without a colon or of an unknown namespace is for the server to judge.
 *
 * @param exportName the export that the contexts belong to
 * @param queries what is asked for, in the client's order
 */
public record NbdMetaContextRequest(String exportName, List<String> queries) {
    private static final int FIXED_BYTES = 8;

    /** Makes the list unmodifiable. */
    public NbdMetaContextRequest {
        queries = List.copyOf(queries);
    }

    /** Decodes {@code length} payload bytes at {@code index}; the caller has checked that they are there. */
    public static NbdDecoded<NbdMetaContextRequest> decode(ByteBuf buffer, int index, int length) {
        if (length < FIXED_BYTES) {
            return NbdDecoded.malformed("the option is shorter than " + FIXED_BYTES + " bytes");
        }
        long nameLength = buffer.getUnsignedInt(index);
        if (nameLength > length - FIXED_BYTES) {
            return NbdDecoded.malformed("the export name is longer than the option");
        }
        NbdDecoded<String> name = NbdString.decode(buffer, index + 4, (int) nameLength);
        if (!name.isValid()) {
            return NbdDecoded.malformed("export name: " + name.problem());
        }
        int position = index + 4 + (int) nameLength;
        int end = index + length;
        long count = buffer.getUnsignedInt(position);
        position += 4;
        // Each query has at least its length field: a count beyond that is refused before anything is sized by it.
        if (count > (end - position) / 4) {
            return NbdDecoded.malformed("the option is too short for its number of queries");
        }
        List<String> queries = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            if (end - position < 4) {
                return NbdDecoded.malformed("the option ends inside its list of queries");
            }
            long queryLength = buffer.getUnsignedInt(position);
            position += 4;
            if (queryLength > end - position) {
                return NbdDecoded.malformed("a query is longer than the option");
            }
            NbdDecoded<String> query = NbdString.decode(buffer, position, (int) queryLength);
            if (!query.isValid()) {
                return NbdDecoded.malformed("query: " + query.problem());
            }
            queries.add(query.value());
            position += (int) queryLength;
        }
        if (position != end) {
            return NbdDecoded.malformed("the option has bytes behind its last query");
        }
        return NbdDecoded.of(new NbdMetaContextRequest(name.value(), queries));
    }

    /** Appends the whole option, header and payload; {@code option} is one of the two. */
    public void encode(ByteBuf out, NbdOption option) {
        byte[] name = NbdString.encode(exportName);
        List<byte[]> encoded = queries.stream().map(NbdString::encode).toList();
        int length = FIXED_BYTES + name.length;
        for (byte[] query : encoded) {
            length += 4 + query.length;
        }
        NbdOptionWriter.header(out, option, length);
        out.writeInt(name.length);
        out.writeBytes(name);
        out.writeInt(encoded.size());
        for (byte[] query : encoded) {
            out.writeInt(query.length);
            out.writeBytes(query);
        }
    }
}
