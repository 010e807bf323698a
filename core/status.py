"""How an instance is: its servers, processes and tickets, put together from every source.

Three are asked side by side, each with a deadline: the run file and psutil, which need no
ZooKeeper; each server, by `srvr`; and the tree, for the registry and the stock.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from core import alarms, disk_space, process_identity, registry, runfile
from core.availability import EventAvailability, TypeAvailability, event_availability
from core.errors import (
    AccessDenied,
    BadZnode,
    NoSuchEvent,
    NotRunning,
    Unavailable,
    ZooKeeperError,
)
from core.models import (
    Alarm,
    Disk,
    Load,
    ProcessRecord,
    Progress,
    Quantiles,
    SupervisorRecord,
    WebRecord,
    WorkerRecord,
)
from core.probe import ServerState, has_quorum, probe_all
from core.secret import Secret
from core.settings import Settings
from core.stock import TypeRef
from core.store import Store
from core.zk import ZooKeeper, connect

PROBE_S = 1.0
CONNECT_S = 1.5
TREE_S = 2.0
WELL = ("ready", "running")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A ZooKeeper server. `role` is leader, follower, standalone or down.

    `trouble` is why its process does not run, where its supervisor tells.
    """

    id: int
    address: str
    role: str
    pid: int | None
    version: str | None
    trouble: str = ""


class Ensemble(msgspec.Struct, frozen=True, kw_only=True):
    quorum: bool
    servers: tuple[Server, ...]


