# shellcheck shell=bash
# Builds the project with a JDK 17; sourced by the scripts, after packages.sh and java.sh.
: "${root_dir:?the script that sources this says where the project is}"

# use_jdk_17: Maven, the compiler and the tests run on it from here on.
use_jdk_17() {
  JAVA_HOME=$(find_jdk 17) || die "no JDK 17 found; set BLOCKSEAL_JDK17 to its home"
  export JAVA_HOME
}

# With BLOCKSEAL_JUST_BUILT all classes are known to fit to all sources: a profile that adds some compiles those alone.
maven() {
  local compiler=()
  [ -z "${BLOCKSEAL_JUST_BUILT:-}" ] || compiler=(-Dmaven.compiler.useIncrementalCompilation=false)
  # Maven 3.8 switches colours off, and says so by escape sequences that do not belong into a log.
  mvn --batch-mode --no-transfer-progress -Dstyle.color=never -f "$root_dir/pom.xml" "${compiler[@]}" "$@" \
    </dev/null |
    sed -u $'s/\033\\[0*m//g'
}

# build_jar: makes daemon/target/blockseal.jar unless it is newer than everything that it is made of, and beside it the
# class archive for the Java that scripts/blockseal finds now.
build_jar() {
  local jar=$root_dir/daemon/target/blockseal.jar
  if [ ! -e "$jar" ] || [ -n "$(find "$root_dir"/pom.xml "$root_dir"/*/pom.xml "$root_dir"/*/src/main -newer "$jar" \
    -print -quit)" ]; then
    step "Building (the first time downloads what Maven needs)"
    maven --quiet -DskipTests package || die "the build failed; see above"
  fi
  BLOCKSEAL_JAR=$jar "$root_dir/scripts/class-archive" --if-needed ||
    warn "there is no class archive, so that starting takes half a second longer"
}
