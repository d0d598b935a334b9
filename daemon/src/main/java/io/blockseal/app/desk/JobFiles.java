package io.blockseal.app.desk;

import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobMemo;
import io.blockseal.job.JobMemory;
import io.blockseal.job.JobRequest;
import io.blockseal.volume.host.StateFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jobs that outlive the daemon, one small file each in {@code jobs} of the state directory, named after the volume's UUID:
 * several daemons may share the directory, and an export may be renamed.
 */
public final class JobFiles implements JobMemory {
    private static final Logger LOG = LoggerFactory.getLogger(JobFiles.class);

    private final Path folder;
    private final Function<String, String> uuidOfExport;

    public JobFiles(Path stateDirectory, Function<String, String> uuidOfExport) {
        this.folder = stateDirectory.resolve("jobs");
        this.uuidOfExport = uuidOfExport;
    }

    @Override
    public void keep(JobMemo memo) throws IOException {
        try (Arguments text = new Arguments()
                .number("id", memo.id())
                .text("verb", memo.verb())
                .text("memo", memo.memo())
                .text("by", memo.by())
                .text("paused", memo.paused() ? "yes" : "no")) {
            file(memo).write(text.json());
        } catch (IOException failed) {
            throw new IOException(folder + ": " + StateFile.words(failed), failed);
        }
    }

    @Override
    public void forget(JobMemo memo) {
        Path path = file(memo).path();
        try {
            Files.deleteIfExists(path);
        } catch (IOException stays) {
            LOG.error(
                    "{}: cannot be removed, and the job would begin again at the next start: {}",
                    path,
                    StateFile.words(stays));
        }
    }

    private StateFile file(JobMemo memo) {
        return new StateFile(folder.resolve(uuidOfExport.apply(memo.volume()) + "-" + memo.id() + ".job"));
    }

    /** What is remembered of the volume, the oldest first. What cannot be read is told in the log and left alone. */
    List<JobMemo> of(String uuid, String export) {
        List<JobMemo> found = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return found;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, uuid + "-*.job")) {
            for (Path path : files) {
                JobMemo memo = read(path, export);
                if (memo != null) {
                    found.add(memo);
                }
            }
        } catch (DirectoryIteratorException broken) {
            tellUnreadable(Objects.requireNonNull(broken.getCause()));
        } catch (IOException unreadable) {
            tellUnreadable(unreadable);
        }
        found.sort(Comparator.comparingLong(JobMemo::id));
        return found;
    }

    private void tellUnreadable(IOException why) {
        LOG.error("{}: jobs that were begun before cannot be read: {}", folder, StateFile.words(why));
    }

    private static @Nullable JobMemo read(Path path, String export) {
        try {
            String text = new StateFile(path).read();
            if (text == null) {
                return null;
            }
            try (Arguments memo = Arguments.parse(text.getBytes(StandardCharsets.UTF_8))) {
                return new JobMemo(
                        memo.requireNumber("id", 1, Long.MAX_VALUE / 2),
                        memo.requireText("verb"),
                        export,
                        memo.requireText("paused").equals("yes"),
                        memo.requireText("memo"),
                        Objects.requireNonNullElse(memo.text("by"), JobRequest.OPERATOR));
            }
        } catch (IOException | ArgumentException wrong) {
            LOG.error(
                    "{}: is no job that could be taken up again: {}",
                    path,
                    wrong instanceof IOException failed ? StateFile.words(failed) : wrong.getMessage());
            return null;
        }
    }
}
