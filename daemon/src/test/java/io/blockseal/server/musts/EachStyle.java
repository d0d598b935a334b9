package io.blockseal.server.musts;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** A case for each style of headers that the server speaks. */
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@ArgumentsSource(Styles.class)
@interface EachStyle {
    /** Only for those whose replies are chunks. */
    boolean chunked() default false;
}
