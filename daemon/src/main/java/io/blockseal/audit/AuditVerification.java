package io.blockseal.audit;

import io.blockseal.audit.AuditTip.Last;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the files of an audit log, oldest first, and finds every line that was changed, removed, added or moved. What was
 * cut off at the end is found by what is known of the last line: the file beside the log, or a hash that was noted
 * elsewhere. Whoever may write the files can make the whole of them anew from some line on; a hash noted elsewhere finds
 * that, too. On one thread, once.
 */
public final class AuditVerification {
    private static final int LINE_BYTES_MAX = 1 << 20;
    private static final int PROBLEMS_MAX = 1000;
    private static final Pattern TORN = Pattern.compile("\"torn-bytes\":\"([0-9]+)\",\"torn-hash\":\"([0-9a-f]{64})\"");

    /**
     * What is wrong.
     *
     * @param line from 1; 0 for the file as a whole
     */
    public record Problem(Path file, long line, String what) {}

    private final List<Problem> problems = new ArrayList<>();
    private @Nullable String expected;
    private @Nullable AuditLine last;
    private @Nullable String begunAfter;
    private long lines;
    private long firstSeq;
    private long repairs;
    private long problemCount;
    private boolean endKnown;

    /** A line that is none, until the next one says whether that is known. */
    private @Nullable Unread unread;

    private record Unread(Path file, long line, String text) {}

    /** A line with this hash has to be there; or any may be the last if null. */
    public AuditVerification(@Nullable String expectedHash) {
        this.expected = expectedHash;
    }

    /** Reads the files, which follow each other. */
    public void read(List<Path> files) throws IOException {
        Path newest = files.get(files.size() - 1);
        // Before the log: that may grow meanwhile, and has the line all the same.
        Last tip = AuditTip.peek(newest);
        String tipHash = tip == null ? null : tip.hash();
        endKnown = tip != null || expected != null;
        for (Path file : files) {
            boolean tipped = read(file, tipHash);
            if (tipped) {
                tipHash = null;
            }
        }
        if (tip != null && tipHash != null) {
            problem(
                    newest,
                    0,
                    "line number " + tip.seq() + " (hash " + tip.hash() + ") was written and is not here:"
                            + " lines are missing at the end");
        }
        if (lines == 0) {
            problem(newest, 0, "there is no line of an audit log in it");
        }
        String hash = expected;
        if (hash != null) {
            problem(newest, 0, "no line has the hash " + hash + ": lines are missing at the end, or were made anew");
        }
    }

    /** Whether anything says how far the log goes: a tip beside the newest file, or a hash that is expected. */
    public boolean isEndKnown() {
        return endKnown;
    }

    /** Whether the line with that hash is in the file. */
    private boolean read(Path file, @Nullable String hash) throws IOException {
        boolean found = false;
        try (InputStream raw = Files.newInputStream(file);
                InputStream in = new BufferedInputStream(
                        file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw, 1 << 16)) {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            long number = 0;
            for (int c = in.read(); c >= 0; c = in.read()) {
                if (c != '\n') {
                    if (line.size() < LINE_BYTES_MAX) {
                        line.write(c);
                    }
                    continue;
                }
                number++;
                String text = line.toString(StandardCharsets.ISO_8859_1);
                line.reset();
                found |= line(file, number, text, hash);
            }
            settleUnread();
            if (line.size() > 0) {
                problem(file, number + 1, "the last line has no end: it was cut off, or is being written just now");
            }
        }
        return found;
    }

    /** Whether it is a line with that hash. */
    private boolean line(Path file, long number, String text, @Nullable String hash) {
        lines++;
        AuditLine line = AuditLine.parse(text);
        if (line == null) {
            settleUnread();
            unread = new Unread(file, number, text);
            return false;
        }
        String wrong = line.isWhole() ? sequel(line) : "it was changed: its hash is not that of its text";
        wrong = wrong == null ? aboutUnread(line) : wrong;
        settleUnread();
        if (wrong != null) {
            problem(file, number, wrong);
        }
        if (line.is(AuditEvent.LOG_REPAIRED)) {
            repairs++;
        }
        if (last == null) {
            firstSeq = line.seq();
            begunAfter = line.prev().equals(AuditLine.NONE) ? null : line.prev();
        }
        last = line;
        if (line.hash().equals(expected)) {
            expected = null;
        }
        return line.hash().equals(hash);
    }

    /** What is wrong with a line in the place where it stands; null for nothing. */
    private @Nullable String sequel(AuditLine line) {
        AuditLine before = last;
        if (before == null) {
            if (line.prev().equals(AuditLine.NONE)) {
                return line.seq() == 1 ? null : "it is numbered " + line.seq() + " and says that none is before it";
            }
            return line.is(AuditEvent.LOG_CONTINUED)
                    ? null
                    : "lines before it are missing: it follows the one with the hash " + line.prev();
        }
        if (line.seq() <= before.seq()) {
            return "it is numbered " + line.seq() + " and stands after " + before.seq()
                    + ": it was moved or put in, or lines were made anew";
        }
        if (line.seq() > before.seq() + 1) {
            return "lines before it are missing: " + (before.seq() + 1) + " to " + (line.seq() - 1);
        }
        return line.prev().equals(before.hash())
                ? null
                : "it was written after another line than the one that stands before it";
    }

    /** A line that a crash cut short is in order if the next one tells of it. */
    private @Nullable String aboutUnread(AuditLine line) {
        Matcher torn = TORN.matcher(line.text());
        if (!line.is(AuditEvent.LOG_REPAIRED) || !torn.find()) {
            return null;
        }
        Unread before = unread;
        if (before != null
                && torn.group(1).equals(Integer.toString(before.text().length()))
                && torn.group(2).equals(AuditLine.sha256(before.text()))) {
            unread = null;
            return null;
        }
        return "the torn line that it tells of does not stand before it";
    }

    private void settleUnread() {
        Unread line = unread;
        unread = null;
        if (line != null) {
            problem(line.file(), line.line(), "it is no line of an audit log");
        }
    }

    private void problem(Path file, long line, String what) {
        problemCount++;
        if (problems.size() < PROBLEMS_MAX) {
            problems.add(new Problem(file, line, what));
        }
    }

    /** Whether all is as it was written. */
    public boolean isIntact() {
        return problemCount == 0;
    }

    /** The first thousand things that are wrong, as they stand in the files. */
    public List<Problem> problems() {
        return List.copyOf(problems);
    }

    /** How many things are wrong. */
    public long problemCount() {
        return problemCount;
    }

    /** How many lines there are. */
    public long lines() {
        return lines;
    }

    /** The number of the first line; 0 if there is none. */
    public long firstSeq() {
        return firstSeq;
    }

    /** The number of the last line; 0 if there is none. */
    public long lastSeq() {
        AuditLine line = last;
        return line == null ? 0 : line.seq();
    }

    /** The hash of the last line, to be noted elsewhere; empty if there is none. */
    public String lastHash() {
        AuditLine line = last;
        return line == null ? "" : line.hash();
    }

    /** The hash of the line before the first; null if the first is the first of all. */
    public @Nullable String begunAfter() {
        return begunAfter;
    }

    /** How often a log was found that a crash, or somebody, had left otherwise than it was written. */
    public long repairs() {
        return repairs;
    }
}
