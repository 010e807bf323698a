"""What `up` tells operators when tickets can be bought."""

import os
import sys
from pathlib import Path

from core.secret import Secret

LOG_NAME = "supervisor.log"


def for_operators(url: str, secret: Secret) -> str:
    """Where they sign in, and with what."""
    return f"operators sign in at {url.rstrip('/')}/operator with the token {secret.operator_token}"


def writes_to(log: Path) -> bool:
    """Whether what this process prints ends in that file: the token must not."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat())
    except (OSError, ValueError):
        return False
