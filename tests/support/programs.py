"""Programs that some tests run: the system's, or those that set-up has unpacked for the tests."""

import os
import shutil

from tests.support.instance import ROOT

UNPACKED = ROOT / ".programs" / "usr"


def find_program(name: str) -> str | None:
    """Its path; also where a user's PATH does not lead."""
    folders = (
        os.environ.get("PATH", ""),
        "/usr/sbin",
        "/sbin",
        UNPACKED / "bin",
        UNPACKED / "sbin",
    )
    return shutil.which(name, path=os.pathsep.join(map(str, folders)))
