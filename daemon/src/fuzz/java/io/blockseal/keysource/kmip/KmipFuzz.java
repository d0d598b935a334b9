package io.blockseal.keysource.kmip;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What a KMIP server answers, and what a key slot remembers of it. First byte: 0 to 4, the rest is the answer to that
 * operation; 5, the same with the length of the outermost structure made right; else the rest is a key slot's blob.
 */
public final class KmipFuzz implements FuzzTarget {
    private static final int REPAIRED = 5;
    private static final String HEADER =
            "42007a0100000048420069010000002042006a0200000004000000010000000042006b0200000004000000040000"
                    + "00004200920900000008000000006b49d20142000d02000000040000000100000000";

    private static final Operation[] OPERATIONS = Operation.values();

    /** The answers are PyKMIP's (test resource {@code vectors/pykmip-messages.txt}), but for their common header. */
    @Override
    public Seeds seeds() {
        byte[] blob = new byte[1 + 40 + 12 + 32 + 16];
        blob[0] = (byte) ServerCipher.GCM.code();
        byte[] unknown = blob.clone();
        unknown[0] = 0;
        byte[] counter = Arrays.copyOf(blob, 1 + 40 + 16 + 32);
        counter[0] = (byte) ServerCipher.CTR.code();
        return new Seeds()
                .addHex(
                        "locate",
                        "00" + "42007b01000000b0" + HEADER
                                + "42000f010000005842005c0500000004000000080000000042007f0500000004000000000000000042007c010000"
                                + "00304200d502000000040000000200000000420094070000000469642d3100000000420094070000000469642d32"
                                + "00000000")
                .addHex(
                        "get-attributes",
                        "01" + "42007b0100000190" + HEADER
                                + "42000f010000013842005c05000000040000000b0000000042007f0500000004000000000000000042007c010000"
                                + "0110420094070000000469642d3100000000420008010000002042000a0700000005537461746500000042000b05"
                                + "000000040000000300000000420008010000003042000a070000001743727970746f6772617068696320416c676f"
                                + "726974686d0042000b05000000040000000300000000420008010000003042000a070000001443727970746f6772"
                                + "6170686963204c656e6774680000000042000b02000000040000010000000000420008010000003042000a070000"
                                + "001843727970746f67726170686963205573616765204d61736b42000b02000000040000000c0000000042000801"
                                + "0000002842000a070000000c496e697469616c20446174650000000042000b09000000080000000047da67f8")
                .addHex(
                        "discover-versions",
                        "02" + "42007b01000000f8" + HEADER
                                + "42000f01000000a042005c05000000040000001e0000000042007f0500000004000000000000000042007c010000"
                                + "0078420069010000002042006a0200000004000000020000000042006b0200000004000000000000000042006901"
                                + "0000002042006a0200000004000000010000000042006b0200000004000000040000000042006901000000204200"
                                + "6a0200000004000000010000000042006b02000000040000000200000000")
                .addHex(
                        "encrypt-gcm",
                        "03" + "42007b01000000d0" + HEADER
                                + "42000f010000007842005c05000000040000001f0000000042007f0500000004000000000000000042007c010000"
                                + "0050420094070000000469642d31000000004200c20800000020000102030405060708090a0b0c0d0e0f10111213"
                                + "1415161718191a1b1c1d1e1f4200ff0800000010000102030405060708090a0b0c0d0e0f")
                .addHex(
                        "decrypt",
                        "04" + "42007b01000000b8" + HEADER
                                + "42000f010000006042005c0500000004000000200000000042007f0500000004000000000000000042007c010000"
                                + "0038420094070000000469642d31000000004200c208000000205555555555555555555555555555555555555555"
                                + "555555555555555555555555")
                .addHex(
                        "denied",
                        "04" + "42007b01000000b0" + HEADER
                                + "42000f010000005842005c0500000004000000200000000042007f0500000004000000010000000042007e050000"
                                + "00040000000c0000000042007d070000001d436f756c64206e6f74206c6f63617465206f626a6563743a2069642d"
                                + "31000000")
                .addHex(
                        "not-understood",
                        "04" + "42007b0100000088" + HEADER
                                + "42000f010000003042007f0500000004000000010000000042007e0500000004000000040000000042007d070000"
                                + "00026e6f000000000000")
                .addHex("huge", "0442007b01fffffff8")
                .addHex("odd-filling", "0042007b0100000010420094070000000161ff000000000000")
                .addHex("too-short", "0542007b01000000004200940700000001610000000000")
                .addHex(
                        "nested",
                        "00"
                                + "42007a010000009842007a010000009042007a010000008842007a010000008042007a010000007842007a010000"
                                + "007042007a010000006842007a010000006042007a010000005842007a010000005042007a010000004842007a01"
                                + "0000004042007a010000003842007a010000003042007a010000002842007a010000002042007a01000000184200"
                                + "7a010000001042007a010000000842007a0100000000")
                .add("slot-gcm", new byte[] {6}, blob)
                .add("slot-ctr", new byte[] {6}, counter)
                .add("slot-unknown", new byte[] {6}, unknown);
    }

