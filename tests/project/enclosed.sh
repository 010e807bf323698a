#!/usr/bin/env bash
# For the scripts that make a machine of their own: sourced, with the name they speak by.

NAME=$(basename "$0" .sh)

say() { echo "$NAME: $*" >&2; }

stop() {
    say "$*"
    exit 1
}

require_root() { [ "$(id -u)" = 0 ] || stop "this makes a root file system: run it as root."; }

# Runs the script again, `inside` a mount and a process namespace. Killing it kills everything:
# setpriv passes its death on, unshare that of the first process inside, and the kernel ends the
# namespaces with that one.
enclose() {
    local enclosed
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$0" inside &
    enclosed=$!
    # shellcheck disable=SC2064 # this very process
    trap "kill -KILL $enclosed 2>/dev/null || true" EXIT
    trap 'exit 130' INT TERM HUP
    wait "$enclosed"
}
