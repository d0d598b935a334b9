package io.blockseal.block;

/** Something with a geometry that opens channels: layers and stores alike. */
public interface BlockDevice {
    /** Size, block sizes and capabilities. From any thread. */
    Geometry geometry();

    /** Opens this loop's way in. Called on the loop's thread; the caller closes the channel on the same thread. */
    BlockChannel openChannel(IoLoop loop);
}
