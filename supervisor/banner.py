"""What `up` tells operators when tickets can be bought."""

import os
import sys
from pathlib import Path

from core.secret import Secret

LOG_NAME = "supervisor.log"


def address(local: str, public_url: str) -> str:
    """Where tickets are bought: the address that buyers know, and this machine's own."""
    return f"{public_url} ({local} here)" if public_url else local


def for_operators(url: str, secret: Secret) -> str:
    """Where they sign in, and with what."""
    address = f"{url.rstrip('/')}/operator"
    # A line of its own: in 80 columns a terminal would break it, and who copies it half of it.
    return f"operators sign in at {address} with the token\n{secret.operator_token}"


def writes_to(log: Path) -> bool:
    """Whether what this process prints ends in that file: the token must not."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat())
    except (OSError, ValueError):
        return False
