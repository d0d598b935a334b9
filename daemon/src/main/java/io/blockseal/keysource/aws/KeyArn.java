package io.blockseal.keysource.aws;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of a key, or of an alias that stands for one. It says region and account, so that it means the same key
 * whoever reads it.
 *
 * @param text all of it
 * @param partition {@code aws}, {@code aws-cn}, {@code aws-us-gov} or another
 * @param region such as {@code eu-central-1}
 */
record KeyArn(String text, String partition, String region) {
    private static final Pattern ARN = Pattern.compile(
            "arn:(aws[a-z0-9-]*):kms:([a-z]+(?:-[a-z]+)+-\\d{1,2}):\\d{12}:(?:key|alias)/[A-Za-z0-9/_-]+");

    /** Takes it apart; null if it is not one. */
    static @Nullable KeyArn parse(String text) {
        Matcher parts = ARN.matcher(text);
        return parts.matches() ? new KeyArn(text, parts.group(1), parts.group(2)) : null;
    }

    /** Where its region is asked; null in a partition of which we do not know. */
    @Nullable
    String usualEndpoint() {
        return switch (partition) {
            case "aws", "aws-us-gov" -> "https://kms." + region + ".amazonaws.com";
            case "aws-cn" -> "https://kms." + region + ".amazonaws.com.cn";
            default -> null;
        };
    }
}
