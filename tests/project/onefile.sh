#!/usr/bin/env bash
# Proves the one file on a machine that has nothing: a root directory that holds `dist/zkticket`,
# /proc, /dev and /tmp, without a shell, Python, Java or libraries. In it: up, a purchase, a killed
# worker that comes back, a drill of the leader, status, down. Before that, each place where it
# can't unpack itself gets one line that says what to do.
#
# Wants root. All of it lives in a mount and a process namespace of its own: however this ends,
# nothing stays mounted or running.
set -euo pipefail

HERE=$(cd "$(dirname "$0")/../.." && pwd)
FILE=$HERE/dist/zkticket
ROOT=/mnt/root
PORT=${PORT:-18790}
SERVERS=${SERVERS:-18781}
BACK_S=60

say() { echo "onefile: $*" >&2; }

stop() {
    say "$*"
    exit 1
}

# Whoever kills this script kills all; see bare.sh.
enclose() {
    local enclosed
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$0" inside &
    enclosed=$!
    # shellcheck disable=SC2064 # this very process
    trap "kill -KILL $enclosed 2>/dev/null" EXIT
    trap 'exit 130' INT TERM HUP
    wait "$enclosed"
}

# --- inside ----------------------------------------------------------------------------

make_root() {
    mount -t tmpfs -o size=2G tmpfs /mnt
    mkdir -p "$ROOT"/{proc,dev,tmp,home}
    cp "$FILE" "$ROOT/zkticket"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
}

# The file in the empty root, with so much of an environment: `within HOME=/home -- status`.
within() {
    local environment=()
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    env -i "${environment[@]}" "$(command -v chroot)" "$ROOT" /zkticket "$@"
}

zkticket() { within HOME=/home -- "$@"; }

# A start that has to fail with one line: what the line has to say, then the environment.
refuses() {
    local wanted=$1 said
    shift
    if said=$(within "$@" -- --help 2>&1 >/dev/null); then
        stop "it should have refused: $wanted"
    fi
    [ "$(wc -l <<<"$said")" = 1 ] && [[ $said = *"$wanted"* ]] || stop "no good line: $said"
    say "$said"
}

bad_places() {
    mkdir "$ROOT"/{small,readonly,noexec,open}
    mount -t tmpfs -o size=30M tmpfs "$ROOT/small"
    mount -t tmpfs -o ro tmpfs "$ROOT/readonly"
    mount -t tmpfs -o noexec tmpfs "$ROOT/noexec"
    chmod 777 "$ROOT/open"
    refuses "MB are needed" ZKTICKET_CACHE=/small/it
    refuses "Read-only file system" HOME=/readonly
    refuses "mounted noexec" ZKTICKET_CACHE=/noexec/it
    refuses "others can write" ZKTICKET_CACHE=/open
    refuses "whole path" ZKTICKET_CACHE=here
    refuses "no HOME" NAME=value
    cut_short
    umount "$ROOT/small" "$ROOT/readonly" "$ROOT/noexec"
}

# A file that has lost its end, and one with a wrong byte in the middle.
cut_short() {
    head -c 20000000 "$FILE" >"$ROOT/zkticket"
    refuses "damaged or cut short" HOME=/home
    cp "$FILE" "$ROOT/zkticket"
    printf '\x5a\xa5\x5a' | dd of="$ROOT/zkticket" bs=1 seek=9000000 conv=notrunc status=none
    refuses "damaged or cut short" HOME=/home
    cp "$FILE" "$ROOT/zkticket"
    [ -z "$(find "$ROOT/home" -name 'draft-*')" ] || stop "a draft stays behind"
}

# Three first starts at once, one of which is killed on its way; then one, which tidies up.
at_once() {
    local starts=() start
    for _ in 1 2 3; do
        zkticket --help >/dev/null &
        starts+=($!)
    done
    sleep 0.1
    kill -KILL "${starts[0]}"
    wait "${starts[0]}" 2>/dev/null || true
    for start in "${starts[@]:1}"; do wait "$start" || stop "a start beside others failed."; done
    zkticket --help >/dev/null
    [ "$(find "$ROOT/home/.cache/zkticket" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1 ] ||
        stop "there is more than one version in the cache."
    rm -rf "$ROOT/home/.cache"
}

buy() {
    python3 - "http://127.0.0.1:$PORT/api/orders" <<'END'
import json, sys, urllib.request

order = json.dumps({"type": "A", "buyer": "Ann"}).encode()
request = urllib.request.Request(sys.argv[1], order, {"Content-Type": "application/json"})
with urllib.request.urlopen(request, timeout=30) as answer:
    assert answer.status == 201, answer.status
END
}

pid_of() {
    zkticket status --json --data-dir /data |
        python3 -c 'import json, sys
for process in json.load(sys.stdin)["workers"]:
    if process["name"] == sys.argv[1] and process["state"] == "ready": print(process["pid"])' "$1"
}

first_sale() {
    local started=$EPOCHREALTIME
    zkticket up --detach --data-dir /data --port "$PORT" --zookeeper-port "$SERVERS"
    buy
    say "a ticket is sold $(bc <<<"$EPOCHREALTIME - $started") s after the first start"
}

kill_worker() {
    local before after
    before=$(pid_of worker-1)
    kill -KILL "$before"
    buy
    for _ in $(seq "$BACK_S"); do
        after=$(pid_of worker-1) && [ -n "$after" ] && [ "$after" != "$before" ] && return
        sleep 1
    done
    stop "worker-1 has not come back."
}

inside() {
    make_root
    bad_places
    at_once
    first_sale
    kill_worker
    say "the killed worker is back"
    zkticket drill leader --seconds 3
    zkticket status --data-dir /data
    zkticket licences | grep -c '^=== ' >/dev/null || stop "there are no licences."
    zkticket down --data-dir /data
    say "all is well"
}

if [ "${1:-}" = inside ]; then
    inside
else
    [ -x "$FILE" ] || stop "build it first: make binary"
    enclose
fi
