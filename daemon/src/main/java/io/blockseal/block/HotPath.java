package io.blockseal.block;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a class whose methods run for every request: no allocation, no lock, no log line, no exception for control
 * flow. The architecture test forbids what can be seen statically; the allocation test proves the rest.
 */
@Documented
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.TYPE)
public @interface HotPath {
    /** Why this class is on the path of every request. */
    String value();
}
