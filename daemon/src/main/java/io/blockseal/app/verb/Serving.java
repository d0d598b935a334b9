package io.blockseal.app.verb;

import io.blockseal.app.transfer.TransferRoom;
import io.blockseal.export.Export;

/**
 * What a daemon has of a volume that it serves, beyond the volume itself.
 *
 * @param export what its clients see
 * @param transfers where whole disks are copied
 */
public record Serving(Export export, TransferRoom transfers) {}
