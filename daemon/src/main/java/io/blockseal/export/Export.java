package io.blockseal.export;

import io.blockseal.block.BlockDevice;
import io.blockseal.metrics.ExportMetrics;

/**
 * A name that clients may ask for and the device behind it.
 *
 * @param name 1 to 4096 bytes of UTF-8, matched byte for byte
 * @param description for LIST and INFO; may be empty
 * @param device what is served; opened before and closed after the export is registered
 * @param readOnly whether writes are refused here, whatever the device allows
 * @param metrics where this export's requests are counted
 */
public record Export(String name, String description, BlockDevice device, boolean readOnly, ExportMetrics metrics) {}
