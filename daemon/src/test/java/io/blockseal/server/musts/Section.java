package io.blockseal.server.musts;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** The heading in the specification under which it says what a case holds servers to. */
@Retention(RetentionPolicy.RUNTIME)
@interface Section {
    String value();
}
