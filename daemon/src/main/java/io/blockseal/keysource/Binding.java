package io.blockseal.keysource;

import java.util.UUID;

/** What a wrapped key belongs to; bound as additional data or context where the source offers that. */
public record Binding(UUID volume) {}
