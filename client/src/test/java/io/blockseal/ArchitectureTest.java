package io.blockseal;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The client is published alone: whoever takes it must not get the daemon, a key or a file with it. */
@AnalyzeClasses(packages = "io.blockseal", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule theClientStandsAlone = classes()
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.blockseal.nbd..",
                    "io.blockseal.client..",
                    "java..",
                    "javax.net.ssl..",
                    "io.netty..",
                    "org.jspecify..")
            .because("a program that only wants to speak NBD takes this module and Netty, nothing else");

    @ArchTest
    static final ArchRule theWireFormatHasNoBehaviour = noClasses()
            .that()
            .resideInAPackage("io.blockseal.nbd..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.blockseal.client..", "io.netty.channel..", "io.netty.bootstrap..", "java.net..")
            .because("client and server share the format; how it travels is their own affair");
}
