"""This program's own file: every process of an instance is started from it.

The one file (`supervisor/onefile`) unpacks itself into a directory of its version, beside those of
other versions, and says by an environment variable where it is itself.
"""

from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "zkticket.py"
# The path of the one file that this process was started from.
BINARY = "ZKTICKET_BINARY"


def version_directory(script: Path = SCRIPT) -> Path | None:
    """Where the one file has unpacked this version; None where the program is no one file."""
    directory = script.parents[1]
    return directory if (directory / "complete").is_file() else None


def unversioned(word: str, script: Path = SCRIPT) -> str:
    """A word of a command line, the same for all versions of the one file."""
    directory = version_directory(script)
    if directory is None or not word.startswith(f"{directory.parent}/"):
        return word
    return word.removeprefix(f"{directory.parent}/").partition("/")[2]
