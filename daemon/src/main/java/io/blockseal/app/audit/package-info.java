/**
 * Where the audit log is written to, and what is written into it from threads that may not wait for it.
 */
@NullMarked
package io.blockseal.app.audit;

import org.jspecify.annotations.NullMarked;
