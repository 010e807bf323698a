"""An instance's identity: random, made once, kept in its data directory.

A hostname changes, and two containers may have the same one; a data directory stays.
"""

import re
import secrets
from pathlib import Path

from core.errors import StartupError
from core.machine import private_files, system_errors

FILE_NAME = "instance"
FORM = re.compile(rb"[0-9a-f]{16}\n?")


def load(data_dir: Path) -> str:
    """Loads the id; empty where no `up` has been. Raises `StartupError`."""
    path = data_dir / FILE_NAME
    try:
        content = private_files.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise StartupError(system_errors.told(error, path)) from None
    if not FORM.fullmatch(content):
        raise StartupError(f"{path} is damaged; delete it, and the next `up` makes a new one")
    return content.decode().strip()


def load_or_create(data_dir: Path) -> str:
    """Loads the id, or makes one. Needs the directory's lock. Raises `StartupError`."""
    if found := load(data_dir):
        return found
    path, made = data_dir / FILE_NAME, secrets.token_hex(8)
    with system_errors.as_startup_errors(path):
        private_files.write(path, f"{made}\n".encode())
    return made
