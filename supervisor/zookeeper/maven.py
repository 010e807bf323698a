"""Fetches jars that a pom names: with Maven, else with a package of PyPI that knows its repository.

Maven reads the user's own settings. The package, pinned in `maven.txt`, is there where set-up found
neither Maven nor a way to install it; it follows the usual variables for proxies and certificates.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from core.errors import StartupError
from supervisor.processes.spawned_process import UTF8

MAVEN_S = 60.0
# A registry that cannot be reached, or says nothing, is given up on after one try.
CONNECT_MS = 5000
SILENCE_MS = 10000
# Named in full: to look up the prefix `dependency`, Maven would ask for every plugin.
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
PACKAGE = "maven_artifact"
XML = "{http://maven.apache.org/POM/4.0.0}"


def fetch(environ: Mapping[str, str], pom: Path, target: Path) -> None:
    """Fetches the jars into the directory `target`. Raises `StartupError`, `OSError`."""
    maven = shutil.which("mvn", path=environ.get("PATH", os.defpath))
    if maven is not None:
        _run(_copy_dependencies(maven, pom, target), environ)
    elif find_spec(PACKAGE) is None:
        raise StartupError("Maven is not installed")
    else:
        target.mkdir()
        for coordinates, name in _artifacts(pom):
            command = [sys.executable, "-m", f"{PACKAGE}.main", coordinates, str(target / name)]
            _run(command, environ)


def _copy_dependencies(maven: str, pom: Path, target: Path) -> Sequence[str]:
    return (
        *(maven, "-B", "-q", "-f", str(pom), GOAL),
        *(f"-DoutputDirectory={target}", "-DincludeScope=runtime"),
        f"-Daether.connector.connectTimeout={CONNECT_MS}",
        f"-Daether.connector.requestTimeout={SILENCE_MS}",
        *(f"-Dmaven.wagon.rto={SILENCE_MS}", "-Dmaven.wagon.http.retryHandler.count=0"),
    )


def _artifacts(pom: Path) -> Iterator[tuple[str, str]]:
    """The coordinates of each jar that the pom names, and its file's name."""
    for each in ET.parse(pom).iter(f"{XML}dependency"):  # noqa: S314 - the pom is our own
        group, artifact, version = (
            each.findtext(f"{XML}{part}", "") for part in ("groupId", "artifactId", "version")
        )
        yield f"{group}:{artifact}:{version}", f"{artifact}-{version}.jar"


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env={**environ, **UTF8}, capture_output=True, text=True, timeout=MAVEN_S
        )
    except subprocess.TimeoutExpired:
        raise StartupError(f"Maven fetched nothing within {MAVEN_S:.0f} s") from None
    if done.returncode:
        raise StartupError(f"Maven could not fetch it ({_first_error(done.stdout + done.stderr)})")


def _first_error(output: str) -> str:
    """Maven's reason, without its colours and its advice."""
    found = re.search(r"\[ERROR\] (.+)", output) or re.search(r"(.*\S)\s*\Z", output)
    return found.group(1).partition(" -> ")[0][:400] if found else "it gave no reason"
