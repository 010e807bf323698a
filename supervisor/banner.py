"""The lines that `up` prints when tickets can be bought."""

import os
import sys
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


def writes_to(log: Path) -> bool:
    """Whether this process's output ends in that file: the token must not."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat())
    except (OSError, ValueError):
        return False
