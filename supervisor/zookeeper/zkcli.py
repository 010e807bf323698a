"""Runs ZooKeeper's own shell, zkCli, on an instance's ensemble.

It needs some more jars than a server, which are fetched at its first start.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from core.cluster import run_file
from core.errors import StartupError
from core.settings import Settings
from supervisor.processes.spawned_process import UTF8
from supervisor.zookeeper.java import FETCHED, HERE, find_class_path, find_java, require
from supervisor.zookeeper.java import POM as SERVER_POM

MAIN_CLASS = "org.apache.zookeeper.ZooKeeperMain"
POM = HERE / "zkcli.xml"
EXTRAS = FETCHED.with_name(f"{FETCHED.name}-shell")
# The shell's news are enough; its client's log would stand between them.
JVM = ("-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")


def command(
    environ: Mapping[str, str],
    hosts: str,
    fetched: Path = FETCHED,
    extras: Path = EXTRAS,
    poms: tuple[Path, Path] = (SERVER_POM, POM),
) -> list[str]:
    """Returns the command for the ensemble at `hosts`. Raises `StartupError`.

    The server's jars are in `fetched`, what the shell needs beside them in `extras`.
    """
    java = find_java(environ)
    servers, own = poms
    class_path = find_class_path(environ, fetched, pom=servers).text
    if "ZOOKEEPER_HOME" not in environ:
        _require(environ, extras, own)
        class_path += f":{extras}/*"
    return [str(java), *JVM, "-cp", class_path, MAIN_CLASS, "-server", hosts]


def become(environ: Mapping[str, str], settings: Settings) -> None:
    """Becomes the shell: this process is Java's from now on.

    Raises `NotRunning`, `StartupError`.
    """
    hosts = run_file.hosts(settings.data_dir, settings.zookeeper)
    program, *arguments = command(environ, hosts)
    os.execve(program, [program, *arguments], {**environ, **UTF8})  # noqa: S606 - Ctrl-C is the shell's


def _require(environ: Mapping[str, str], extras: Path, pom: Path) -> None:
    try:
        require(environ, extras, pom)
    except StartupError as error:
        raise StartupError(
            f"zkCli's jars are not here: {error}; set ZOOKEEPER_HOME to an unpacked ZooKeeper"
        ) from None
