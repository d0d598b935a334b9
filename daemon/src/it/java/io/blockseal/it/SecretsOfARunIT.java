package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.control.ControlClient;
import io.blockseal.it.MemoryMap.Mapping;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.nbd.NbdUri;
import io.blockseal.shim.ShimLibrary;
import io.netty.buffer.Unpooled;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole life of a daemon with a key of every kind: volumes are made, served, locked and unlocked, their keys of all three
 * levels rotated, added, shredded, and sources refuse. Then everything that leaves the process or could leave it is searched
 * for every secret that was used, in every form: what it says and writes, dumps of its heap, a core file, and as root sees
 * it, all of its memory. What is left where, and why, is in docs/threat-model.md ("Keys in memory").
 */
class SecretsOfARunIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int RANGES = 3;
    private static final long RANGE_BYTES = 16 << 20;
    private static final long MALLOC_ARENA_BYTES = 64 << 20;
    private static final long STACK_BYTES_MAX = 8 << 20;
    /** A client with a pre-shared key that speaks TLS 1.3 alone, and one that speaks 1.2 alone. */
    private static final String NEW_CLIENT = "newer";

    private static final String OLD_CLIENT = "older";

    @TempDir
    Path folder;

    /** What was said to whoever asked. */
    private final List<String> said = new ArrayList<>();

    /** Must be nowhere but in locked memory: DEKs, keys of which no other program has had a text, key files. */
    private final Needles ours = new Needles();
    /** Volume keys that came from another program as a text: as bytes they must be nowhere, either. */
    private final Needles told = new Needles();
    /** What proves who we are. */
    private final Needles proofs = new Needles();

    private final Needles tokens = new Needles();
    /** The key that TLS 1.2 has put together with others in an array that the library leaves to the collector. */
    private final Needles collected = new Needles();

    private int tlsPort;

    @BeforeEach
    void programs() {
        Tool.needRoot("reading the memory of another process");
        Tool.need("jcmd", "gcore", "softhsm2-util", "openssl", "qemu-io");
        assumeTrue(ShimLibrary.open().shim() != null, "no native library: keys of the Java engine are on the heap");
    }

    private Path run(String name) {
        return folder.resolve("run").resolve(name);
    }

    private Path volume(String name) {
        return folder.resolve("volumes/" + name + ".bsl");
    }

    @Test
    void leaveNothingBehind() throws Exception {
        for (String directory : List.of("volumes", "run", "keys", "dumps")) {
            Files.createDirectory(folder.resolve(directory));
        }
        try (KeyRing ring = new KeyRing(folder.resolve("keys"))) {
            create(ring);
            int admin = Ports.free();
            Server server = Server.serve(
                    folder.resolve("run"),
                    ring.environment(),
                    // Reserved memory would be in the core file, and it takes its time.
                    "-XX:-DisableAttachMechanism -Xmx256m -XX:CompressedClassSpaceSize=32m"
                            + " -Djdk.httpclient.keepalive.timeout=2",
                    "--config",
                    configuration(ring, admin).toString());
            try (server;
                    NbdTransport transport = NbdTransport.open(1)) {
                live(server, ring);
                for (String path : List.of("/v1/volumes", "/v1/jobs", "/v1/volumes/nosuch")) {
                    said.add(control().get(path, false).body());
                }
                for (String path : List.of("/metrics", "/readyz", "/healthz")) {
                    said.add(page(admin, path));
                }
                comeWithPresharedKeys(server, ring);
                // The keys of loops without a client are wiped: these stay, and have used them all.
                for (KeyRing.Key key : ring.keys()) {
                    useEveryRange(connect(transport, server, key.volume()));
                    addKeys("at last", key.volume(), escrow());
                }
                ring.addPin(ours);
                ring.addPassphrase(proofs);
                ring.addProofs(proofs);
                ring.addTokens(tokens);
                awaitNoConnections(server, ring);
                search(server);
                assertEquals(0, server.stop(), server.log());
                nothingIn("the log", server.log().getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    // What the daemon does.

    private void create(KeyRing ring) throws Exception {
        for (KeyRing.Key key : ring.keys()) {
            List<Object> words = new ArrayList<>(List.of("env"));
            ring.environment().forEach((name, value) -> words.add(name + "=" + value));
            words.addAll(Blockseal.command(
                    "create",
                    volume(key.volume()),
                    "--size",
                    RANGES * RANGE_BYTES,
                    "--range-size",
                    "16M",
                    "--" + key.option(),
                    key.value(),
                    "--audit-log",
                    run("audit.log"),
                    "--state-dir",
                    run("state"),
                    "--debug"));
            said.add(Tool.run(words.toArray()).ok().all());
        }
        ring.keyFile("escrow.key");
        ring.keyFile("next.key");
        for (String name : List.of("escrow.key", "next.key", "file.key")) {
            KeyRing.addKeyFile(ours, folder.resolve("keys").resolve(name));
        }
    }

    private Path configuration(KeyRing ring, int admin) throws Exception {
        StringBuilder text = new StringBuilder();
        tlsPort = Ports.free();
        text.append("unix: [")
                .append(run("demo.sock"))
                .append("]\nlisten: [\"127.0.0.1:")
                .append(tlsPort)
                .append("\"]\ntls: {mode: required, psk-file: ")
                .append(ring.presharedKeys(NEW_CLIENT, OLD_CLIENT))
                .append("}\nadmin: 127.0.0.1:")
                .append(admin);
        text.append("\ncontrol: ")
                .append(run("control.sock"))
                .append("\naudit-log: ")
                .append(run("audit.log"));
        text.append("\nstate-dir: ").append(run("state"));
        text.append("\nengine: native\nrequire-locked-keys: true\nlog-level: debug\nvolumes:\n");
        for (KeyRing.Key key : ring.keys()) {
            text.append("  - path: ")
                    .append(volume(key.volume()))
                    .append("\n    ")
                    .append(key.option());
            text.append(": \"").append(key.value()).append("\"\n");
            if (key.option().equals("key-source")) {
                // Nobody is asked while memory is being looked at.
                text.append("    auto-rewrap: false\n    key-check-seconds: 86400\n");
            }
        }
        return Files.writeString(run("blockseal.yaml"), text);
    }

    private void live(Server server, KeyRing ring) throws Exception {
        for (KeyRing.Key key : ring.keys()) {
            String name = key.volume();
            try (NbdTransport transport = NbdTransport.open(1)) {
                useEveryRange(connect(transport, server, name));
                addAndRemoveKeys(key);
                addKeys("at first", name, escrow());
                done(name, "rotate-dek", "");
                done(name, "lock", "");
                unlock(key);
                said.add(control().get("/v1/volumes/" + name, false).body());
                if (ring.versioned().containsKey(name)) {
                    ring.versioned().get(name).rotate();
                    done(name, "rotate-kek", opening(key));
                }
                if (!isByWords(key)) {
                    done(name, "rotate-volume-key", opening(key) + ",\"key2\":" + file(escrow()));
                }
                useEveryRange(connect(transport, server, name));
                done(name, "shred", "\"firstRange\":2,\"lastRange\":2");
            }
        }
        done("file", "rotate-kek", opening(ring.of("file")) + ",\"newKey\":" + file(next()));
        refuse(ring);
    }

    private void addAndRemoveKeys(KeyRing.Key key) throws Exception {
        if (isByWords(key)) {
            cli("key", "add", volume(key.volume()), "--passphrase-file", key.value(), "--new-key-file", escrow());
        } else {
            done(key.volume(), "key-add", opening(key) + ",\"newKey\":" + file(escrow()) + ",\"label\":\"escrow\"");
        }
        done(key.volume(), "key-add", "\"key\":" + file(escrow()) + ",\"newKey\":" + file(next()));
        done(key.volume(), "key-remove", "\"slot\":2");
    }

    private void unlock(KeyRing.Key key) throws Exception {
        if (isByWords(key)) {
            cli("unlock", volume(key.volume()), "--passphrase-file", key.value());
        } else {
            done(key.volume(), "unlock", opening(key));
        }
    }

    /**
     * Beginning with an empty young generation, so that the collector does not copy a key while a handshake has it on the
     * heap: nobody could wipe what it leaves.
     */
    private void comeWithPresharedKeys(Server server, KeyRing ring) throws Exception {
        Tool.run("jcmd", server.pid(), "GC.run").ok();
        for (String client : List.of(NEW_CLIENT, OLD_CLIENT)) {
            String versions = client.equals(NEW_CLIENT) ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" : "NORMAL:-VERS-TLS1.3";
            String tls = "tls-creds-psk,id=tls,dir=" + folder.resolve("keys").resolve(client) + ",username=" + client
                    + ",endpoint=client,priority=" + versions;
            String disk = "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + tlsPort
                    + ",export=file,tls-creds=tls";
            said.add(Tool.run("qemu-io", "--object", tls, "--image-opts", "-c", "write 1M 4k", "-c", "read 1M 4k", disk)
                    .ok()
                    .all());
        }
        assertTrue(server.log().contains("tls=TLSv1.3"), server.log());
        assertTrue(server.log().contains("tls=TLSv1.2"), server.log());
        ring.addPresharedKey(ours, NEW_CLIENT);
        ring.addPresharedKey(collected, OLD_CLIENT);
    }

    /** Sources say no, do not know us any more, and fall over. */
    private void refuse(KeyRing ring) throws Exception {
        for (String name : List.of("program", "vault", "aws", "azure")) {
            Premises premises = ring.versioned().get(name);
            for (Trouble trouble : List.of(Trouble.FORBIDDEN, Trouble.UNAUTHENTICATED)) {
                premises.have(trouble);
                assertFalse(order(name, "rotate-kek", opening(ring.of(name))).ok(), name + " " + trouble);
            }
            premises.have(Trouble.NONE);
        }
        ring.program.have(Trouble.HANGS_UP);
        assertFalse(order("program", "rotate-kek", opening(ring.of("program"))).ok());
        ring.program.have(Trouble.NONE);
    }

    private static boolean isByWords(KeyRing.Key key) {
        return key.option().equals("passphrase-file");
    }

    private Path escrow() {
        return folder.resolve("keys/escrow.key");
    }

    private Path next() {
        return folder.resolve("keys/next.key");
    }

    private static String opening(KeyRing.Key key) {
        return "\"key\":" + key.json();
    }

    private static String file(Path path) {
        return "{\"kind\":\"file\",\"path\":\"" + path + "\"}";
    }

    private void cli(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--control", run("control.sock")));
        said.add(Blockseal.run(all.toArray()).ok().all());
    }

    private ControlClient control() {
        return new ControlClient(run("control.sock"));
    }

    private ControlClient.Reply order(String volume, String verb, String arguments) throws Exception {
        byte[] body = ("{" + arguments + "}").getBytes(StandardCharsets.UTF_8);
        ControlClient.Reply reply = control().post("/v1/volumes/" + volume + "/" + verb, false, body);
        said.add(reply.body());
        return reply;
    }

    private void done(String volume, String verb, String arguments) throws Exception {
        ControlClient.Reply reply = order(volume, verb, arguments);
        assertTrue(reply.ok(), verb + " of " + volume + ": " + reply.body());
        JsonNode job = JSON.readTree(reply.body());
        if (reply.status() == 202) {
            String page = "/v1/jobs/" + job.path("id").asLong() + "?wait=30s&since=";
            while (!job.path("ended").asBoolean()) {
                reply = control().get(page + job.path("revision").asLong(), false);
                said.add(reply.body());
                job = JSON.readTree(reply.body());
            }
            assertEquals("done", job.path("state").asText(), reply.body());
        }
    }

    private static String page(int admin, String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + admin + path))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static NbdClient connect(NbdTransport transport, Server server, String export) throws Exception {
        return NbdClient.connect(transport, NbdUri.parse(server.uri(export)), NbdClientOptions.DEFAULT)
                .get(60, TimeUnit.SECONDS);
    }

    private static void useEveryRange(NbdClient client) throws Exception {
        for (long range = 0; range < RANGES; range++) {
            byte[] unit = new byte[4096];
            unit[0] = 1;
            client.write(range * RANGE_BYTES, Unpooled.wrappedBuffer(unit), 0).get(60, TimeUnit.SECONDS);
            client.read(range * RANGE_BYTES, unit.length).get(60, TimeUnit.SECONDS);
        }
        client.flush().get(60, TimeUnit.SECONDS);
    }

    // What the secrets are.

    /** The keys that a volume has now, by a copy of it. */
    private void addKeys(String when, String name, Path opening) throws Exception {
        Path copy = folder.resolve("copy.bsl");
        Tool.run("cp", "--sparse=always", volume(name), copy).ok();
        PlainKeys plain = PlainKeys.of(copy, opening);
        Files.delete(copy);
        assertEquals(RANGES, plain.deks().size(), "every range was written to, so each has a DEK");
        (KeyRing.comesAsText(name) ? told : ours).add("the volume key of " + name + " " + when, plain.volumeKey());
        plain.deks().forEach((range, dek) -> ours.add("the DEK of " + name + " " + range + " " + when, dek));
    }

    // Where they are looked for.

    /** Buffers of a connection hold what went over it last, and live as long as it does. */
    private static void awaitNoConnections(Server server, KeyRing ring) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (hasConnections(server, ring.ports())) {
            assertTrue(System.nanoTime() < deadline, "connections to key sources stay open");
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
        }
    }

    private static boolean hasConnections(Server server, Set<Integer> ports) throws Exception {
        for (String table : List.of("tcp", "tcp6")) {
            for (String line : Files.readAllLines(Path.of("/proc/" + server.pid() + "/net/" + table))) {
                String[] words = line.strip().split(" +");
                boolean established = words[3].equals("01");
                if (established && ports.contains(Integer.parseInt(words[2].replaceFirst(".*:", ""), 16))) {
                    return true;
                }
            }
        }
        return false;
    }

    private void search(Server server) throws Exception {
        Path process = Path.of("/proc/" + server.pid());
        nothingIn("arguments", Files.readAllBytes(process.resolve("cmdline")));
        nothingIn("environment", Files.readAllBytes(process.resolve("environ")));
        nothingIn("answers", String.join("\n", said).getBytes(StandardCharsets.UTF_8));
        Path all = folder.resolve("dumps/all.hprof");
        Path live = folder.resolve("dumps/live.hprof");
        // -all: with what the collector has not yet taken, where copies of keys would be.
        Tool.run("jcmd", server.pid(), "GC.heap_dump", "-all", all).ok();
        Tool.run("jcmd", server.pid(), "GC.heap_dump", live).ok();
        JavaHeap heap = JavaHeap.of(server.pid());
        MemoryMap map = MemoryMap.of(server.pid());
        Tool.run("gcore", "-o", folder.resolve("dumps/core"), server.pid()).ok();
        searchDumps(Files.readAllBytes(all), Files.readAllBytes(live));
        searchCore(new CoreFile(folder.resolve("dumps/core." + server.pid())), map, heap);
        searchMemory(server, map, heap);
        filesOfTheRun();
    }

    private void searchDumps(byte[] all, byte[] live) {
        Needles path = new Needles().add("a volume's path", volume("vault").toString());
        for (byte[] dump : List.of(all, live)) {
            assertEquals(path.count(), path.in(dump).size(), "what is certainly on the heap must be found");
            assertNone("the heap", ours.inEveryForm().in(dump));
            assertNone("the heap", told.in(dump));
        }
        assertNone("the live heap", collected.inEveryForm().in(live));
        assertNone("the heap", collected.asText().in(all));
        assertNone("the live heap", told.inEveryForm().in(live));
        assertNone("the live heap", proofs.inEveryForm().in(live));
        assertFalse(tokens.in(live).isEmpty(), "tokens of sessions are on the heap, so they must be found");
    }

    private void searchCore(CoreFile core, MemoryMap map, JavaHeap heap) throws Exception {
        List<Mapping> forKeys = map.all().stream().filter(Mapping::isForKeys).toList();
        assertFalse(forKeys.isEmpty(), "require-locked-keys is on");
        for (Mapping mapping : forKeys) {
            assertFalse(core.holds(mapping.from(), mapping.to()), "in the core file: " + mapping);
        }
        assertTrue(core.holds(heap.from(), heap.from() + 1), "the heap is not in the core file: is it one?");
        TreeSet<String> found = new TreeSet<>();
        core.search(everything(), (name, address) -> {
            Mapping mapping = map.at(address);
            if (!mayBeIn(mapping, name, heap)) {
                found.add(name + " in " + mapping);
            }
        });
        assertNone("the core file", found);
    }

    /** Also what no core file has: guests' buffers, and the memory for keys, where they have to be. */
    private void searchMemory(Server server, MemoryMap map, JavaHeap heap) throws Exception {
        ProcessMemory memory = new ProcessMemory(server.pid());
        TreeSet<String> found = new TreeSet<>();
        TreeSet<String> inTheirPlace = new TreeSet<>();
        memory.search(new Needles().addAll(ours, told, collected).inEveryForm(), (name, address) -> {
            Mapping mapping = map.at(address);
            if (mapping.isForKeys()) {
                inTheirPlace.add(name);
            } else if (!mayBeIn(mapping, name, heap)) {
                found.add(name + " in " + mapping);
            }
        });
        assertNone("memory that is not for keys", found);
        for (String volume : List.of("file", "words", "program", "token", "vault", "aws", "azure")) {
            assertTrue(
                    inTheirPlace.stream().anyMatch(name -> name.startsWith("the DEK of " + volume + " ")),
                    volume + ": its DEKs are in use, so they must be found in locked memory");
        }
        for (String client : List.of(NEW_CLIENT, OLD_CLIENT)) {
            assertTrue(inTheirPlace.contains("the pre-shared key of " + client + " from byte 0"), client);
        }
    }

    private Needles everything() {
        return new Needles().addAll(ours, told, proofs, tokens, collected).inEveryForm();
    }

    private boolean mayBeIn(Mapping mapping, String name, JavaHeap heap) {
        if (collected.names().stream().anyMatch(name::startsWith)) {
            return isAsBytes(collected, name) && heap.holds(mapping.from());
        }
        return mayPass(name) && mayPassThrough(mapping, heap);
    }

    private static boolean isAsBytes(Needles needles, String name) {
        return needles.names().stream().anyMatch(key -> name.startsWith(key + " from byte"));
    }

    /** Whether it is a text that another program sends or gets. As bytes a volume key passes through nothing but ours. */
    private boolean mayPass(String name) {
        boolean ofOurs = ours.names().stream().anyMatch(name::startsWith);
        return !ofOurs && !isAsBytes(told, name);
    }

    /**
     * Texts that another program sends or gets pass through the HTTP client, TLS and pipes of the JDK: its buffers are on the
     * Java heap and, for the network, on C's, its ciphers work on the thread's stack, and nobody wipes them.
     */
    private static boolean mayPassThrough(Mapping mapping, JavaHeap heap) {
        boolean ofMalloc = mapping.name().equals("[heap]")
                || (mapping.from() % MALLOC_ARENA_BYTES == 0 && mapping.flags().contains("nr"));
        // The virtual machine wants no huge pages for stacks.
        boolean stack = mapping.flags().contains("nh") && mapping.to() - mapping.from() <= STACK_BYTES_MAX;
        return heap.holds(mapping.from()) || ofMalloc || stack;
    }

    /** Volumes, the audit log, state, the configuration: everything that the daemon wrote or was told in files. */
    private void filesOfTheRun() throws Exception {
        for (String directory : List.of("volumes", "run")) {
            try (Stream<Path> files = Files.walk(folder.resolve(directory))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    nothingIn(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
        }
    }

    private void nothingIn(String what, byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        assertNone(what, everything().in(bytes));
        assertNone(what, everything().in(text.getBytes(StandardCharsets.ISO_8859_1)));
    }

    private static void assertNone(String where, Set<String> found) {
        assertTrue(found.isEmpty(), () -> "in " + where + ":\n" + String.join("\n", found));
    }
}
