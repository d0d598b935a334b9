/**
 * HTTP for people and Prometheus: metrics, health, readiness. Floor 8. It runs on a loop of its own and reads counters
 * that others write; it never touches an object of the data path, a key source or a key.
 */
@NullMarked
package io.blockseal.admin;

import org.jspecify.annotations.NullMarked;
