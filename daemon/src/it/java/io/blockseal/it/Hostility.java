package io.blockseal.it;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import javax.net.ssl.SSLContext;

/** What hostile clients do, each kind in as many ways as there are seeds. */
enum Hostility {
    /** A handshake that is almost right. */
    FUZZED_HANDSHAKE {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.send(HostileBytes.mutated(HostileBytes.handshake(victim.export, random), random));
            return leave(wire, random);
        }
    },
    /** The same, behind a TLS handshake that is in order. */
    FUZZED_HANDSHAKE_IN_TLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.askForTls();
            wire.secure(victim.tls);
            wire.send(HostileBytes.mutated(HostileBytes.handshake(victim.export, random), random));
            return leave(wire, random);
        }
    },
    /** A TLS handshake that is almost right. */
    FUZZED_TLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.askForTls();
            wire.send(HostileBytes.mutated(HostileBytes.clientHello(victim.tls), random));
            return leave(wire, random);
        }
    },
    /** A TLS handshake in order, cut into small pieces, and given up when the server has done its part. */
    HALF_TLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.askForTls();
            byte[] hello = HostileBytes.clientHello(victim.tls);
            int piece = 1 + random.nextInt(hello.length);
            for (int at = 0; at < hello.length; at += piece) {
                wire.send(Arrays.copyOfRange(hello, at, Math.min(hello.length, at + piece)));
            }
            wire.take(5 + random.nextInt(80));
            return leave(wire, random);
        }
    },
    /** Bytes in the clear right behind STARTTLS, as somebody on the way would put them there. */
    INJECTED_BEHIND_STARTTLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            byte[] injected = random.nextBoolean()
                    ? HostileBytes.go(victim.export)
                    : HostileBytes.noise(1 + random.nextInt(300), random);
            wire.take(HostileBytes.GREETING_BYTES);
            wire.send(HostileBytes.join(
                    HostileBytes.flags(3), HostileBytes.option(HostileBytes.STARTTLS, new byte[0]), injected));
            wire.untilHungUp();
            return Afterwards.GONE;
        }
    },
    /** STARTTLS, and then on in the clear. */
    NO_TLS_BEHIND_STARTTLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.askForTls();
            wire.send(HostileBytes.handshake(victim.export, random));
            wire.untilHungUp();
            return Afterwards.GONE;
        }
    },
    /** A part of a handshake, and then nothing for as long as the server bears it. */
    SLOW_LORIS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            byte[] sound = HostileBytes.handshake(victim.export, random);
            // Not so far that it has opened anything.
            wire.send(Arrays.copyOf(sound, random.nextInt(sound.length - 20)));
            return random.nextInt(4) == 0 ? Afterwards.WAITS_UNOPENED : leave(wire, random);
        }
    },
    /** Likewise, within a TLS handshake. */
    SLOW_LORIS_IN_TLS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.askForTls();
            byte[] hello = HostileBytes.clientHello(victim.tls);
            wire.send(Arrays.copyOf(hello, random.nextInt(hello.length)));
            return random.nextInt(4) == 0 ? Afterwards.WAITS_UNOPENED : leave(wire, random);
        }
    },
    /** Connected, and not one byte. */
    HALF_OPEN {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            return random.nextInt(4) == 0 ? Afterwards.WAITS_UNOPENED : leave(wire, random);
        }
    },
    /** More options than a handshake has. */
    OPTION_FLOOD {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            byte[] option = random.nextBoolean()
                    ? HostileBytes.option(HostileBytes.LIST, new byte[0])
                    : HostileBytes.option(random.nextInt(200), HostileBytes.noise(random.nextInt(32), random));
            byte[][] many = new byte[2001][];
            Arrays.fill(many, option);
            many[0] = HostileBytes.flags(3);
            wire.send(HostileBytes.join(many));
            wire.untilHungUp();
            return Afterwards.GONE;
        }
    },
    /** An option that says to be longer than any. */
    HUGE_OPTION {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            int length = random.nextBoolean() ? -1 - random.nextInt(100) : (64 << 10) + random.nextInt(1 << 30);
            wire.send(HostileBytes.join(
                    HostileBytes.flags(3),
                    HostileBytes.optionHeader(random.nextInt(12), length),
                    HostileBytes.noise(random.nextInt(8192), random)));
            wire.untilHungUp();
            return Afterwards.GONE;
        }
    },
    /** As many meta contexts in each option as fit, again and again. */
    META_CONTEXT_FLOOD {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            String query = random.nextBoolean() ? "base:" : "x";
            byte[] option = HostileBytes.metaContexts(
                    random.nextBoolean() ? HostileBytes.LIST_META_CONTEXT : HostileBytes.SET_META_CONTEXT,
                    victim.export,
                    400,
                    query);
            byte[][] many = new byte[600][];
            Arrays.fill(many, option);
            wire.send(HostileBytes.join(
                    HostileBytes.flags(3), HostileBytes.option(HostileBytes.STRUCTURED_REPLY, new byte[0])));
            wire.send(HostileBytes.join(many));
            wire.untilHungUp();
            return Afterwards.GONE;
        }
    },
    /** Requests for what lies beyond the export's end, of lengths that no client asks for, or of no kind there is. */
    OUT_OF_BOUNDS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.send(HostileBytes.join(HostileBytes.flags(3), HostileBytes.go(victim.export)));
            for (int i = 0; i < 20; i++) {
                int command = random.nextInt(10);
                long offset = random.nextBoolean() ? random.nextLong() : Victim.BYTES - random.nextInt(8192);
                // The length of a WRITE says how much follows, and nothing does.
                int length = command == HostileBytes.WRITE ? 0 : random.nextInt();
                wire.send(HostileBytes.request(random.nextInt(1 << 8), command, i, offset, length));
            }
            return leave(wire, random);
        }
    },
    /** Requests that are almost right, in an export that is open. */
    FUZZED_REQUESTS {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            wire.send(HostileBytes.join(HostileBytes.flags(3), HostileBytes.go(victim.export)));
            byte[] requests = HostileBytes.join(
                    HostileBytes.request(0, HostileBytes.READ, 1, 0, 65536),
                    HostileBytes.request(0, HostileBytes.WRITE, 2, 4096L * random.nextInt(1000), 512),
                    HostileBytes.noise(512, random),
                    HostileBytes.request(0, HostileBytes.READ, 3, 4096, 512));
            wire.send(HostileBytes.mutated(requests, random));
            return leave(wire, random);
        }
    },
    /** Gone in the midst of what it writes. */
    GONE_IN_A_PAYLOAD {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            int length = 1 << (9 + random.nextInt(12));
            wire.send(HostileBytes.join(HostileBytes.flags(3), HostileBytes.go(victim.export)));
            wire.send(HostileBytes.request(0, HostileBytes.WRITE, 7, 8 << 20, length));
            wire.send(HostileBytes.noise(random.nextInt(length), random));
            return leave(wire, random);
        }
    },
    /** Asks for much, and takes nothing. */
    REPLIES_NEVER_READ {
        @Override
        Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException {
            if (random.nextInt(4) == 0) {
                wire.askForTls();
                wire.secure(victim.tls);
            }
            wire.send(HostileBytes.join(HostileBytes.flags(3), HostileBytes.go(victim.export)));
            for (int i = 0; i < 64; i++) {
                wire.send(HostileBytes.request(0, HostileBytes.READ, i, (long) i << 20, 1 << 20));
            }
            if (random.nextInt(8) == 0) {
                return Afterwards.NEVER_READS;
            }
            wire.reset();
            return Afterwards.GONE;
        }
    };

    /** What has become of a client when it has done what it does. */
    enum Afterwards {
        /** Nothing is left of it, but for what the server may have kept. */
        GONE,
        /** It stays, and has not opened anything: the server's clock runs. */
        WAITS_UNOPENED,
        /** It stays, and could for ever. */
        NEVER_READS
    }

    /** What is attacked: an export of 64 MiB that nobody else uses, and TLS that trusts the server. */
    record Victim(String export, SSLContext tls) {
        static final long BYTES = 64L << 20;
    }

    /**
     * Does it. An exception says that the server has cut it off, which is its right.
     */
    abstract Afterwards against(Victim victim, HostileWire wire, Random random) throws IOException;

    private static Afterwards leave(HostileWire wire, Random random) throws IOException {
        switch (random.nextInt(3)) {
            case 0 -> wire.reset();
            case 1 -> wire.endAndReadOut();
            default -> wire.close();
        }
        return Afterwards.GONE;
    }
}
