package io.blockseal.volume.metadata;

import io.blockseal.format.TablePage;
import org.jspecify.annotations.Nullable;

/**
 * A page whose copies are to be made equal.
 *
 * @param index which page
 * @param content what every copy shall hold; null for zeros
 * @param firstCopies a bit for each copy that is written before the root; the others come after it
 */
record PageRepair(int index, @Nullable TablePage content, int firstCopies) {
    boolean isFirst(int copy) {
        return (firstCopies >> copy & 1) != 0;
    }
}
