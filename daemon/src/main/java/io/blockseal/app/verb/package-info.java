/**
 * What can be done to a volume, once for the command that opens it itself and for the daemon that serves it. Floor 9;
 * private to {@code app}.
 *
 * <p>To add a verb: write a class that implements {@link io.blockseal.app.verb.VolumeVerb}, add it to
 * {@link io.blockseal.app.verb.Verbs}, and write its command in {@code app.command}, which makes
 * {@link io.blockseal.control.Arguments} of its options and leaves the rest to {@code VerbRun}. If its work must survive a
 * restart of the daemon, implement {@link io.blockseal.app.verb.ResumableVerb}. Tell about it in docs/control.md.
 */
@NullMarked
package io.blockseal.app.verb;

import org.jspecify.annotations.NullMarked;
