package io.blockseal.config;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import java.nio.charset.StandardCharsets;

/** A configuration file: a text that is no configuration is refused with a place and a remedy, and with nothing else. */
public final class ConfigFuzz implements FuzzTarget {
    @Override
    public Seeds seeds() {
        return new Seeds()
                .addText("least", "listen: [127.0.0.1:10809]\nvolumes:\n- {path: /a, key-file: /k}\n")
                .addText("unix", "unix: /run/b.sock\nadmin: '[::1]:9'\nvolumes:\n  - path: a\n    passphrase-file: p\n")
                .addText("alias", "a: &a [x]\nb: *a\nlisten: *a\n")
                .addText("merge", "<<: {listen: x}\n? [a]\n: b\n---\nvolumes: {}\n")
                .addText("tags", "!!binary a: !!timestamp 2001-01-01\n%YAML 1.1\n")
                .addText(
                        "numbers", "loops: 0x10\nbuffers: 99999999999999999999P\ndek-cache: -0\nvolumes: [~, 1, {}]\n");
    }

    @Override
    public void run(byte[] input) {
        try {
            DaemonConfig config = ConfigReader.read("blockseal.yaml", new String(input, StandardCharsets.UTF_8));
            promise(ConfigRules.violations(config).isEmpty(), "a configuration breaks the rules");
            promise(!config.volumes().isEmpty(), "a configuration serves nothing");
        } catch (ConfigException refused) {
            promise(!refused.problems().isEmpty(), "refused without a reason");
            for (ConfigException.Problem problem : refused.problems()) {
                promise(
                        problem.place().startsWith("blockseal.yaml")
                                && !problem.what().isBlank()
                                && !problem.fix().isBlank(),
                        "a problem without place, reason or remedy: " + problem);
            }
        }
    }
}
