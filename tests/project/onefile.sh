#!/usr/bin/env bash
# Proves the one file on a machine that has nothing: a root directory that holds `dist/zkticket`,
# /proc, /dev and /tmp, without a shell, Python, Java or libraries. In it: up, a purchase, a killed
# worker that comes back, two new versions that take over, a drill of the leader, status, down.
# Before that, each place where it can't unpack itself gets one line that says what to do.
#
# All of it lives in a mount and a process namespace of its own: however this ends,
# nothing stays mounted or running.
set -euo pipefail

HERE=$(cd "$(dirname "$0")/../.." && pwd)
FILE=$HERE/dist/zkticket
ROOT=/mnt/root
PORT=${PORT:-18790}
SERVERS=${SERVERS:-18781}
READY_S=60

# shellcheck source=tests/project/enclosed.sh
. "$HERE/tests/project/enclosed.sh"

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
    refuses "a colon" ZKTICKET_CACHE=/home/a:b
    refuses "no HOME" NAME=value
    umount "$ROOT/proc"
    refuses "no /proc" HOME=/home
    mount -t proc proc "$ROOT/proc"
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
}

# A version that somebody has half deleted, seen and unseen.
half_deleted() {
    local version
    version=$(echo "$ROOT"/home/.cache/zkticket/*/)
    rm "$version/bin/zkticket"
    refuses "delete it, and start again" HOME=/home
    rm "$version/complete"
    zkticket --help >/dev/null
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

# The pid of a worker that is ready, or nothing.
ready() {
    zkticket status --json --data-dir /data |
        python3 -c 'import json, sys
for worker in json.load(sys.stdin)["workers"]:
    if worker["name"] == sys.argv[1] and worker["state"] == "ready": print(worker["pid"])' "$1"
}

# Waits for it to be another one than $2, if that is told.
pid_of() {
    local found
    for _ in $(seq "$READY_S"); do
        found=$(ready "$1") || true
        [ -z "$found" ] || [ "$found" = "${2:-}" ] || break
        sleep 1
    done
    [ -n "$found" ] && [ "$found" != "${2:-}" ] || stop "$1 is not ready."
    echo "$found"
}

first_sale() {
    local started=${EPOCHREALTIME//[!0-9]/}
    zkticket up --detach --quantity 100000 --data-dir /data --port "$PORT" --zookeeper-port "$SERVERS"
    buy
    say "a ticket is sold $(((${EPOCHREALTIME//[!0-9]/} - started) / 1000)) ms after the first start"
}

kill_worker() {
    local before
    before=$(pid_of worker-1)
    kill -KILL "$before"
    buy
    pid_of worker-1 "$before" >/dev/null
    say "the killed worker is back"
}

# The file with a frame of zstd more that holds nothing: another version, which does the same.
release() {
    python3 - "$FILE" "$ROOT/zkticket.new" "$1" <<'END'
import hashlib, pathlib, struct, sys

trailer = struct.Struct("<16sQQQ32s")
whole = pathlib.Path(sys.argv[1]).read_bytes()
magic, offset, packed, unpacked, _ = trailer.unpack(whole[-trailer.size :])
payload = whole[offset : offset + packed] + struct.pack("<II", 0x184D2A50, 1) + sys.argv[3].encode()
end = trailer.pack(magic, offset, len(payload), unpacked, hashlib.sha256(payload).digest())
pathlib.Path(sys.argv[2]).write_bytes(whole[:offset] + payload + end)
END
    chmod +x "$ROOT/zkticket.new"
    mv "$ROOT/zkticket.new" "$ROOT/zkticket"
}

# Buys until somebody writes the file `enough`; fails as soon as it gets no ticket.
keep_buying() {
    until [ -e "$ROOT/enough" ]; do buy || return 1; done
}

sellers() { for name in worker-1 worker-2 worker-3; do pid_of "$name"; done; }

supervisor() {
    zkticket status --json --data-dir /data |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["supervisor"]["pid"])'
}

program_of() { readlink "$ROOT/proc/$1/exe"; }

# Two new versions take over what runs: one on request, one after its predecessor was killed.
upgrade() {
    local before old_program old_sellers buyers
    before=$(supervisor)
    old_program=$(program_of "$before")
    old_sellers=$(sellers)
    keep_buying &
    buyers=$!
    release A
    zkticket restart supervisor --data-dir /data
    [ "$(supervisor)" = "$before" ] || stop "the new supervisor is another process."
    [ "$(program_of "$before")" != "$old_program" ] || stop "the supervisor is the old version."
    [ -e "$old_program" ] || stop "the old version is gone from the cache while workers run it."
    release B
    kill -KILL "$before"
    zkticket up --detach --data-dir /data --port "$PORT" --zookeeper-port "$SERVERS"
    [ "$(sellers)" = "$old_sellers" ] || stop "workers have been restarted."
    touch "$ROOT/enough"
    wait "$buyers" || stop "a buyer got no ticket."
    zkticket restart --data-dir /data
    [ "$(program_of "$(pid_of worker-1)")" = "$(program_of "$(supervisor)")" ] ||
        stop "a restarted worker is the old version."
    say "two new versions took the sale over"
}

inside() {
    make_root
    bad_places
    at_once
    half_deleted
    first_sale
    kill_worker
    upgrade
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
    require_root
    enclose
fi
