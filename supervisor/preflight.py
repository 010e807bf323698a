"""Checks and settles everything before the first process starts."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from core.cluster import run_file
from core.errors import StartupError
from core.machine import open_files, private_files, system_errors
from core.machine.program import version_directory
from core.schema.records import SupervisorRecord
from core.settings import Settings
from core.transport.listen_socket import BellAnswer, listen, ring
from supervisor import orphans
from supervisor.orphans import Leftover
from supervisor.processes.held_socket import ListenSocket
from supervisor.processes.spawned_process import ProcessPlan, Role
from supervisor.successor import Handover
from supervisor.zookeeper import class_data_archive
from supervisor.zookeeper.ensemble import Ensemble, Server
from supervisor.zookeeper.java import CACHE, find_class_path, find_java, make_archive

# How long a web server that lives may take to hand its listening socket over.
RING_S = 2.0
PORTS_S = 5.0
POLL_S = 0.05


class Groundwork(msgspec.Struct, frozen=True):
    """The plans to run, the processes that run already, by name, and the page's socket."""

    plans: tuple[ProcessPlan, ...]
    kept: Mapping[str, Leftover]
    door: ListenSocket


async def lay(
    settings: Settings,
    environ: Mapping[str, str],
    ensemble: Ensemble,
    children: Sequence[ProcessPlan],
    tell: Callable[[str, str], None],
    taken: Handover | None = None,
) -> Groundwork:
    """Checks everything. Raises `StartupError` for lost data, no Java, a port in use, a full disk.

    The caller holds the data dir's lock. `children` are the plans of workers and web; `tell` hears
    an event and a text for people; `taken` is what the previous supervisor has left.
    """
    ensemble.require_size()
    for server in ensemble.servers:
        ensemble.require_data(server)
    if shortage := open_files.shortage_reason(open_files.allowed()):
        tell("limit", shortage)
    if ensemble.servers and not taken:
        await _finish_set_up(settings, environ)
    servers = _server_plans(settings, environ, ensemble, tell)
    # The JVMs first: they take longest.
    plans = (*servers, *children)
    answer = None if taken else await ring(settings.data_dir, RING_S)
    wanted = {plan.name: plan for plan in plans}
    if taken:
        # Its command line may be another version's: its next restart changes that.
        is_fit = partial(_is_listed, taken.table, wanted)
    else:
        is_fit = partial(_fits, wanted, ensemble, answer.pid if answer else 0)
    kept = await _settle(settings, ensemble, is_fit, tell)
    if kept and not taken:
        tell("adopted", f"taking over what a killed supervisor left: {_names(kept.values())}")
    _require_ports(settings, ensemble, kept)
    door = _door(settings, kept, answer, taken)
    with system_errors.as_startup_errors(settings.data_dir):
        _write(settings, ensemble, plans, anew=not kept)
    return Groundwork(plans, kept, door)


async def _finish_set_up(settings: Settings, environ: Mapping[str, str]) -> None:
    """Makes the archive of classes at the first start of the one file, which has no set-up.

    It could bring none, for an archive holds the paths of its jars. What runs already needs none.
    """
    if version_directory() and not orphans.find(settings.data_dir):
        await make_archive(environ, find_class_path(environ).text)


def _write(
    settings: Settings, ensemble: Ensemble, plans: Iterable[ProcessPlan], *, anew: bool
) -> None:
    """Writes all files before anything starts. Raises `OSError`."""
    if anew:  # what runs already goes on, on a full disk too
        system_errors.require_room(settings.data_dir)
    system_errors.require_no_folder(settings.data_dir / run_file.FILE_NAME)
    for plan in plans:
        os.close(private_files.append(plan.log))
    ensemble.configure()


