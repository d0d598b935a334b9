package io.blockseal;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaModifier.FINAL;
import static com.tngtech.archunit.core.domain.JavaModifier.STATIC;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.blockseal.block.BlockChannel;
import io.blockseal.block.Completion;
import io.blockseal.block.HotPath;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.Memory;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.host.RollbackAnchors;
import io.blockseal.volume.host.StateFile;
import io.blockseal.volume.metadata.RetryTimer;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import io.netty.buffer.ByteBuf;
import java.io.Serializable;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.NullMarked;

/**
 * The house rules that a machine can check: who may know whom, who may see a key, and what must not happen on the path
 * of every request. A broken rule names its reason; docs/architecture.md draws the house.
 */
@AnalyzeClasses(packages = "io.blockseal", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final Set<Class<?>> BOXES = Set.of(
            Boolean.class,
            Byte.class,
            Character.class,
            Short.class,
            Integer.class,
            Long.class,
            Float.class,
            Double.class);

    /** Methods of hot classes that no request calls: text for people, pools on their way to full size, set-up. */
    private static final Set<String> MAY_ALLOCATE = Set.of("toString", "describe", "grow", "open", "facts");

    // spotless:off
    /** One line a floor, top to bottom: what the floor may use. What is not in the line is refused. */
    @ArchTest
    static final ArchRule floors = layeredArchitecture().consideringOnlyDependenciesInLayers()
            .layer("app").definedBy("io.blockseal.app..")
            .layer("admin").definedBy("io.blockseal.admin..")
            .layer("control").definedBy("io.blockseal.control..")
            .layer("server").definedBy("io.blockseal.server..")
            .layer("access").definedBy("io.blockseal.access..")
            .layer("export").definedBy("io.blockseal.export..")
            .layer("transfer").definedBy("io.blockseal.transfer..")
            .layer("device").definedBy("io.blockseal.device..")
            .layer("rotation").definedBy("io.blockseal.rotation..")
            .layer("volume").definedBy("io.blockseal.volume..")
            .layer("keysource").definedBy("io.blockseal.keysource..")
            .layer("format").definedBy("io.blockseal.format..")
            .layer("store").definedBy("io.blockseal.store..")
            .layer("crypto").definedBy("io.blockseal.crypto..")
            .layer("block").definedBy("io.blockseal.block..")
            .layer("memory").definedBy("io.blockseal.memory..")
            .layer("metrics").definedBy("io.blockseal.metrics..")
            .layer("config").definedBy("io.blockseal.config..")
            .layer("audit").definedBy("io.blockseal.audit..")
            .layer("job").definedBy("io.blockseal.job..")
            .layer("client").definedBy("io.blockseal.client..")
            .layer("nbd").definedBy("io.blockseal.nbd..")
            .layer("shim").definedBy("io.blockseal.shim..")

            .whereLayer("app").mayNotBeAccessedByAnyLayer()
            .whereLayer("admin").mayOnlyAccessLayers("server", "export", "volume", "metrics", "job")
            .whereLayer("control").mayOnlyAccessLayers("server", "job")
            .whereLayer("server").mayOnlyAccessLayers("export", "block", "memory", "metrics", "nbd")
            .whereLayer("access").mayOnlyAccessLayers("export")
            .whereLayer("export").mayOnlyAccessLayers("device", "block", "metrics")
            .whereLayer("transfer").mayOnlyAccessLayers(
                    "device", "volume", "store", "client", "nbd", "block", "memory", "job")
            .whereLayer("device").mayOnlyAccessLayers("volume", "store", "crypto", "block", "memory", "metrics")
            .whereLayer("rotation").mayOnlyAccessLayers(
                    "volume", "store", "crypto", "block", "memory", "metrics", "audit", "job")
            .whereLayer("volume").mayOnlyAccessLayers(
                    "keysource", "format", "store", "crypto", "block", "memory", "metrics", "audit", "job")
            .whereLayer("keysource").mayOnlyAccessLayers("crypto", "memory", "shim")
            .whereLayer("format").mayOnlyAccessLayers("crypto", "memory")
            .whereLayer("store").mayOnlyAccessLayers("client", "nbd", "block", "memory", "metrics", "shim")
            .whereLayer("crypto").mayOnlyAccessLayers("memory", "shim")
            .whereLayer("block").mayOnlyAccessLayers("memory")
            .whereLayer("memory").mayOnlyAccessLayers("shim")
            .whereLayer("metrics").mayNotAccessAnyLayer()
            .whereLayer("config").mayNotAccessAnyLayer()
            .whereLayer("audit").mayNotAccessAnyLayer()
            .whereLayer("job").mayNotAccessAnyLayer()
            .whereLayer("client").mayOnlyAccessLayers("nbd")
            .whereLayer("nbd").mayNotAccessAnyLayer()
            .whereLayer("shim").mayNotAccessAnyLayer()

            .whereLayer("config").mayOnlyBeAccessedByLayers("app")
            .ignoreDependency(alwaysTrue(), equivalentTo(HotPath.class))
            .because("a request walks down one staircase; whoever knows the floor above can no longer be read alone");

    /** The rooms of the floor that holds the key table. */
    @ArchTest
    static final ArchRule roomsOfTheVolume = layeredArchitecture().consideringOnlyDependenciesInLayers()
            .layer("header").definedBy("io.blockseal.volume.header")
            .layer("check").definedBy("io.blockseal.volume.check")
            .layer("volume").definedBy("io.blockseal.volume")
            .layer("slot").definedBy("io.blockseal.volume.slot")
            .layer("metadata").definedBy("io.blockseal.volume.metadata")
            .layer("host").definedBy("io.blockseal.volume.host")
            .layer("table").definedBy("io.blockseal.volume.table")

            .whereLayer("header").mayNotBeAccessedByAnyLayer()
            .whereLayer("check").mayOnlyBeAccessedByLayers("header")
            .whereLayer("volume").mayOnlyBeAccessedByLayers("check", "header")
            .whereLayer("slot").mayOnlyAccessLayers("metadata", "table")
            .whereLayer("metadata").mayOnlyAccessLayers("host", "table")
            .whereLayer("host").mayNotAccessAnyLayer()
            .whereLayer("table").mayNotAccessAnyLayer()

            .ignoreDependency(alwaysTrue(), nameMatching("io\\.blockseal\\.volume\\.VolumeRefusedException.*"))
            .because("bytes on a store are read without knowing the volume that is made of them");

    /** The rooms of the highest floor. */
    @ArchTest
    static final ArchRule roomsOfTheProgram = layeredArchitecture().consideringOnlyDependenciesInLayers()
            .layer("program").definedBy("io.blockseal.app")
            .layer("command").definedBy("io.blockseal.app.command")
            .layer("daemon").definedBy("io.blockseal.app.daemon")
            .layer("desk").definedBy("io.blockseal.app.desk")
            .layer("reload").definedBy("io.blockseal.app.reload")
            .layer("served").definedBy("io.blockseal.app.served")
            .layer("erase").definedBy("io.blockseal.app.erase")
            .layer("tls").definedBy("io.blockseal.app.tls")
            .layer("tending").definedBy("io.blockseal.app.tending")
            .layer("verb").definedBy("io.blockseal.app.verb")
            .layer("transfer").definedBy("io.blockseal.app.transfer")
            .layer("key").definedBy("io.blockseal.app.key")
            .layer("setup").definedBy("io.blockseal.app.setup")
            .layer("audit").definedBy("io.blockseal.app.audit")
            .layer("host").definedBy("io.blockseal.app.host")
            .layer("console").definedBy("io.blockseal.app.console")

            .whereLayer("program").mayNotBeAccessedByAnyLayer()
            .whereLayer("command").mayOnlyBeAccessedByLayers("program")
            .whereLayer("daemon").mayOnlyBeAccessedByLayers("command")
            .whereLayer("desk").mayOnlyAccessLayers("reload", "served", "verb", "transfer", "audit", "console")
            .whereLayer("reload").mayOnlyAccessLayers("served", "setup", "console")
            .whereLayer("served").mayOnlyAccessLayers("erase", "tending", "verb", "key", "setup", "console")
            .whereLayer("erase").mayOnlyAccessLayers("verb", "console")
            .whereLayer("tls").mayOnlyAccessLayers("tending", "console")
            .whereLayer("tending").mayOnlyAccessLayers("verb", "console")
            .whereLayer("verb").mayOnlyAccessLayers("transfer", "key", "setup", "console")
            .whereLayer("transfer").mayOnlyAccessLayers("setup", "console")
            .whereLayer("key").mayOnlyAccessLayers("setup", "console")
            .whereLayer("setup").mayOnlyAccessLayers("audit", "host", "console")
            .whereLayer("audit").mayOnlyAccessLayers("host", "console")
            .whereLayer("host").mayOnlyAccessLayers("console")
            .whereLayer("console").mayNotAccessAnyLayer()

            .because("an order, a volume that is served and the words for an error can each be read without the rest");
    // spotless:on

    @ArchTest
    static final ArchRule whatIsBehindAVolumeIsItsOwn = noClasses()
            .that()
            .resideOutsideOfPackage("io.blockseal.volume..")
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                            "io.blockseal.volume.table",
                            "io.blockseal.volume.host",
                            "io.blockseal.volume.metadata",
                            "io.blockseal.volume.slot")
                    .and(not(belongToAnyOf(
                            RangeWord.class,
                            RollbackAnchors.class,
                            StateFile.class,
                            VolumeStores.class,
                            RetryTimer.class))))
            .because("whoever could change the table or a commit from outside could break what a commit promises");

    @ArchTest
    static final ArchRule noCycles = slices().matching("io.blockseal.(*)..")
            .should()
            .beFreeOfCycles()
            .ignoreDependency(alwaysTrue(), equivalentTo(HotPath.class))
            .because("two packages that know each other are one package with two names");

    @ArchTest
    static final ArchRule theProtocolKnowsNoCrypto = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.blockseal.server..", "io.blockseal.control..", "io.blockseal.nbd..", "io.blockseal.client..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.blockseal.crypto..", "io.blockseal.volume..", "io.blockseal.keysource..", "javax.crypto..")
            .because("what a stranger's bytes reach first must have no way to a key");

    @ArchTest
    static final ArchRule cryptoKnowsNoInputOrOutput = noClasses()
            .that()
            .resideInAPackage("io.blockseal.crypto..")
            .should()
            .dependOnClassesThat(
                    nameMatching(
                            "java\\.io\\.(File|RandomAccess|Buffered|Print).*|java\\.nio\\.(file|channels)\\..*|java\\.net\\..*|io\\.netty\\..*"))
            .because("a key that cannot reach a file or a socket cannot leak through one");

    @ArchTest
    static final ArchRule theFormatDoesNoInputOrOutput = noClasses()
            .that()
            .resideInAPackage("io.blockseal.format..")
            .should()
            .dependOnClassesThat(
                    nameMatching(
                            "java\\.io\\.(File|RandomAccess|Buffered|Print).*|java\\.nio\\.(file|channels)\\..*|java\\.net\\..*|io\\.netty\\..*"))
            .because("a layout that only maps bytes can be fuzzed and compared with the Python reader");

    @ArchTest
    static final ArchRule onlyTheShimKnowsJnr = noClasses()
            .that()
            .resideOutsideOfPackage("io.blockseal.shim..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("jnr..", "com.kenai..")
            .because("its traps (a sixth argument arrives as garbage) are dealt with in one place");

    @ArchTest
    static final ArchRule onlyKeySourcesSpeakHttpToOthers = noClasses()
            .that()
            .resideOutsideOfPackage("io.blockseal.keysource..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.net.http..")
            .because("a vault is the only thing outside that the daemon calls");

    @ArchTest
    static final ArchRule onlyAppOwnsTheProcess = noClasses()
            .that()
            .resideOutsideOfPackage("io.blockseal.app..")
            .should()
            .callMethod(System.class, "exit", int.class)
            .orShould()
            .callMethod(System.class, "getenv")
            .orShould()
            .callMethod(System.class, "getenv", String.class)
            .orShould()
            .callMethod(Runtime.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "halt", int.class)
            .orShould()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err")
            .orShould()
            .accessField(System.class, "in")
            .orShould()
            .callMethodWhere(JavaCall.Predicates.target(nameMatching("printStackTrace")))
            .because("environment, terminal and exit code belong to the command line; everybody else gets arguments");

    @ArchTest
    static final ArchRule oneWayToLog = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.util.logging..", "io.netty.util.internal.logging..")
            .orShould()
            .dependOnClassesThat(assignableTo(System.Logger.class))
            .because("logs go through SLF4J, where one place decides what is printed");

    @ArchTest
    static final ArchRule onlyAppConfiguresLogging = noClasses()
            .that()
            .resideOutsideOfPackage("io.blockseal.app..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("ch.qos.logback..", "picocli..")
            .because("the other packages can be used by a program with another command line and another log");

    @ArchTest
    static final ArchRule secretIsFinal = classes()
            .that()
            .areAssignableTo(Secret.class)
            .should()
            .haveModifier(FINAL)
            .andShould(beTheClass(Secret.class))
            .because("a subclass could print, copy or forget to wipe the key");

    @ArchTest
    static final ArchRule keyBytesNeedAReason = methods()
            .that()
            .areDeclaredInClassesThat(assignableTo(Secret.class).or(assignableTo(KeyArena.class)))
            .and(handOutBytes())
            .should(takeASecretAccess())
            .because("a search for SecretAccess must find every place where key bytes leave locked memory");

    @ArchTest
    static final ArchRule keysAreNotSerialised = noClasses()
            .that(assignableTo(Secret.class)
                    .or(assignableTo(KeyArena.class))
                    .or(assignableTo(CryptoEngine.class))
                    .or(assignableTo(KeySource.class)))
            .should()
            .beAssignableTo(Serializable.class)
            .because("what can be written to a stream will be, to a log or a cache");

    @ArchTest
    static final ArchRule keysAreHandles = noMethods()
            .that()
            .areDeclaredInClassesThat()
            .resideOutsideOfPackages("io.blockseal.crypto..")
            .and()
            .areNotPrivate()
            .and(returnBytes())
            .should()
            .haveNameMatching(
                    "(?i)(get|raw|plain|new|old|to)?(dek|kek|key|volumekey|datakey|secret|passphrase|pin)s?(bytes)?")
            .because("a key outside the arena has to be a Secret or a handle, and not bytes that nobody wipes");

    @ArchTest
    static final ArchRule fewSeeKeyBytes = noClasses()
            .that()
            .resideOutsideOfPackages("io.blockseal.crypto..", "io.blockseal.keysource..", "io.blockseal.app..")
            .should()
            .dependOnClassesThat(equivalentTo(SecretAccess.class))
            .because("only those who must show or store a key may ask for its bytes");

    @ArchTest
    static final ArchRule nothingIsNullUnlessItSaysSo = classes()
            .should(liveInANullMarkedPackage())
            .because("a package without @NullMarked in its package-info is one that NullAway does not look at");

    @ArchTest
    static final ArchRule whatEveryRequestPassesIsMarked = classes()
            .that(assignableTo(BlockChannel.class)
                    .or(assignableTo(Completion.class))
                    .or(assignableTo(DekCache.class))
                    .or(assignableTo(XtsEngine.class)))
            .and()
            .areNotInterfaces()
            .should(beHot())
            .because("the rules for the hot path hold only where @HotPath says that it is");

    @ArchTest
    static final ArchRule theHotPathDoesNotWait = noClasses()
            .that(areHot())
            .should()
            .callMethodWhere(waiting())
            .because("who waits on an event loop holds up every other client of that loop");

    @ArchTest
    static final ArchRule theHotPathIsQuiet = noClasses()
            .that(areHot())
            .should()
            .callMethodWhere(JavaCall.Predicates.target(ownedBy("org.slf4j", "java.util.stream", "java.util.Optional")))
            .orShould()
            .callMethodWhere(JavaCall.Predicates.target(nameMatching("format|formatted"))
                    .and(JavaCall.Predicates.target(ownedBy("java.lang.String"))))
            .orShould()
            .callMethodWhere(boxing())
            .because("one log line, stream or box per request is a hundred thousand a second");

    @ArchTest
    static final ArchRule theHotPathMakesNothing = classes()
            .that(areHot())
            .should(constructNothingOutsideConstructors())
            .because("what is allocated per request is collected per request, and then everybody waits");

    /** Marked, or inside a class that is. */
    private static DescribedPredicate<JavaClass> areHot() {
        return DescribedPredicate.describe("are on the hot path", ArchitectureTest::isHot);
    }

    private static boolean isHot(JavaClass type) {
        return type.isAnnotatedWith(HotPath.class)
                || type.getEnclosingClass().map(ArchitectureTest::isHot).orElse(false);
    }

    private static ArchCondition<JavaClass> beHot() {
        return new ArchCondition<>("be marked @HotPath") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                events.add(new SimpleConditionEvent(type, isHot(type), type.getName() + " is not marked @HotPath"));
            }
        };
    }

    private static ArchCondition<JavaClass> liveInANullMarkedPackage() {
        return new ArchCondition<>("live in a package whose package-info says @NullMarked") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean marked = type.getPackage()
                        .tryGetPackageInfo()
                        .map(info -> info.isAnnotatedWith(NullMarked.class))
                        .orElse(false);
                events.add(new SimpleConditionEvent(type, marked, type.getName() + " is in a package without it"));
            }
        };
    }

    /** Sleeping, parking, waiting for another thread's result. */
    private static DescribedPredicate<JavaCall<?>> waiting() {
        return DescribedPredicate.describe("wait for another thread", call -> {
            String owner = call.getTargetOwner().getName();
            String name = call.getTarget().getName();
            return switch (name) {
                case "sleep", "join" -> owner.equals("java.lang.Thread") || owner.startsWith("java.util.concurrent.");
                case "wait" -> call.getTarget().getOwner().isEquivalentTo(Object.class);
                case "park", "parkNanos", "lock", "lockInterruptibly", "acquire", "await" ->
                    owner.startsWith("java.util.concurrent.");
                case "get" -> owner.startsWith("java.util.concurrent.") && owner.endsWith("Future");
                case "take" -> owner.startsWith("java.util.concurrent.") && owner.endsWith("Queue");
                case "sync", "awaitUninterruptibly" -> owner.startsWith("io.netty.");
                default -> false;
            };
        });
    }

    private static ArchCondition<JavaClass> beTheClass(Class<?> type) {
        return new ArchCondition<>("be " + type.getSimpleName() + " itself") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                events.add(new SimpleConditionEvent(item, item.isEquivalentTo(type), item.getDescription()));
            }
        };
    }

    private static DescribedPredicate<JavaMethod> returnBytes() {
        return DescribedPredicate.describe("return bytes", method -> {
            JavaClass type = method.getRawReturnType();
            return type.isEquivalentTo(byte[].class) || type.isAssignableTo(ByteBuffer.class);
        });
    }

    /** By what they return, or by filling what the caller brings; {@code put} and {@code fill} only take in. */
    private static DescribedPredicate<JavaMethod> handOutBytes() {
        return DescribedPredicate.describe(
                "hand out bytes or a string",
                method -> !Set.of("toString", "put", "fill").contains(method.getName())
                        && (carriesBytes(method.getRawReturnType())
                                || method.getRawParameterTypes().stream().anyMatch(ArchitectureTest::carriesBytes)));
    }

    private static boolean carriesBytes(JavaClass type) {
        return type.isArray()
                || type.isAssignableTo(Buffer.class)
                || type.isAssignableTo(ByteBuf.class)
                || type.isAssignableTo(Memory.class)
                || type.isAssignableTo(CharSequence.class);
    }

    private static ArchCondition<JavaMethod> takeASecretAccess() {
        return new ArchCondition<>("take a SecretAccess") {
            @Override
            public void check(JavaMethod method, ConditionEvents events) {
                boolean takesOne = method.getRawParameterTypes().stream()
                        .anyMatch(type -> type.isEquivalentTo(SecretAccess.class));
                events.add(new SimpleConditionEvent(
                        method, takesOne, method.getFullName() + " hands out bytes without a SecretAccess"));
            }
        };
    }

    private static <T extends com.tngtech.archunit.core.domain.properties.HasOwner<JavaClass>>
            DescribedPredicate<T> ownedBy(String... prefixes) {
        return DescribedPredicate.describe("owned by " + String.join(", ", prefixes), target -> {
            for (String prefix : prefixes) {
                if (target.getOwner().getName().startsWith(prefix)) {
                    return true;
                }
            }
            return false;
        });
    }

    private static DescribedPredicate<JavaCall<?>> boxing() {
        return DescribedPredicate.describe(
                "box a primitive",
                call -> call.getTarget().getName().equals("valueOf")
                        && BOXES.stream().anyMatch(call.getTargetOwner()::isEquivalentTo));
    }

    /** Static factories may, and an exception may be made: it ends the request. */
    private static ArchCondition<JavaClass> constructNothingOutsideConstructors() {
        return new ArchCondition<>("call no constructor outside constructors and set-up") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                type.getConstructorCallsFromSelf().stream()
                        .filter(call -> call.getOrigin() instanceof JavaMethod)
                        .filter(call -> !call.getOrigin().getModifiers().contains(STATIC))
                        .filter(call -> !MAY_ALLOCATE.contains(call.getOrigin().getName()))
                        .filter(call -> !call.getTargetOwner().isAssignableTo(Throwable.class))
                        .forEach(call -> events.add(SimpleConditionEvent.violated(call, call.getDescription())));
            }
        };
    }
}
