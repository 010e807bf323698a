"""Programs that some tests run: the system's, or those that set-up has unpacked for the tests."""

import os
import shutil

from tests.support.instance import ROOT

UNPACKED = ROOT / ".programs" / "usr"


def find_program(name: str) -> str | None:
    """Returns its path, also from folders that are not in a user's PATH."""
    folders = (
        os.environ.get("PATH", ""),
        "/usr/sbin",
        "/sbin",
        UNPACKED / "bin",
        UNPACKED / "sbin",
    )
    return shutil.which(name, path=os.pathsep.join(map(str, folders)))