def _door(
    settings: Settings,
    kept: Mapping[str, Leftover],
    answer: BellAnswer | None,
    taken: Handover | None,
) -> ListenSocket:
    """Returns the predecessor's socket, that of a kept web server, or a new one.

    Raises `StartupError`.
    """
    anew = partial(listen, settings.host, settings.port, "--port")
    if taken is not None and taken.door is not None:
        return ListenSocket(socket.socket(fileno=taken.door), anew)
    if answer is not None:
        if any(left.process.pid == answer.pid for left in kept.values()):
            return ListenSocket(answer.listener, anew)
        answer.listener.close()
    return ListenSocket(anew(), anew)


def _server_plans(
    settings: Settings,
    environ: Mapping[str, str],
    ensemble: Ensemble,
    tell: Callable[[str, str], None],
) -> list[ProcessPlan]:
    if not ensemble.servers:
        return []
    if len(ensemble.servers) == 2:
        tell("ensemble", "two ZooKeeper servers survive no failure; --servers 3 survives one")
    java = find_java(environ)
    class_path = find_class_path(environ)
    if class_path.warning:
        tell("ensemble", class_path.warning)
    jvm = class_data_archive.options(class_data_archive.archive_of(java, class_path.text, CACHE))
    return [
        ensemble.plan(server, java, class_path.text, settings.logs_dir, jvm)
        for server in ensemble.servers
    ]


async def _settle(
    settings: Settings,
    ensemble: Ensemble,
    is_fit: Callable[[Leftover], bool],
    tell: Callable[[str, str], None],
) -> Mapping[str, Leftover]:
    """Keeps the fit processes that a supervisor left; stops the others, in order."""
    found = orphans.find(settings.data_dir)
    kept = {left.name: left for left in found if is_fit(left)}
    others = [left for left in found if kept.get(left.name) is not left]
    if others:
        pause = "; the sale pauses until ZooKeeper has started anew, some seconds"
        has_servers = any(left.role is Role.ZOOKEEPER for left in others)
        text = f"stopping what an earlier supervisor left: {_names(others)}"
        tell("stopped", text + (pause if has_servers else ""))
        await orphans.stop(others, settings.drain_s)
        await _await_ports(ensemble, others)
    return kept


async def _await_ports(ensemble: Ensemble, stopped: Iterable[Leftover]) -> None:
    """Waits for ports: a JVM that has ended may hold them a moment more, while its threads end."""
    servers = [server for left in stopped if (server := ensemble.named(left.name))]
    with suppress(TimeoutError):
        async with asyncio.timeout(PORTS_S):
            while not _are_free(ensemble, servers):  # noqa: ASYNC110 - ports set no event
                await asyncio.sleep(POLL_S)


def _are_free(ensemble: Ensemble, servers: Iterable[Server]) -> bool:
    with suppress(StartupError):
        ensemble.require_ports(servers)
        return True
    return False


def _is_listed(table: SupervisorRecord, wanted: Mapping[str, ProcessPlan], left: Leftover) -> bool:
    listed = {(each.name, each.pid, each.birth) for each in table.processes}
    return left.name in wanted and (left.name, left.process.pid, left.process.birth) in listed


def _fits(
    wanted: Mapping[str, ProcessPlan], ensemble: Ensemble, bell_pid: int, left: Leftover
) -> bool:
    plan = wanted.get(left.name)
    if plan is None or not left.runs(plan):
        return False
    # A web server that does not hand over its socket is stuck, or has a successor.
    if left.role is Role.WEB and left.process.pid != bell_pid:
        return False
    server = ensemble.named(left.name)
    return server is None or ensemble.is_configured(server)


def _require_ports(settings: Settings, ensemble: Ensemble, kept: Mapping[str, Leftover]) -> None:
    if use := ensemble.use_of(settings.port):
        raise StartupError(
            f"port {settings.port} can't be the page's: {use}; choose another with --port or "
            "--zookeeper-port"
        )
    ensemble.require_ports(server for server in ensemble.servers if server.name not in kept)


def _names(left: Iterable[Leftover]) -> str:
    return ", ".join(sorted(each.name for each in left))
