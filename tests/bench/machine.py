"""The machine of the measurements, and the versions of everything."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil

from supervisor.zookeeper.java import find_class_path, find_java, version_of
from tests.bench.contestants import postgres

CPU_INFO = Path("/proc/cpuinfo")
PACKAGES = ("kazoo", "bottle", "granian", "uvloop", "msgspec", "Flask", "psycopg", "redis")
NUMBER = re.compile(r"\d+(\.\d+)+")
JAR = re.compile(r"zookeeper-(\d+(?:\.\d+)+)\.jar")


def machine() -> dict[str, str]:
    """Describes the machine, by name."""
    release = _found(NUMBER, platform.release())
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores, {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {release}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "busy before the run": f"{os.getloadavg()[0]:.1f} processes",
    }


def versions() -> dict[str, str]:
    """Returns the versions of everything that took part, by name."""
    programs = postgres.programs()
    assert programs is not None
    return {
        "Python": platform.python_version(),
        "Java": str(version_of(find_java(os.environ))),
        "ZooKeeper": _zookeeper(),
        "PostgreSQL": _version_of(str(programs / "postgres"), "--version"),
        "Redis": _version_of("redis-server", "--version"),
        "wrk": _version_of("wrk", "--version"),
        **{package: version(package) for package in PACKAGES},
    }


def _processor() -> str:
    for line in CPU_INFO.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _zookeeper() -> str:
    """Returns the version in the name of ZooKeeper's jar, in the class path or a folder of it."""
    for jar in _jars(find_class_path(os.environ).text):
        if found := JAR.fullmatch(jar.resolve().name):
            return found.group(1)
    return "unknown"


def _jars(class_path: str) -> Iterator[Path]:
    for entry in class_path.split(":"):
        path = Path(entry)
        yield from path.parent.glob("*.jar") if path.name == "*" else [path]


def _version_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return _found(NUMBER, done.stdout + done.stderr)


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group() if found else "unknown"
