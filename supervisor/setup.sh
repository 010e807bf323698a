#!/bin/sh
# Sets up what zkticket needs: a virtual environment with the pinned packages, a Java
# runtime and ZooKeeper. What is there already is left alone; then no network is needed.
# setup.sh REQUIREMENTS [browser]: the tests want a browser as well.
set -eu

requirements=$1
wanted=${2:-}
cd "$(dirname "$0")/.."

say() { echo "zkticket: $*" >&2; }

# The two things that set-up can't bring to every system.
stop() {
    say "$1"
    say "Install a Java runtime (11 or newer), and ZooKeeper 3.9 with ZOOKEEPER_HOME naming it; then try again."
    exit 1
}

install() {
    command -v apt-get >/dev/null || return 1
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || return 1
        as_root=sudo
    fi
    say "installing $* from the system's packages"
    {
        $as_root apt-get install -qq -y --no-install-recommends "$@" ||
            { $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends "$@"; }
    } >/dev/null 2>&1
}

python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

make_environment() {
    found=$(python) || { install python3 python3-venv && found=$(python); } || {
        say "Python 3.11 or newer is needed; install it and try again."
        exit 1
    }
    "$found" -m venv .venv >/dev/null 2>&1 || { install python3-venv && "$found" -m venv --clear .venv; } || {
        say "cannot make a virtual environment; install Python's venv module and try again."
        exit 1
    }
}

install_packages() {
    wanted=$(cat requirements.txt "$requirements" | cksum)
    stamp=.venv/installed-$(basename "$requirements")
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    say "installing the pinned Python packages"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$requirements" || {
        say "the Python packages could not be installed; is the package index in reach?"
        exit 1
    }
    echo "$wanted" >"$stamp"
}

has_java() {
    [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ] || command -v java >/dev/null
}

has_browser() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

zookeeper() { .venv/bin/python -m supervisor.java "$@"; }

[ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    make_environment
install_packages
has_java || install default-jre-headless || stop "there is no Java runtime."
[ "$wanted" != browser ] || has_browser || install chromium ||
    say "there is no chromium: install it, or the tests in a browser fail."
zookeeper --find >/dev/null 2>&1 && exit 0
command -v mvn >/dev/null || install maven || say "Maven could not be installed."
say "fetching ZooKeeper"
zookeeper >/dev/null || { install libzookeeper-java libslf4j-java && zookeeper >/dev/null; } ||
    stop "ZooKeeper could not be fetched."
