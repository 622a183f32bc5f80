# Sourced by ./tonle and ./dev (bash): finds a JDK 25 wherever this machine keeps it, even when
# another Java comes first on the PATH, and exports it as JAVA_HOME.

# Prints the major version of the JDK in folder $1; nothing if there is no JDK.
jdk_version() {
  local version=""
  [[ -x "$1/bin/java" && -x "$1/bin/javac" ]] || return 0
  if [[ -r "$1/release" ]]; then
    version=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9]*\).*/\1/p' "$1/release" | head -n 1)
  fi
  if [[ -z "$version" ]]; then
    version=$("$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  fi
  printf '%s' "$version"
}

find_jdk() {
  local -a candidates=()
  local -a seen=()
  local home version on_path
  [[ -n "${JAVA_HOME:-}" ]] && candidates+=("$JAVA_HOME")
  if on_path=$(command -v javac 2>/dev/null); then
    on_path=$(readlink -f "$on_path")
    candidates+=("${on_path%/bin/javac}")
  fi
  shopt -s nullglob
  candidates+=(
    /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/jdk*
    /opt/java/* /opt/jdk/* /opt/jdk* /opt/*jdk* /opt/*
    "${HOME:-/}"/.sdkman/candidates/java/* "${HOME:-/}"/.jdks/*
    "${HOME:-/}"/.local/share/mise/installs/java/* "${HOME:-/}"/.asdf/installs/java/*
  )
  shopt -u nullglob
  for home in "${candidates[@]}"; do
    version=$(jdk_version "$home")
    if [[ "$version" == 25 ]]; then
      export JAVA_HOME="$home"
      return 0
    fi
    [[ -n "$version" ]] && seen+=("JDK $version in $home")
  done
  {
    echo "Tonle needs a JDK 25, and none was found in JAVA_HOME, on the PATH, in /usr/lib/jvm,"
    echo "/usr/java, /usr/local, /opt, ~/.sdkman, ~/.jdks, ~/.asdf or ~/.local/share/mise."
    if ((${#seen[@]} > 0)); then
      echo "Found instead:"
      printf '  %s\n' "${seen[@]}" | sort -u
    elif command -v java >/dev/null 2>&1; then
      echo "There is a java at $(readlink -f "$(command -v java)"), but it is no JDK (no javac)."
    fi
    echo "Get one, for example by"
    echo "  apt-get install openjdk-25-jdk-headless      (Debian, Ubuntu)"
    echo "  dnf install java-25-openjdk-devel            (Fedora, RHEL)"
    echo "  sdk install java 25-tem                      (https://sdkman.io)"
    echo "or unpack one from https://adoptium.net and set JAVA_HOME to its folder."
  } >&2
  return 1
}
