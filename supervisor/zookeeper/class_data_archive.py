"""A class-data archive (JEP 350): with it servers start in three quarters of the time.

A JVM that starts reads and checks some two thousand classes; from the archive it maps them.
One is made at set-up, from a short life of two servers, for one Java and one class path.
"""

import asyncio
import hashlib
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from core.errors import StartupError, ZkticketError
from core.zookeeper.tree_setup import prepare_tree
from supervisor.processes.spawned_process import Process, ProcessPlan, Spawn, spawner
from supervisor.zookeeper.ensemble import HOST, Ensemble, local_ensemble, wait_for_quorum

# Before, a JVM archived Java's own classes only.
LEAST_JAVA = 13
# A second server makes it a quorum, which loads the classes of replication.
SERVERS = 2
QUORUM_S = 30.0
DUMP_S = 30.0
POLL_S = 0.05
PORT_TRIES = 20
OPTION = "-XX:SharedArchiveFile="


def archive_of(java: Path, class_path: str, home: Path) -> Path:
    """The path of the archive for this Java and this class path."""
    program = java.resolve()
    files = " ".join(map(_identity, [program, *_jars(class_path)]))
    identity = f"{files} {class_path}"
    return home / f"classes-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsa"


def _identity(file: Path) -> str:
    # A JVM looks at these as well, and does without an archive that was made from others.
    return f"{file} {file.stat().st_mtime_ns}"


def _jars(class_path: str) -> Iterator[Path]:
    for entry in class_path.split(":"):
        path = Path(entry)
        yield from sorted(path.parent.glob("*.jar")) if path.name == "*" else ()


def options(archive: Path) -> tuple[str, ...]:
    """The JVM's options for it; none where there is no archive."""
    return (f"{OPTION}{archive}",) if archive.exists() else ()


def is_option(word: str) -> bool:
    """Whether it is one of a JVM's for such an archive, which changes nothing but its start."""
    return word.startswith(OPTION)


async def train(
    java: Path,
    class_path: str,
    archive: Path,
    environ: Mapping[str, str],
    quorum_s: float = QUORUM_S,
) -> None:
    """Makes the archive; it appears whole or not at all.

    Raises `ZkticketError`, `OSError`; without an archive the servers only start more slowly.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(_require_base, java)
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        draft = Path(scratch) / archive.name
        ensemble = _somewhere_free(Path(scratch))
        ensemble.configure()
        jvm = (f"-XX:ArchiveClassesAtExit={draft}",)
        plans = [
            ensemble.plan(server, java, class_path, ensemble.home, extra)
            for server, extra in zip(ensemble.servers, (jvm, ()), strict=True)
        ]
        await _live_briefly(plans, ensemble.hosts, spawner(environ), quorum_s)
        if not draft.exists():
            raise StartupError(f"{java} makes no archive of classes")
        draft.chmod(0o644)  # it holds classes and no secrets, for every user who starts servers
        draft.rename(archive)


def _require_base(java: Path) -> None:
    """Makes the archive of Java's own classes, on which ours is built, where Java came without.

    The runtime from PyPI does, and that of the one file: no two such archives are the same.
    """
    base = java.resolve().parents[1] / "lib" / "server" / "classes.jsa"
    if base.exists():
        return
    draft = base.with_suffix(f".{secrets.token_hex(4)}")
    options = ("-XX:+UseG1GC", "-Xshare:dump", f"-XX:SharedArchiveFile={draft}")
    try:
        subprocess.run([java, *options], capture_output=True, timeout=DUMP_S, check=True)
        draft.rename(base)
    except (OSError, subprocess.SubprocessError):
        draft.unlink(missing_ok=True)
        raise StartupError(f"{java} makes no archive of its own classes") from None


async def _live_briefly(
    plans: Sequence[ProcessPlan], hosts: str, spawn: Spawn, quorum_s: float
) -> None:
    """Runs a quorum for one session with a few writes, and ends the first server in order."""
    processes: list[Process] = []
    try:
        for plan in plans:
            processes.append(spawn(plan))
        await wait_for_quorum(hosts, quorum_s, lambda _: None)
        await prepare_tree(hosts, "", b"", close_root=False, timeout_s=quorum_s)
        processes[0].terminate()
        await _ended(processes[0])
    finally:
        for process in processes:
            process.kill()
            await _ended(process)


async def _ended(process: Process) -> None:
    for _ in range(int(DUMP_S / POLL_S)):
        if process.ended() is not None:
            return
        await asyncio.sleep(POLL_S)


def _somewhere_free(home: Path) -> Ensemble:
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            ensemble = local_ensemble(home, probe.getsockname()[1], SERVERS, secrets.token_hex(16))
        with suppress(StartupError, OverflowError):
            ensemble.require_ports(ensemble.servers)
            return ensemble
    raise ZkticketError("no free ports for two servers")
