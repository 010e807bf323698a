#!/bin/sh
# The command `zkticket`, from any directory: set-up links to it from .venv/bin, and a link to
# that link works as well.
top=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$top/.venv/bin/python" "$top/zkticket.py" "$@"
