"""The lines that `up` prints, and the last line of an `up` that failed."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from core.cluster_secret import Secret

LOG_NAME = "supervisor.log"


def address(local: str, public_url: str) -> str:
    """Says where tickets are bought: the public address, and this machine's own."""
    return f"{public_url} ({local} here)" if public_url else local


def for_operators(url: str, secret: Secret) -> str:
    """Says where operators sign in, and with what."""
    address = f"{url.rstrip('/')}/operator"
    # On its own line: broken at 80 columns, it would be copied by half.
    return f"operators sign in at {address} with the token\n{secret.operator_token}"


def say(text: str) -> None:
    """Says something to whoever started this program, if they still listen."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def last_line(output: bytes) -> str:
    """Returns why a program has failed: the last line that it printed; empty for none."""
    lines = output.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("error: ")


def writes_to(log: Path) -> bool:
    """Whether this process's output ends in that file: the token must not."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat())
    except (OSError, ValueError):
        return False
