package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A record prints all that it has unless it says otherwise; one that has a token has to. */
class SecretRecordsTest {
    private static final String CANARY = "hvs.CANARY";
    /** What secrets are called that are texts, since a header field of HTTP is one. */
    private static final Set<String> NAMES =
            Set.of("token", "secret", "password", "passphrase", "pin", "credential", "value", "text");
    /** Called so and no secret: the label of a PKCS#11 token, and the name of a key. */
    private static final Set<String> HARMLESS =
            Set.of("io.blockseal.keysource.pkcs11.Tokens$Name", "io.blockseal.keysource.aws.KeyArn");

    @Test
    void noRecordPrintsAToken() throws Exception {
        Set<String> tried = new TreeSet<>();
        for (JavaClass each : new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("io.blockseal.keysource")) {
            Class<?> type = each.reflect();
            if (type.isRecord() && !HARMLESS.contains(type.getName()) && hasSecret(type)) {
                tried.add(type.getSimpleName());
                assertFalse(withCanaries(type).toString().contains(CANARY), type.getName() + " prints a secret");
            }
        }
        assertTrue(tried.containsAll(Set.of("AccessToken", "Held", "VaultToken")), "these have tokens: " + tried);
    }

    private static boolean hasSecret(Class<?> type) {
        return Arrays.stream(type.getRecordComponents()).anyMatch(SecretRecordsTest::isSecret);
    }

    private static boolean isSecret(RecordComponent component) {
        return component.getType() == String.class && NAMES.contains(component.getName());
    }

    private static Object withCanaries(Class<?> type) throws Exception {
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            Class<?> of = components[i].getType();
            if (isSecret(components[i])) {
                values[i] = CANARY;
            } else if (of == String.class) {
                values[i] = "";
            } else if (of == int.class) {
                values[i] = 1;
            } else if (of == long.class) {
                values[i] = 1L;
            } else if (of == boolean.class) {
                values[i] = true;
            }
        }
        Constructor<?> canonical = type.getDeclaredConstructor(
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
        canonical.setAccessible(true);
        return canonical.newInstance(values);
    }
}
