package io.blockseal.keysource.tang;

import static io.blockseal.fuzz.FuzzTarget.promise;

import com.nimbusds.jose.jwk.ECKey;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a Tang server shows, and what a key slot remembers of it. First byte: 0, the rest is the signed set of keys; else the
 * rest is a key slot's blob.
 */
public final class TangFuzz implements FuzzTarget {
    private static final String PAYLOAD =
            "eyJrZXlzIjogW3siYWxnIjogIkVDTVIiLCAiY3J2IjogIlAtNTIxIiwgImtleV9vcHMiOiBbImRlcml2ZUtleSJdLCAia3R5"
                    + "IjogIkVDIiwgIngiOiAiQVRMcW51Y2oyTG5lNlU2VWVmaFNTQ3gtRVE4OEJ3R0szX29KekZwWW05Znhpb2ljZVlDNmZ1ODVl"
                    + "U0xUWUtWNDQtT0NnWHVCOHg2UWt3M0lVOTRNU2l3LSIsICJ5IjogIkFYTzFzTHFpTUJVYkQ2MUh3UzFhSmJnR1hwSjNMRUFG"
                    + "ZjNkUEQ4MjVaRDBiQVAxc0c0ZTVsSlA4c1NWRjJnbDBxc2VuYUF4RVpzRTlfSEwwelBFY1lwc1QifSwgeyJhbGciOiAiRVM1"
                    + "MTIiLCAiY3J2IjogIlAtNTIxIiwgImtleV9vcHMiOiBbInZlcmlmeSJdLCAia3R5IjogIkVDIiwgIngiOiAiQUdKNGdPWXBN"
                    + "cE85U1lTNDhZQlBFUXVEY3hnX0tOd2llS1NXdDl4cUpmMFdHWVliTTVxLVowZWluUERteWRJMlBrdWRFRXZfQ3hianJBZVJK"
                    + "U3AzMEUtdSIsICJ5IjogIkFGbnJ2amRLbXlDRDRBbFdLcmJwSVlEUUxfLTdYSzVPa2tUdkhDQ3F3Z1VlZ0JBSFJoNkI1U1BY"
                    + "bE9RdjNJY2FZbnVvdkVGekxVWXBOQU5BYmMtZDdWejYifV19";
    private static final String PROTECTED = "eyJhbGciOiJFUzUxMiIsImN0eSI6Imp3ay1zZXQranNvbiJ9";
    private static final String SIGNATURE =
            "ALEFjELCUJ-6rU_5ZyUqgFf9e4brLrcsobR_zGoxBsp_8Z7H31wuP4Q5GXORJwTy5OPPY8U8YfkPlImtkaVpOtVaAGh2T3XC"
                    + "Z1CktkmshxHe5lPz4cNDdjFK9GWxyN2CCXvfZmNRtAHB9LeicNlJadfIzprU2iMg0bpAouCZJt03Wq2I";

    @Override
    public Seeds seeds() {
        byte[] answer = {0};
        String signature = "\"protected\":\"" + PROTECTED + "\",\"signature\":\"" + SIGNATURE + "\"";
        String payload = "{\"payload\":\"" + PAYLOAD + "\",";
        byte[] infinity = new byte[TangBlob.BYTES];
        byte[] points = new byte[TangBlob.BYTES];
        byte[] base = P521.encode(P521.publicOf(BigInteger.ONE));
        for (int i = 0; i < 3; i++) {
            System.arraycopy(base, 0, points, i * P521.POINT_BYTES, P521.POINT_BYTES);
        }
        return new Seeds()
                .add("flattened", answer, text(payload + signature + "}"))
                .add("general", answer, text(payload + "\"signatures\":[{" + signature + "}]}"))
                .add("unsigned", answer, text(payload + "\"signatures\":[]}"))
                .add("null", answer, text("null"))
                .add("points", new byte[] {1}, points)
                .add("infinity", new byte[] {1}, infinity);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void run(byte[] input) {
        byte[] rest = input.length == 0 ? input : Arrays.copyOfRange(input, 1, input.length);
        try {
            if (input.length == 0 || input[0] == 0) {
                Advertisement read = Advertisement.of(rest);
                ECKey signer = read.anySigner();
                promise(read.isSignedBy(signer), "a key has not signed");
                P521.point(read.exchanger());
            } else {
                promise(Arrays.equals(rest, TangBlob.decode(rest).encode()), "a slot changes when it is written");
            }
        } catch (IOException refused) {
            promise(refused.getMessage() != null, "refused without a word");
        }
    }
}
