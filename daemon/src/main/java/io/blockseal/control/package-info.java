/**
 * HTTP and JSON over a unix socket, for whoever governs the daemon on its own host (docs/control.md). Floor 8. It checks
 * who calls, takes requests apart and hands them on as words ({@link io.blockseal.control.ControlTarget}); what a verb does
 * to a volume it does not know, and no key passes through it but as bytes that somebody else takes at once.
 */
@NullMarked
package io.blockseal.control;

import org.jspecify.annotations.NullMarked;