    @Override
    public void run(byte[] input) {
        int how = input.length == 0 ? 0 : input[0] & 0xff;
        byte[] rest = input.length == 0 ? input : Arrays.copyOfRange(input, 1, input.length);
        if (how > REPAIRED) {
            WrappedBlob blob = WrappedBlob.decode(rest);
            promise(blob == null || Arrays.equals(rest, blob.encode()), "a slot changes when it is written");
            return;
        }
        if (how == REPAIRED && rest.length >= TtlvItem.HEADER_BYTES) {
            ByteBuffer.wrap(rest).putInt(Integer.BYTES, rest.length - TtlvItem.HEADER_BYTES);
        }
        byte[] sent = rest.clone();
        try {
            announced(rest);
            read(rest, OPERATIONS[how % OPERATIONS.length]);
        } catch (IOException refused) {
            promise(refused.getMessage() != null, "refused without a word");
            promise(isZero(rest) || Arrays.equals(sent, rest), "half of an answer is wiped");
        }
    }

    private static void announced(byte[] message) {
        if (message.length >= TtlvItem.HEADER_BYTES) {
            int bytes = TtlvItem.messageBytes(Arrays.copyOf(message, TtlvItem.HEADER_BYTES), Tag.RESPONSE_MESSAGE);
            promise(bytes <= TtlvItem.MESSAGE_BYTES_MAX, "room is made for what nobody asked for");
        }
    }

    private static void read(byte[] message, Operation asked) throws IOException {
        KmipReply reply = KmipReply.of(message, asked);
        try (reply) {
            String printed = reply.requestId() + reply.words() + reply.reason();
            promise(printed.chars().noneMatch(Character::isISOControl), "a log line can be broken");
            if (reply.isSuccessful()) {
                TtlvItem payload = reply.payload();
                walk(payload, 0);
                use(payload, asked);
            }
        } finally {
            promise(isZero(message), "an answer is left behind");
        }
    }

    private static void use(TtlvItem payload, Operation asked) throws IOException {
        switch (asked) {
            case LOCATE -> payload.require(Tag.UNIQUE_IDENTIFIER).text();
            case GET_ATTRIBUTES -> KeyObject.of("id", payload);
            case DISCOVER_VERSIONS -> ProtocolVersion.of(payload.require(Tag.PROTOCOL_VERSION));
            default -> payload.require(Tag.DATA).bytes();
        }
    }

    /** All that is accepted stays within the message, and is told by one accessor. */
    private static void walk(TtlvItem item, int depth) throws IOException {
        promise(depth <= TtlvItem.HEADER_BYTES + TtlvItem.ALIGNMENT, "nested too deeply");
        promise(item.lengthBytes() >= 0 && item.lengthBytes() <= TtlvItem.MESSAGE_BYTES_MAX, "a length is no length");
        switch (item.type()) {
            case INTEGER, ENUMERATION, INTERVAL -> item.number();
            case LONG_INTEGER, DATE_TIME -> item.longNumber();
            case BOOLEAN -> item.isTrue();
            case TEXT_STRING -> item.text();
            case BIG_INTEGER, BYTE_STRING ->
                promise(item.bytes().length == item.lengthBytes(), "bytes of another length");
            default -> {
                // A structure, or what no accessor is for.
            }
        }
        for (TtlvItem each : item.children()) {
            walk(each, depth + 1);
        }
    }

    private static boolean isZero(byte[] bytes) {
        for (byte each : bytes) {
            if (each != 0) {
                return false;
            }
        }
        return true;
    }
}
