"""Jars where there is no Maven: a package of PyPI fetches each one that the pom names."""

import os
from pathlib import Path

import pytest

from core.errors import StartupError
from supervisor.zookeeper import java, maven, zkcli
from supervisor.zookeeper.jar_pins import Unpinned

# Writes what it is asked for into the file; a real one would fetch it.
PACKAGE = """\
import sys
from pathlib import Path

if "netty" in sys.argv[1]:
    sys.exit(print("Failed to download it") or 1) if {fails} else None
Path(sys.argv[2]).write_text(sys.argv[1])
"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment without Maven, in which Python finds the package."""
    (tmp_path / maven.PACKAGE).mkdir()
    (tmp_path / maven.PACKAGE / "__init__.py").touch()
    (tmp_path / maven.PACKAGE / "main.py").write_text(PACKAGE.format(fails=False))
    monkeypatch.syspath_prepend(tmp_path)
    return {**os.environ, "PATH": "/nowhere", "PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("pom", [java.POM, zkcli.POM], ids=lambda pom: pom.name)
def test_the_poms_name_every_jar_that_is_pinned(
    tmp_path: Path, environ: dict[str, str], pom: Path
) -> None:
    maven.fetch(environ, pom, tmp_path / "jars")
    pinned = pom.with_suffix(".sha256").read_text().split()[1::2]
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == sorted(pinned)


def test_what_it_brings_is_compared_with_the_pins(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(Unpinned, match="other jars than"):
        java.require(environ, tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


def test_why_it_brings_nothing_is_one_line(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / maven.PACKAGE / "main.py").write_text(PACKAGE.format(fails=True))
    with pytest.raises(StartupError, match=r"could not fetch it \(Failed to download it\)$"):
        maven.fetch(environ, java.POM, tmp_path / "jars")


def test_without_either_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="Maven is not installed"):
        maven.fetch({"PATH": "/nowhere"}, java.POM, tmp_path / "jars")
