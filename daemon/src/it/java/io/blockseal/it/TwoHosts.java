package io.blockseal.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;

/**
 * Two network namespaces of this machine, joined by a cable that can be made to lose, to hold up and to part: what two hosts
 * and the network between them are to programs. Each counts as dead who does not answer for some seconds, where a program
 * has no time of its own for that.
 */
final class TwoHosts implements AutoCloseable {
    static final String SERVER_ADDRESS = "10.77.0.1";
    private static final String CLIENT_ADDRESS = "10.77.0.2";

    /** Where the table of rules is; both directions pass it, the client's incoming and outgoing packets. */
    private static final String TABLE = "inet trouble";

    private final String server = "bsl-s" + ProcessHandle.current().pid();
    private final String client = "bsl-c" + ProcessHandle.current().pid();

    private TwoHosts() {}

    /** New ones, or the test is skipped, saying why. */
    static TwoHosts join() {
        Tool.needRoot("a network of one's own");
        Tool.need("ip", "nft", "tc", "sysctl", "python3");
        TwoHosts hosts = new TwoHosts();
        Tool.Result made = Tool.run("bash", "-euc", hosts.plan());
        if (made.exit() != 0) {
            hosts.close();
            assumeTrue(false, "no network namespaces here: " + made.all());
        }
        return hosts;
    }

    private String plan() {
        return String.join(
                "\n",
                "ip netns add " + server,
                "ip netns add " + client,
                "ip -n " + server + " link add cable type veth peer name cable netns " + client,
                end(server, SERVER_ADDRESS),
                end(client, CLIENT_ADDRESS));
    }

    private static String end(String host, String address) {
        return String.join(
                "\n",
                "ip -n " + host + " address add " + address + "/24 dev cable",
                "ip -n " + host + " link set cable up",
                "ip -n " + host + " link set lo up",
                "ip netns exec " + host + " sysctl -qw net.ipv4.tcp_retries2=4 net.ipv4.tcp_syn_retries=2"
                        + " net.ipv4.tcp_keepalive_time=2 net.ipv4.tcp_keepalive_intvl=1 net.ipv4.tcp_keepalive_probes=3",
                "ip netns exec " + host + " nft add table " + TABLE,
                "ip netns exec " + host + " nft add chain " + TABLE + " in '{ type filter hook input priority 0; }'");
    }

    /** The words that run a command at the server. */
    List<String> atServer() {
        return at(server);
    }

    /** The words that run a command at the client. */
    List<String> atClient() {
        return at(client);
    }

    private static List<String> at(String host) {
        return List.of("ip", "netns", "exec", host);
    }

    /** Of the packets in both directions so many in a hundred are lost. */
    void lose(int percent) {
        rule(server, "numgen random mod 100 < " + percent + " drop");
        rule(client, "numgen random mod 100 < " + percent + " drop");
    }

    /** Nothing gets through, in either direction. */
    void part() {
        rule(server, "iifname cable drop");
        rule(client, "iifname cable drop");
    }

    /** What the client sends arrives, what the server sends does not. */
    void losesWhatTheServerSends() {
        rule(client, "iifname cable drop");
    }

    /** What the server sends arrives, what the client sends does not. */
    void losesWhatTheClientSends() {
        rule(server, "iifname cable drop");
    }

    /** Somebody on the way ends connections, one packet in so many, each end hearing of it at its own time. */
    void reset(int oneIn) {
        String rule = "meta l4proto tcp numgen random mod " + oneIn + " == 0 reject with tcp reset";
        rule(server, rule);
        rule(client, rule);
    }

    /** No more than so many bits a second, with a short queue. */
    void narrow(String rate) {
        for (String host : List.of(server, client)) {
            shell("tc -n " + host + " qdisc replace dev cable root tbf rate " + rate + " burst 32kb limit 64kb");
        }
    }

    /** All is well again. */
    void heal() {
        for (String host : List.of(server, client)) {
            shell("ip netns exec " + host + " nft flush chain " + TABLE + " in; tc -n " + host
                    + " qdisc del dev cable root 2>/dev/null || true");
        }
    }

    private static void rule(String host, String rule) {
        shell("ip netns exec " + host + " nft add rule " + TABLE + " in '" + rule + "'");
    }

    private static void shell(String commands) {
        Tool.run("bash", "-euc", commands).ok();
    }

    /** Runs a program at the client to its end. */
    Tool.Result runAtClient(Object... command) {
        List<Object> words = new ArrayList<>(atClient());
        words.addAll(List.of(command));
        return Tool.run(words.toArray());
    }

    /** What a page of the server's says, as one reads it there. */
    String page(int port, String path) {
        List<Object> words = new ArrayList<>(atServer());
        words.addAll(List.of(
                "python3",
                "-c",
                "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=30).read().decode())",
                "http://127.0.0.1:" + port + path));
        return Tool.run(words.toArray()).ok().out();
    }

    @Override
    public void close() {
        Tool.run("bash", "-c", "ip netns del " + server + "; ip netns del " + client);
    }
}
