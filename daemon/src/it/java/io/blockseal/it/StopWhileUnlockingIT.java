package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.keysource.exec.ProgramPremises;
import io.blockseal.nbd.NbdUri;
import io.blockseal.shim.ShimLibrary;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon is told to stop while a volume is being unlocked: its key source has given the key, but has not ended. A debugger
 * halts the process at the system call that would end it, where all its memory can still be read, and nothing in there may
 * be a key any more.
 */
class StopWhileUnlockingIT {
    private static final int RANGES = 2;
    private static final int RANGE_BYTES = 16 << 20;
    private static final long LIMIT_SECONDS = 120;
    private static final long STACK_BYTES_MAX = 8 << 20;

    /** Like the program that it stands before; but once there is a file {@code stuck}, it does not end after its answer. */
    private static final String PROGRAM = """
            #!/bin/sh
            %1$s/plugin "$@" || exit
            if [ -e %2$s/stuck ]; then : > %2$s/told; exec sleep 600; fi
            """;

    @TempDir
    Path folder;

    @BeforeEach
    void programs() {
        Tool.needRoot("reading the memory of another process");
        Tool.need("gdb", "openssl");
        assumeTrue(ShimLibrary.open().shim() != null, "no native library: keys of the Java engine are on the heap");
    }

    @Test
    void leavesNoKeyInMemoryNorInAnyFile() throws Exception {
        Path keys = Files.createDirectory(folder.resolve("keys"));
        Path run = Files.createDirectory(folder.resolve("run"));
        ProgramPremises premises = new ProgramPremises(keys);
        Path program = Files.writeString(keys.resolve("stubborn"), PROGRAM.formatted(keys, folder));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        String source = premises.place().replace(keys + "/plugin", program.toString());
        Server.create(run, RANGES * 16 + "M", "--range-size", "16M");
        Path volume = run.resolve("demo.bsl");
        Blockseal.run("key", "add", volume, "--key-file", Server.key(run), "--new-key-source", source)
                .ok();
        Orders orders = new Orders(run);
        try (Server server = Server.startWithJvmOptions(
                        run, "-Xmx128m -XX:CompressedClassSpaceSize=32m", orders.serveOptions("--engine", "native"));
                NbdTransport transport = NbdTransport.open(1)) {
            // The keys of a loop without a client are wiped: this one stays.
            useEveryRange(connect(transport, server));
            Needles needles = needles(volume, run);
            // Asked now: later it has a child of its own.
            long pid = server.pid();
            ProcessMemory memory = new ProcessMemory(pid);
            assertFound("while it serves", "the DEK of range 0", memory.search(needles));
            orders.run("lock", volume);
            Files.createFile(folder.resolve("stuck"));
            CompletableFuture<Void> unlocking = CompletableFuture.runAsync(() ->
                    Blockseal.run("unlock", volume, "--key-source", source, "--control", run.resolve("orders.sock")));
            await(folder.resolve("told"));
            assertFound("while it is being unlocked", "the volume key in base64", memory.search(needles));

            CompletableFuture<Tool.Result> debugger = CompletableFuture.supplyAsync(() -> Tool.run(debugger(pid)));
            await(folder.resolve("attached"));
            Tool.run("kill", "-TERM", pid).ok();
            await(folder.resolve("ending"));
            Set<String> left = leftIn(memory, MemoryMap.of(pid), needles);
            Files.createFile(folder.resolve("go"));
            String said = debugger.get(LIMIT_SECONDS, TimeUnit.SECONDS).ok().all();
            assertTrue(said.contains("exit_group"), said);
            assertEquals(0, server.stop(), server.log());
            unlocking.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals(Set.of(), left, "left at the end");
            nothingInFiles(run, needles);
        }
    }

    /** Halts the process at its end, and says so by files. What the virtual machine does with signals is its own business. */
    private Object[] debugger(long pid) {
        return new Object[] {
            "gdb",
            "-nx",
            "-batch",
            "-iex",
            "set auto-solib-add off",
            "-p",
            pid,
            "-ex",
            "handle all nostop noprint pass",
            "-ex",
            "catch syscall exit_group",
            "-ex",
            "shell touch " + folder.resolve("attached"),
            "-ex",
            "continue",
            "-ex",
            "shell touch " + folder.resolve("ending") + "; until [ -e " + folder.resolve("go")
                    + " ]; do sleep 0.1; done",
            "-ex",
            "detach"
        };
    }

    private static NbdClient connect(NbdTransport transport, Server server) throws Exception {
        return NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                .get(60, TimeUnit.SECONDS);
    }

    private static void useEveryRange(NbdClient client) throws Exception {
        for (long range = 0; range < RANGES; range++) {
            byte[] unit = new byte[4096];
            unit[0] = 1;
            client.write(range * RANGE_BYTES, Unpooled.wrappedBuffer(unit), 0).get(60, TimeUnit.SECONDS);
        }
        client.flush().get(60, TimeUnit.SECONDS);
    }

    /**
     * What is found, but for the text that the program has told us on the stack of the thread that read it: the JDK's
     * buffers there nobody can wipe (docs/threat-model.md, "Keys in memory").
     */
    private static Set<String> leftIn(ProcessMemory memory, MemoryMap map, Needles needles) throws IOException {
        Set<String> left = new TreeSet<>();
        memory.search(needles, (name, address) -> {
            MemoryMap.Mapping mapping = map.at(address);
            // The virtual machine wants no huge pages for stacks.
            boolean stack = mapping.flags().contains("nh") && mapping.to() - mapping.from() <= STACK_BYTES_MAX;
            if (!stack || !name.startsWith("the volume key in base64")) {
                left.add(name + " in " + mapping);
            }
        });
        return left;
    }

    /** Of a copy, as the daemon has the volume itself. */
    private Needles needles(Path volume, Path run) throws Exception {
        Path copy = folder.resolve("copy.bsl");
        Tool.run("cp", "--sparse=always", volume, copy).ok();
        PlainKeys plain = PlainKeys.of(copy, Server.key(run));
        Files.delete(copy);
        Needles needles = new Needles()
                .add("the volume key", plain.volumeKey())
                .add(
                        "the key file's key",
                        HexFormat.of()
                                .parseHex(Files.readString(Server.key(run)).trim()));
        assertEquals(RANGES, plain.deks().size(), "every range was written to, so each has a DEK");
        plain.deks().forEach((range, dek) -> needles.add("the DEK of range " + range, dek));
        return needles.inEveryForm();
    }

    private static void assertFound(String when, String name, Set<String> found) {
        assertTrue(
                found.stream().anyMatch(each -> each.startsWith(name)),
                when + " it must be found, else the search is worth nothing: " + name + " among " + found);
    }

    private static void nothingInFiles(Path run, Needles needles) throws IOException {
        try (Stream<Path> files = Files.walk(run)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Set<String> found = new TreeSet<>(needles.in(Files.readAllBytes(file)));
                if (!file.equals(Server.key(run))) {
                    assertEquals(Set.of(), found, file.toString());
                }
            }
        }
    }

    private static void await(Path file) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!Files.exists(file)) {
            assertTrue(System.nanoTime() < deadline, "no " + file.getFileName());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }
}
