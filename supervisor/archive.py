"""A class-data archive (JEP 350): with it servers start in three quarters of the time.

A JVM that starts reads and checks some two thousand classes; from the archive it maps them.
One is made at set-up, from a short life of two servers, for one Java and one class path.
"""

import asyncio
import hashlib
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from core.errors import StartupError, ZkticketError
from core.zk import prepare_tree
from supervisor.ensemble import HOST, Ensemble, local_ensemble, wait_for_quorum
from supervisor.process import Process, spawner

# A second server makes it a quorum, which loads the classes of replication.
SERVERS = 2
QUORUM_S = 30.0
DUMP_S = 30.0
POLL_S = 0.05
PORT_TRIES = 20


def archive_of(java: Path, class_path: str, home: Path) -> Path:
    """Where the archive of this Java and this class path is, or would be."""
    program = java.resolve()
    identity = f"{program} {program.stat().st_mtime_ns} {class_path}"
    return home / f"classes-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsa"


def options(archive: Path) -> tuple[str, ...]:
    """What a JVM needs to be told; nothing where there is no archive."""
    return (f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()


async def train(java: Path, class_path: str, archive: Path, environ: Mapping[str, str]) -> None:
    """Makes the archive; it appears whole or not at all.

    Raises `ZkticketError` or `OSError` where that does not work, as with Java 11: without
    one the servers only start more slowly.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        draft = Path(scratch) / archive.name
        ensemble = _somewhere_free(Path(scratch))
        ensemble.configure()
        jvm = (f"-XX:ArchiveClassesAtExit={draft}",)
        await _live_briefly(ensemble, java, class_path, jvm, environ)
        draft.rename(archive)


async def _live_briefly(
    ensemble: Ensemble,
    java: Path,
    class_path: str,
    jvm: tuple[str, ...],
    environ: Mapping[str, str],
) -> None:
    spawn, processes = spawner(environ), list[Process]()
    try:
        for server, extra in zip(ensemble.servers, (jvm, ()), strict=True):
            processes.append(spawn(ensemble.plan(server, java, class_path, ensemble.home, extra)))
        await wait_for_quorum(ensemble.hosts, QUORUM_S, lambda _: None)
        await prepare_tree(ensemble.hosts, "", b"", close_root=False, timeout_s=QUORUM_S)
        processes[0].terminate()
        await _ended(processes[0])
    finally:
        for process in processes:
            process.kill()
            await _ended(process)


async def _ended(process: Process) -> None:
    deadline = time.monotonic() + DUMP_S
    while process.ended() is None and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)


def _somewhere_free(home: Path) -> Ensemble:
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            ensemble = local_ensemble(home, probe.getsockname()[1], SERVERS)
        with suppress(StartupError, OverflowError):
            ensemble.require_ports(ensemble.servers)
            return ensemble
    raise ZkticketError("no free ports for two servers")
