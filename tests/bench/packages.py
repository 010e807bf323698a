"""The system's packages that the bench needs: the load generator and the peers' servers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.contestants import postgres
from tests.bench.contestants.children import is_root
from tests.bench.load import BenchError

INSTALL_S = 600
# Debian starts a server as soon as it is installed, unless this program returns 101.
POLICY = Path("/usr/sbin/policy-rc.d")
NO = "#!/bin/sh\nexit 101\n"


def missing() -> list[str]:
    """Returns the names of Debian's packages that are missing."""
    there: Mapping[str, bool] = {
        "wrk": shutil.which("wrk") is not None,
        "postgresql": postgres.programs() is not None,
        "redis-server": shutil.which("redis-server") is not None,
    }
    return [package for package, is_there in there.items() if not is_there]


def require() -> None:
    """Installs the missing packages. Raises `BenchError` where that is impossible."""
    packages = missing()
    if not packages:
        return
    names = " ".join(packages)
    if not is_root() or shutil.which("apt-get") is None:
        raise BenchError(f"the bench needs {names}; install them: apt-get install {names}")
    print(f"bench: installing {names} from the system's packages", file=sys.stderr)
    with _nothing_started():
        done = _apt("install", *packages)
        if done.returncode != 0:
            _apt("update")
            done = _apt("install", *packages)
    if done.returncode != 0:
        why = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise BenchError(f"{names} could not be installed: {why}")


def _apt(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-qq", "-y", "--no-install-recommends", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        timeout=INSTALL_S,
        check=False,
    )


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Keeps the system's own servers from starting inside the block."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO, encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
