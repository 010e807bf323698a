#!/usr/bin/env bash
# Proves what make does on an empty machine: a Debian root that holds nothing but ca-certificates,
# make, git and python3, with a clone of the committed tree. In this order, or of these parts those
# that PARTS names:
#   user    `make up` sells and stops again for a user who can't install anything, where there is
#           python3-venv, but neither Java nor Maven
#   sale    `make up` sells and stops again
#   binary  `make binary` builds the one file, and `make try-binary` passes
#   tests   `make test` passes without a skipped test
#
# It needs root, debootstrap, loop devices and 12 GB of disk. The root comes from the host's own
# mirror, and takes over the host's settings of apt, pip and Maven. It lives in a mount and a process
# namespace, on a disk whose file is deleted as soon as it is mounted: however this ends, even with
# SIGKILL, nothing stays mounted, running or on the disk.
set -euo pipefail

HERE=$(cd "$(dirname "$0")/../.." && pwd)
ROOT=/mnt/root
USER_ROOT=/mnt/user
NOBODY=65534
WHO=0
ALL="user sale binary tests"
PARTS=${PARTS:-$ALL}
SIZE=12G
BUILD_S=900
UP_S=900
BINARY_S=900
TEST_S=3600
# The variables by which package clients are configured.
CLIENTS='^declare -x (PIP_|UV_|MAVEN_|MVN_|SSL_CERT_|REQUESTS_CA_|CURL_CA_|[a-z]*_proxy|[A-Z]*_PROXY)'

# shellcheck source=tests/project/enclosed.sh
. "$HERE/tests/project/enclosed.sh"

# --- outside the namespaces ------------------------------------------------------------

require() {
    local part
    for part in $PARTS; do
        [[ " $ALL " = *" $part "* ]] || stop "there is no part $part; there are: $ALL"
    done
    require_root
    command -v debootstrap >/dev/null || stop "debootstrap is needed: apt-get install debootstrap"
}

# --- inside ----------------------------------------------------------------------------

mount_disk() {
    local image
    image=$(mktemp)
    truncate -s "$SIZE" "$image"
    mkfs.ext4 -q -F "$image"
    mount -o loop "$image" /mnt
    rm "$image"
    mkdir "$ROOT"
}

# The mirror that the host itself installs this release from.
mirror() {
    # shellcheck disable=SC2016 # the dollars are apt's
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$1" '$1 == release && $2 == "main" { print $3; exit }'
}

build() {
    local release from
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    from=$(mirror "$release")
    [ -n "$from" ] || stop "apt knows no mirror of $release."
    say "building an empty $release"
    timeout "$BUILD_S" debootstrap --variant=minbase --include=ca-certificates,make,git,python3 \
        "$release" "$ROOT" "$from" >"$ROOT.log" || {
        tail -5 "$ROOT.log" >&2
        stop "debootstrap failed."
    }
}

copy() {
    local path
    for path in "$@"; do
        [ -e "$path" ] || continue
        mkdir -p "$ROOT$(dirname "$path")"
        cp -aL "$path" "$ROOT$(dirname "$path")"
    done
}

# How the host's package clients reach their registries: settings, certificates, variables.
configure() {
    rm -f "$ROOT/etc/apt/sources.list" # debootstrap's; the host's names the same mirror
    copy /etc/resolv.conf /etc/hosts /usr/local/share/ca-certificates
    copy /etc/apt /usr/share/keyrings /etc/pip.conf /etc/xdg/pip ~/.pip ~/.config/pip
    copy ~/.m2/settings.xml ~/.m2/settings-security.xml ~/.mavenrc
    # Settings that name files of the host are left out.
    export -p | grep -E "$CLIENTS" | grep -v FIND_LINKS | sed 's/^declare -x/export/' >"$ROOT/root/clients" || true
    chroot "$ROOT" update-ca-certificates >/dev/null 2>&1
}

mount_kernel() {
    # The root has to be a mount: network namespaces change how it propagates mounts.
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /sys "$ROOT/sys"
    mount --rbind /dev "$ROOT/dev"
    mount -t tmpfs tmpfs "$ROOT/tmp"
}

# Runs a command in the clone, with an environment as empty as the machine.
within() {
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot --userspec "$WHO:$WHO" "$ROOT" sh -c '. /root/clients; cd /zkticket; exec "$@"' sh "$@"
}

buy() {
    within python3 - "$1" <<'END'
import json, sys, urllib.request

order = json.dumps({"type": "A", "buyer": "Ann"}).encode()
request = urllib.request.Request(
    sys.argv[1].rstrip("/") + "/api/orders", order, {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request, timeout=30) as answer:
    assert answer.status == 201, answer.status
END
}

address() { grep -oEm1 'http://[0-9.:]+' "$ROOT/up.out"; }

sale() {
    local started shop
    started=$SECONDS
    say "make up, as user $WHO"
    within timeout "$UP_S" make up ARGS="${ARGS:-}" >"$ROOT/up.out" &
    shop=$!
    until address >/dev/null; do
        kill -0 "$shop" 2>/dev/null || stop "make up has ended."
        sleep 1
    done
    buy "$(address)"
    say "a ticket is sold $((SECONDS - started)) s after make up"
    within .venv/bin/zkticket down
    wait "$shop"
}

# In a copy of the root, so that the others find theirs as empty as before.
user() {
    cp -ax "$ROOT" "$USER_ROOT"
    local ROOT WHO
    ROOT=$USER_ROOT
    WHO=0
    mount_kernel
    within sh -c "apt-get -qq update && apt-get -qq install --no-install-recommends python3-venv" >/dev/null
    chown -R "$NOBODY:$NOBODY" "$ROOT/root" "$ROOT/zkticket"
    WHO=$NOBODY
    sale
    ! within sh -c "command -v java || command -v mvn" || stop "there was a Java or a Maven."
    umount -R "$ROOT"
    rm -rf "$ROOT"
}

binary() {
    say "make binary"
    within timeout "$BINARY_S" make binary
    say "make try-binary"
    within timeout "$BINARY_S" make try-binary
}

tests() {
    say "make test"
    within timeout "$TEST_S" make test | tee "$ROOT/test.out"
    ! tail -1 "$ROOT/test.out" | grep -E ' skipped| error' || stop "something was not tested."
    say "all passed $SECONDS s after the start, nothing was skipped"
}

inside() {
    local part
    mount_disk
    build
    configure
    git clone --quiet "$HERE" "$ROOT/zkticket"
    mount_kernel
    for part in $PARTS; do "$part"; done
}

if [ "${1:-}" = inside ]; then
    inside
else
    require
    enclose
fi