class Supervisor(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` are what operators have asked of it, the oldest first."""

    pid: int
    host: str
    url: str
    alive: bool
    requests: tuple[Progress, ...] = ()


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: what its supervisor measures, and what it says of its own work."""

    name: str
    pid: int | None
    state: str
    # What keeps it from selling, while it is halted.
    trouble: str
    address: str
    restarts: int
    last_restart_reason: str | None
    cpu_percent: float
    rss_bytes: int
    in_flight: int
    sold_total: int
    sold_per_second: float
    p99_ms: float


class Web(msgspec.Struct, frozen=True, kw_only=True):
    """A web server, and where the time of its latest sales went: stage by stage, in order."""

    name: str
    pid: int | None
    state: str
    url: str
    restarts: int
    last_restart_reason: str | None
    cpu_percent: float
    rss_bytes: int
    stages: dict[str, Quantiles]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `problems` are one line each, the worst first; `at` is in Unix seconds."""

    healthy: bool
    problems: tuple[str, ...]
    at: float
    alarms: tuple[Alarm, ...]
    ensemble: Ensemble
    supervisor: Supervisor | None
    workers: tuple[Worker, ...]
    web: tuple[Web, ...]
    events: tuple[EventAvailability, ...]
    disks: tuple[Disk, ...] = ()


@dataclass(frozen=True)
class Tree:
    """What ZooKeeper's tree says; `failure` is why it says nothing."""

    workers: Sequence[WorkerRecord] = ()
    webs: Sequence[WebRecord] = ()
    supervisors: Sequence[SupervisorRecord] = ()
    events: Sequence[EventAvailability] = ()
    unreadable: Sequence[str] = ()
    alarms: Sequence[Alarm] = ()
    failure: str = ""


@dataclass
class _Events:
    """The events as they are read; a znode that is unreadable costs its own type only."""

    found: list[EventAvailability] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


async def gather(settings: Settings, zk: ZooKeeper | None) -> Status:
    """The status as a process sees it that has a connection, or none at the moment.

    Takes some two seconds at most. Raises `NotRunning`.
    """
    return await _gather(settings, _read_tree(zk))


async def collect(settings: Settings, secret: Secret) -> Status:
    """The status over a connection of its own. Raises `NotRunning`, `AccessDenied`."""
    hosts = runfile.hosts(settings.data_dir, settings.zookeeper)
    return await _gather(settings, _connect_and_read(hosts, secret))


async def _gather(settings: Settings, reading: Awaitable[Tree]) -> Status:
    local = _local(settings)
    hosts = settings.zookeeper or (local.zookeeper if local else settings.hosts)
    servers, tree = await asyncio.gather(probe_all(hosts, PROBE_S), reading)
    tables = _tables(local, tree.supervisors)
    named_answers = bool(settings.zookeeper) and any(server.serves for server in servers)
    if not named_answers and not any(_lives(table) for table in tables):
        raise NotRunning(f"nothing is running in {settings.data_dir}; start it with `up`")
    return _status(servers, tree, tables, local)


def _local(settings: Settings) -> SupervisorRecord | None:
    """This machine's table, with its disks as they are now: a full one takes no newer table."""
    try:
        table = runfile.read(settings.data_dir)
    except NotRunning:
        return None
    return msgspec.structs.replace(table, disks=disk_space.of(settings.data_dir.resolve()))


# --- the tree ------------------------------------------------------------------------


async def _connect_and_read(hosts: str, secret: Secret) -> Tree:
    try:
        zk = await connect(hosts, secret.zookeeper_password, timeout_s=CONNECT_S)
    except Unavailable as error:
        return Tree(failure=str(error))
    try:
        return await _read_tree(zk)
    finally:
        await zk.close()


async def _read_tree(zk: ZooKeeper | None) -> Tree:
    if zk is None:
        return Tree(failure="no connection to ZooKeeper")
    try:
        async with asyncio.timeout(TREE_S):
            workers, webs, supervisors, events, standing = await asyncio.gather(
                registry.workers(zk),
                registry.webs(zk),
                registry.supervisors(zk),
                _events(Store(zk)),
                alarms.standing(zk),
            )
    except AccessDenied:
        raise
    except (ZooKeeperError, TimeoutError) as error:
        return Tree(failure=str(error) or "ZooKeeper did not answer in time")
    records = [worker.record for worker in workers]
    return Tree(records, webs, supervisors, events.found, events.unreadable, standing)


async def _events(store: Store) -> _Events:
    events = _Events()
    for name in await store.event_names():
        with suppress(NoSuchEvent):  # deleted at this moment
            try:
                events.found.append(await _event(store, name, events))
            except BadZnode as error:
                events.unreadable.append(str(error))
    return events


async def _event(store: Store, name: str, events: _Events) -> EventAvailability:
    event = await store.event(name)
    names = await store.type_names(name, event)
    types: list[TypeAvailability] = []
    for found in await store.availabilities([TypeRef(name, event.generation, n) for n in names]):
        if isinstance(found, TypeAvailability):
            types.append(found)
        else:
            events.unreadable.append(str(found))
    return event_availability(name, event, tuple(types))


# --- process tables ------------------------------------------------------------------


def _tables(
    local: SupervisorRecord | None, registered: Iterable[SupervisorRecord]
) -> list[SupervisorRecord]:
    """Each supervisor's newest table; this machine's own, also from its run file, is last."""
    newest = {(table.host, table.pid): table for table in registered}
    if local is not None:
        rival = newest.pop((local.host, local.pid), local)
        newer = _checked(rival if rival.at > local.at else local)
        newest[local.host, local.pid] = msgspec.structs.replace(newer, disks=local.disks)
    return list(newest.values())


def _checked(table: SupervisorRecord) -> SupervisorRecord:
    """The table of this machine with the processes that are gone marked dead."""
    processes = tuple(
        process
        if process.pid is None or process_identity.living(process)
        else msgspec.structs.replace(process, state="dead", pid=None)
        for process in table.processes
    )
    return msgspec.structs.replace(table, processes=processes)


def _supervises(table: SupervisorRecord) -> bool:
    return process_identity.living(table) is not None


def _lives(table: SupervisorRecord) -> bool:
    return _supervises(table) or any(process.pid is not None for process in table.processes)


# --- the parts -----------------------------------------------------------------------


def _status(
    servers: Sequence[ServerState],
    tree: Tree,
    tables: Sequence[SupervisorRecord],
    local: SupervisorRecord | None,
) -> Status:
    processes = [(table, process) for table in tables for process in table.processes]
    ensemble = Ensemble(quorum=has_quorum(list(servers)), servers=_servers(servers, processes))
    supervisor = _supervisor(tables, local)
    workers = _workers(processes, tree)
    web = _webs(processes, tree)
    disks = _disks(tables)
    problems = (
        *_alarm_problems(tree.alarms),
        *disk_space.problems(disks, local.host if local else ""),
        *_ensemble_problems(ensemble, tree),
        *tree.unreadable,
        *_process_problems(supervisor, workers, web),
    )
    return Status(
        healthy=not problems,
        problems=problems,
        at=time.time(),
        alarms=tuple(tree.alarms),
        ensemble=ensemble,
        supervisor=supervisor,
        workers=workers,
        web=web,
        events=tuple(tree.events),
        disks=disks,
    )


_Processes = Sequence[tuple[SupervisorRecord, ProcessRecord]]


def _servers(states: Sequence[ServerState], processes: _Processes) -> tuple[Server, ...]:
    known = {process.address: process for _, process in processes if process.address}
    return tuple(
        Server(
            id=number,
            address=state.address,
            role=state.role,
            pid=known[state.address].pid if state.address in known else None,
            version=state.version,
            trouble=_server_trouble(known.get(state.address)),
        )
        for number, state in enumerate(states, 1)
    )


def _server_trouble(process: ProcessRecord | None) -> str:
    if process is None or process.state in WELL:
        return ""
    reason = process.last_restart_reason
    return f"its process is {process.state}" + (f", {reason}" if reason else "")


def _disks(tables: Iterable[SupervisorRecord]) -> tuple[Disk, ...]:
    return tuple(
        msgspec.structs.replace(disk, host=table.host) for table in tables for disk in table.disks
    )


def _supervisor(
    tables: Sequence[SupervisorRecord], local: SupervisorRecord | None
) -> Supervisor | None:
    """This machine's supervisor, or another's, whose registration says that it lives."""
    if not tables:
        return None
    table = tables[-1]
    here = local is not None and table.host == local.host
    return Supervisor(
        pid=table.pid,
        host=table.host,
        url=table.url,
        alive=_supervises(table) if here else True,
        requests=table.requests,
    )


def _workers(processes: _Processes, tree: Tree) -> tuple[Worker, ...]:
    """Every worker that has a process or a registration, each once, by name.

    A dead incarnation's registration, which stands until its session ends, is not its successor's.
    """
    newest = sorted(tree.workers, key=lambda record: record.at)
    registered = {(record.host, record.name, record.pid): record for record in newest}
    tables = [(table, process) for table, process in processes if process.role == "worker"]
    known = {(table.host, process.name) for table, process in tables}
    rows = [
        _worker(
            process,
            registered.get((table.host, process.name, process.pid or 0)),
            bool(tree.failure),
        )
        for table, process in tables
    ]
    rows += [_stranger(each) for each in newest if (each.host, each.name) not in known]
    return tuple(sorted(rows, key=lambda worker: worker.name))


def _worker(process: ProcessRecord, record: WorkerRecord | None, blind: bool) -> Worker:
    state = process.state
    if record is not None and state in WELL:
        state = record.state
    elif state in WELL and not blind:
        state = "unregistered"
    load = record.load if record else Load()
    return Worker(
        name=process.name,
        pid=process.pid,
        state=state,
        address=record.address if record else process.address,
        restarts=process.restarts,
        trouble=record.trouble if record else "",
        last_restart_reason=process.last_restart_reason,
        cpu_percent=process.cpu_percent,
        rss_bytes=process.rss_bytes,
        in_flight=load.in_flight,
        sold_total=load.sold_total,
        sold_per_second=load.sold_per_second,
        p99_ms=load.p99_ms,
    )


def _stranger(record: WorkerRecord) -> Worker:
    """A worker without a supervisor's table: started by hand, or its supervisor is gone."""
    process = ProcessRecord(name=record.name, role="worker", state="running", pid=record.pid)
    return _worker(process, record, blind=False)


def _webs(processes: _Processes, tree: Tree) -> tuple[Web, ...]:
    newest = sorted(tree.webs, key=lambda record: record.at)
    registered = {(record.host, record.name): record for record in newest}
    return tuple(
        _web(table, process, registered.get((table.host, process.name)))
        for table, process in processes
        if process.role == "web"
    )


def _web(table: SupervisorRecord, process: ProcessRecord, record: WebRecord | None) -> Web:
    return Web(
        name=process.name,
        pid=process.pid,
        state=process.state,
        url=table.url,
        restarts=process.restarts,
        last_restart_reason=process.last_restart_reason,
        cpu_percent=process.cpu_percent,
        rss_bytes=process.rss_bytes,
        stages=record.stages if record else {},
    )


# --- the problems --------------------------------------------------------------------


def _alarm_problems(standing: Iterable[Alarm]) -> Iterable[str]:
    for alarm in standing:
        yield (
            f"nothing is sold: {alarm.text}; `verify --receipts` names what is missing, "
            "`repair` puts it back"
        )


def _ensemble_problems(ensemble: Ensemble, tree: Tree) -> Iterable[str]:
    down = [server for server in ensemble.servers if server.role == "down"]
    serving = len(ensemble.servers) - len(down)
    if not ensemble.quorum:
        yield (
            f"no quorum: {serving} of {len(ensemble.servers)} ZooKeeper servers serve, "
            "so nothing can be sold"
        )
    elif tree.failure:
        yield f"the tree cannot be read: {tree.failure}"
    for server in down:
        why = f": {server.trouble}" if server.trouble else ""
        yield f"ZooKeeper server {server.id} ({server.address}) is down{why}"


def _process_problems(
    supervisor: Supervisor | None, workers: Sequence[Worker], web: Sequence[Web]
) -> Iterable[str]:
    if supervisor is None:
        yield "no supervisor is registered: what dies is not started again"
    elif not supervisor.alive:
        yield f"the supervisor (pid {supervisor.pid}) is gone; `up` takes over what it left"
    if not workers:
        yield "there is no worker, so nothing can be sold"
    if not web:
        yield "there is no web server"
    processes: tuple[Worker | Web, ...] = (*workers, *web)
    for process in processes:
        if process.state not in WELL:
            halted = process.trouble if isinstance(process, Worker) else ""
            reason = halted or process.last_restart_reason
            yield f"{process.name} is {process.state}" + (f": {reason}" if reason else "")
