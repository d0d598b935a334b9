package io.blockseal.server;

import io.blockseal.block.ExtentMap;
import io.blockseal.export.Export;
import io.blockseal.export.ExportContext;
import io.blockseal.nbd.NbdAllocation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which metadata contexts an export has, and which of them a client's queries mean. */
final class ContextNames {
    /** What every export has. */
    static final String ALLOCATION = NbdAllocation.CONTEXT;
    /** Any number would do. */
    static final int ALLOCATION_ID = 1;

    private ContextNames() {}

    /**
     * One of them.
     *
     * @param id what chunks of BLOCK_STATUS give as its name
     * @param map what answers it, or null for the device
     */
    record Context(
            int id, String name, String namespace, @Nullable ExtentMap map) {}

    static List<Context> of(Export export) {
        List<Context> all = new ArrayList<>();
        all.add(new Context(ALLOCATION_ID, ALLOCATION, NbdAllocation.NAMESPACE, null));
        for (ExportContext each : export.contexts()) {
            all.add(new Context(ALLOCATION_ID + all.size(), each.name(), each.namespace(), each.map()));
        }
        return all;
    }

    /**
     * Those that the queries mean, each once. Who only lists gets all for no query, and all of a namespace for the
     * namespace; who selects has to name each.
     */
    static List<Context> matching(Export export, List<String> queries, boolean select) {
        return of(export).stream()
                .filter(each -> queries.contains(each.name())
                        || (!select && (queries.isEmpty() || queries.contains(each.namespace()))))
                .toList();
    }

    /** Those of the export that a client has selected by their names. */
    static StatusContexts selected(Export export, List<String> names) {
        List<Context> fromMemory = of(export).stream()
                .filter(each -> each.map() != null && names.contains(each.name()))
                .toList();
        return new StatusContexts(
                names.contains(ALLOCATION),
                fromMemory.stream().map(Context::map).toArray(ExtentMap[]::new),
                fromMemory.stream().mapToInt(Context::id).toArray());
    }
}
