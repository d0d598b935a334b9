/**
 * KEKs from 32 bytes in a file, a descriptor or a systemd credential. Floor 4: it knows files and keys, no volume.
 */
@NullMarked
package io.blockseal.keysource.file;

import org.jspecify.annotations.NullMarked;
