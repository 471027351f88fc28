# Finds a JDK 25 and Maven. Sourced by ./dray, ./check and tools/build; starts no process unless it has to.
#   find_java   sets java_home, or fails with one sentence
#   find_maven  sets maven, or fails with one sentence

# The JVM takes an AOT cache only if it was made with the same of these. Of a jar's classes it takes those for Java 8:
# zstd's for newer ones link some thirty native functions at their first use, which was a third of the processor time of
# a small restore; JNI takes none.
# shellcheck disable=SC2034
java_flags="-XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -Djdk.util.jar.enableMultiRelease=false"

is_java_25() { # DIR
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r release_line; do
    case $release_line in 'JAVA_VERSION="25"' | 'JAVA_VERSION="25.'* | 'JAVA_VERSION="25-'*) return 0 ;; esac
  done <"$1/release"
  return 1
}

find_java() {
  if [ -n "${DRAY_JAVA_HOME:-}" ]; then
    is_java_25 "$DRAY_JAVA_HOME" && { java_home=$DRAY_JAVA_HOME; return 0; }
    echo "dray: DRAY_JAVA_HOME is $DRAY_JAVA_HOME, which is not a JDK 25; point it at one, or unset it" >&2
    return 1
  fi
  for java_home in "${JAVA_HOME:-/none}" /usr/lib/jvm/*25* /opt/*25* /opt/java/* /usr/java/*25* \
    "${HOME:-/none}"/.sdkman/candidates/java/25* "${HOME:-/none}"/.jdks/*25* /usr/lib/jvm/default* /usr/lib/jvm/*; do
    is_java_25 "$java_home" && return 0
  done
  if java_home=$(command -v java) && java_home=$(readlink -f "$java_home"); then
    java_home=${java_home%/bin/java}
    is_java_25 "$java_home" && return 0
  fi
  echo "dray: found no JDK 25; install one (your system's openjdk-25-jdk, or Eclipse Temurin 25 unpacked anywhere)" \
    "and set DRAY_JAVA_HOME to its directory" >&2
  return 1
}

find_maven() {
  if [ ! -x "$java_home/bin/javac" ]; then
    echo "dray: $java_home is a Java runtime without a compiler; install the JDK 25 itself, or set DRAY_JAVA_HOME to one" >&2
    return 1
  fi
  for maven in "${DRAY_MAVEN:-}" "${MAVEN_HOME:-/none}/bin/mvn" "${M2_HOME:-/none}/bin/mvn" "$(command -v mvn)" \
    /opt/*maven*/bin/mvn /usr/share/maven/bin/mvn; do
    [ -n "$maven" ] && [ -x "$maven" ] && return 0
  done
  echo "dray: found no Maven, which builds Dray; install it (apt-get install maven), or set DRAY_MAVEN to its mvn" >&2
  return 1
}
