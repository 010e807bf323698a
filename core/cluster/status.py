"""The status of an instance: its servers, processes and tickets, from every source.

Three sources are asked side by side, each with a deadline: the run file and psutil, which need no
ZooKeeper; each server, by `srvr`; and the tree, for the registry and the stock.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated

import msgspec

from core.cluster import alarms, registry, run_file, supervisors
from core.cluster_secret import Secret
from core.errors import (
    AccessDenied,
    BadZnode,
    NoSuchEvent,
    NotRunning,
    Unavailable,
    ZooKeeperError,
)
from core.machine import disk_space, process_birth, process_identity
from core.schema import paths
from core.schema.json_types import described
from core.schema.records import (
    Alarm,
    Disk,
    Load,
    ProcessRecord,
    Progress,
    Quantiles,
    SupervisorRecord,
    WebRecord,
    WorkerRecord,
    copied,
)
from core.settings import Settings
from core.store.availability import EventAvailability, EventReport, reported
from core.store.store import Store
from core.zookeeper.client import ZooKeeper, connect
from core.zookeeper.probe import ServerState, has_quorum, probe_all

# Time for several vanished servers: each costs half a second to try.
CONNECT_S = 2.5
TREE_S = 2.0
WELL = ("ready", "running")


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A ZooKeeper server. `trouble` is why its process does not run, where its supervisor tells."""

    id: int
    address: str
    role: Annotated[
        str,
        described("What it is to the others.", enum=["leader", "follower", "standalone", "down"]),
    ]
    pid: int | None
    version: str | None
    trouble: str = ""


class EnsembleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """ZooKeeper's servers."""

    quorum: bool
    servers: tuple[ServerStatus, ...]


class SupervisorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A supervisor; `requests` are what operators have asked of it, the oldest first."""

    pid: int
    host: str
    instance: str = ""
    url: str
    alive: bool
    frozen: bool = False
    requests: tuple[Progress, ...] = ()


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A process as its supervisor measures it; `machine` is its host."""

    name: str
    machine: str = ""
    instance: str = ""
    pid: int | None
    state: str
    restarts: int
    last_restart_reason: str | None
    cpu_percent: float
    rss_bytes: int


class WorkerStatus(ProcessStatus, frozen=True, kw_only=True):
    """A worker: what its supervisor measures, and what it says of its own work.

    Another instance's may have the same name; `machine` is its host.
    """

    # What keeps it from selling, while it is halted.
    trouble: str
    address: str
    in_flight: int
    sold_total: int
    sold_per_second: float
    p99_ms: float


class WebStatus(ProcessStatus, frozen=True, kw_only=True):
    """A web server, and where the time of its latest sales went: stage by stage, in order."""

    url: str
    stages: dict[str, Quantiles]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `problems` are one line each, the worst first; `at` is in Unix seconds.

    `unread` is why the tree could not be read, or empty. Without the tree nothing is known about
    other machines, alarms and events, and what is missing here may exist.
    """

    healthy: bool
    problems: tuple[str, ...]
    unread: str = ""
    at: float
    alarms: tuple[Alarm, ...]
    ensemble: EnsembleStatus
    supervisor: SupervisorStatus | None
    workers: tuple[WorkerStatus, ...]
    web: tuple[WebStatus, ...]
    events: tuple[EventReport, ...]
    disks: tuple[Disk, ...] = ()


class Tree(msgspec.Struct, frozen=True):
    """The content of ZooKeeper's tree; `failure` is why it could not be read."""

    workers: Sequence[WorkerRecord] = ()
    webs: Sequence[WebRecord] = ()
    supervisors: Sequence[SupervisorRecord] = ()
    events: Sequence[EventAvailability] = ()
    unreadable: Sequence[str] = ()
    alarms: Sequence[Alarm] = ()
    failure: str = ""


async def gather(settings: Settings, zk: ZooKeeper | None) -> Status:
    """Gathers the status over a process's connection, if it has one at the moment.

    Takes some two seconds at most. Raises `NotRunning`.
    """
    return await _gather(settings, _read_tree(zk))


async def collect(settings: Settings, secret: Secret) -> Status:
    """Gathers the status over a new connection. Raises `NotRunning`, `AccessDenied`."""
    hosts = run_file.hosts(settings.data_dir, settings.zookeeper)
    return await _gather(settings, _connect_and_read(hosts, secret))


async def _gather(settings: Settings, reading: Awaitable[Tree]) -> Status:
    local = _local(settings)
    hosts = settings.zookeeper or (local.zookeeper if local else settings.hosts)
    servers, tree = await asyncio.gather(probe_all(hosts), reading)
    tables = _tables(local, tree.supervisors)
    if not any(_lives(table) for table in tables):
        _require_answer(settings, servers)
    return _status(servers, tree, tables, local)


def _require_answer(settings: Settings, servers: Sequence[ServerState]) -> None:
    """Raises `NotRunning` where nothing lives, `Unavailable` where it may live elsewhere."""
    if not settings.zookeeper:
        raise NotRunning(f"nothing is running in {settings.data_dir}; start it with `up`")
    if not any(server.serves for server in servers):
        raise Unavailable(
            f"could not be read: no ZooKeeper serves at {settings.zookeeper}; "
            "start it, or correct --zookeeper"
        )


def _local(settings: Settings) -> SupervisorRecord | None:
    """Reads this machine's table, with its disks as they are now: a full one keeps an old table."""
    try:
        table = run_file.read(settings.data_dir)
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
            workers, webs, tables, (events, unreadable), standing = await asyncio.gather(
                registry.workers(zk),
                registry.present(zk, paths.WEBS, WebRecord),
                supervisors.living(zk),
                _events(Store(zk)),
                alarms.standing(zk),
            )
    except AccessDenied:
        raise
    except (ZooKeeperError, TimeoutError) as error:
        return Tree(failure=str(error) or "ZooKeeper did not answer in time")
    records = [worker.record for worker in workers]
    pages = [record for _, record in webs]
    return Tree(records, pages, tables, events, unreadable, standing)


async def _events(store: Store) -> tuple[list[EventAvailability], list[str]]:
    """Reads the events; what can't be read is told, and hides its own type or event only."""
    events: list[EventAvailability] = []
    unreadable: list[str] = []
    for name in await store.event_names():
        with suppress(NoSuchEvent):  # deleted at this moment
            try:
                event, wrong = await store.readable_availability(name)
            except BadZnode as error:
                unreadable.append(str(error))
            else:
                events.append(event)
                unreadable += map(str, wrong)
    return events, unreadable


# --- process tables ------------------------------------------------------------------


def _tables(
    local: SupervisorRecord | None, registered: Iterable[SupervisorRecord]
) -> list[SupervisorRecord]:
    """Returns each supervisor's newest table; this machine's own comes last."""
    newest = {(_home(table), table.pid): table for table in registered}
    if local is not None:
        rival = newest.pop((_home(local), local.pid), local)
        newer = rival if rival.at > local.at or not _is_here(rival) else local
        # Processes in a container can't be seen from outside: only their registrations tell.
        newer = newer if newer is not local and not _is_here(newer) else _checked(newer)
        newest[_home(local), local.pid] = msgspec.structs.replace(newer, disks=local.disks)
    return list(newest.values())


def _home(record: SupervisorRecord | WorkerRecord | WebRecord) -> str:
    """Tells one `worker-1` from another; an earlier version's process names its host only."""
    return record.instance or record.host


def _is_here(table: SupervisorRecord) -> bool:
    """Whether its pids can be looked up here; an earlier version did not say."""
    return table.place in ("", process_birth.place())


def _checked(table: SupervisorRecord) -> SupervisorRecord:
    """Updates this machine's table: some processes may be dead or frozen."""
    return msgspec.structs.replace(table, processes=tuple(map(_seen, table.processes)))


def _seen(process: ProcessRecord) -> ProcessRecord:
    if process.pid is None:
        return process
    if process_identity.living(process) is None:
        return msgspec.structs.replace(process, state="dead", pid=None)
    if process.state in WELL and process_identity.is_frozen(process):
        return msgspec.structs.replace(process, state="frozen")
    return process


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
    ensemble = EnsembleStatus(
        quorum=has_quorum(list(servers)), servers=_servers(servers, processes)
    )
    supervisor = _supervisor(tables, tree.supervisors)
    workers = _workers(processes, tree)
    web = _webs(processes, tree)
    disks = tuple(
        msgspec.structs.replace(disk, host=table.host) for table in tables for disk in table.disks
    )
    problems = (
        *_alarm_problems(tree.alarms),
        *disk_space.problems(disks, local.host if local else ""),
        *_ensemble_problems(ensemble, tree),
        *tree.unreadable,
        *_process_problems(supervisor, workers, web, unread=bool(tree.failure)),
    )
    now = time.time()
    return Status(
        healthy=not problems,
        problems=problems,
        unread=tree.failure,
        at=now,
        alarms=tuple(tree.alarms),
        ensemble=ensemble,
        supervisor=supervisor,
        workers=workers,
        web=web,
        events=tuple(reported(event, now) for event in tree.events),
        disks=disks,
    )


_Processes = Sequence[tuple[SupervisorRecord, ProcessRecord]]


def _servers(states: Sequence[ServerState], processes: _Processes) -> tuple[ServerStatus, ...]:
    known = {process.address: process for _, process in processes}
    return tuple(
        _server(number, state, known.get(state.address)) for number, state in enumerate(states, 1)
    )


def _server(number: int, state: ServerState, process: ProcessRecord | None) -> ServerStatus:
    trouble = ""
    if process is not None and process.state not in WELL:
        reason = process.last_restart_reason
        trouble = f"its process is {process.state}" + (f", {reason}" if reason else "")
    pid = process.pid if process else None
    return copied(ServerStatus, state, id=number, pid=pid, trouble=trouble)


def _supervisor(
    tables: Sequence[SupervisorRecord], registered: Sequence[SupervisorRecord]
) -> SupervisorStatus | None:
    """Describes this machine's supervisor, or another's whose registration says that it lives."""
    if not tables:
        return None
    table = tables[-1]
    known = {(_home(each), each.pid) for each in registered}
    return copied(
        SupervisorStatus,
        table,
        alive=_supervises(table) or (_home(table), table.pid) in known,
        frozen=process_identity.is_frozen(table),
    )


def _workers(processes: _Processes, tree: Tree) -> tuple[WorkerStatus, ...]:
    """Describes every worker with a process or a registration, once each, by machine and name.

    A dead incarnation's registration, which stands until its session ends, is not its successor's.
    """
    newest = sorted(tree.workers, key=lambda record: record.at)
    registered = {
        (_home(record), record.name, record.pid, record.birth): record for record in newest
    }
    tables = [(table, process) for table, process in processes if process.role == "worker"]
    known = {
        (home, process.name) for table, process in tables for home in (_home(table), table.host)
    }
    rows = [
        _worker(table, process, _registered(registered, table, process), bool(tree.failure))
        for table, process in tables
    ]
    rows += [_stranger(each) for each in newest if (_home(each), each.name) not in known]
    return tuple(sorted(rows, key=lambda worker: (worker.machine, worker.instance, worker.name)))


def _registered(
    registered: Mapping[tuple[str, str, int, str], WorkerRecord],
    table: SupervisorRecord,
    process: ProcessRecord,
) -> WorkerRecord | None:
    pid = process.pid or 0
    ours = registered.get((_home(table), process.name, pid, process.birth))
    return ours or registered.get((table.host, process.name, pid, ""))


def _worker(
    table: SupervisorRecord, process: ProcessRecord, record: WorkerRecord | None, blind: bool
) -> WorkerStatus:
    state = process.state
    if record is not None and state in WELL:
        state = record.state
    elif state in WELL and not blind:
        state = "unregistered"
    return copied(
        WorkerStatus,
        table,
        process,
        record.load if record else Load(),
        machine=table.host,
        state=state,
        address=record.address if record else process.address,
        trouble=record.trouble if record else "",
    )


def _stranger(record: WorkerRecord) -> WorkerStatus:
    """Describes a worker in no table: started by hand, or its supervisor is gone."""
    process = ProcessRecord(name=record.name, role="worker", state="running", pid=record.pid)
    table = SupervisorRecord(
        host=record.host, instance=record.instance, pid=0, created=0.0, url="", zookeeper=""
    )
    return _worker(table, process, record, blind=False)


def _webs(processes: _Processes, tree: Tree) -> tuple[WebStatus, ...]:
    newest = sorted(tree.webs, key=lambda record: record.at)
    stages = {(_home(record), record.name): record.stages for record in newest}
    return tuple(
        copied(
            WebStatus,
            table,
            process,
            machine=table.host,
            stages=stages.get((_home(table), process.name), {}),
        )
        for table, process in processes
        if process.role == "web"
    )


# --- the problems --------------------------------------------------------------------


def _alarm_problems(standing: Iterable[Alarm]) -> Iterable[str]:
    for alarm in standing:
        yield (
            f"nothing is sold: {alarm.text}; `verify --receipts` names what is missing, "
            "`repair` puts it back"
        )


def _ensemble_problems(ensemble: EnsembleStatus, tree: Tree) -> Iterable[str]:
    down = [server for server in ensemble.servers if server.role == "down"]
    serving = len(ensemble.servers) - len(down)
    if not ensemble.quorum:
        yield (
            f"no quorum: {serving} of {len(ensemble.servers)} ZooKeeper servers serve, "
            "so nothing can be sold"
        )
    if tree.failure:
        yield f"could not be read: registrations, alarms and tickets: {tree.failure}"
    for server in down:
        why = f": {server.trouble}" if server.trouble else ""
        yield f"ZooKeeper server {server.id} ({server.address}) is down{why}"


def _process_problems(
    supervisor: SupervisorStatus | None,
    workers: Sequence[WorkerStatus],
    web: Sequence[WebStatus],
    *,
    unread: bool,
) -> Iterable[str]:
    """Yields what is wrong with the processes; what was not read is not called missing."""
    if supervisor is None and not unread:
        yield "no supervisor is registered: what dies is not started again"
    elif supervisor is not None and not supervisor.alive:
        yield f"the supervisor (pid {supervisor.pid}) is gone; `up` takes over what it left"
    elif supervisor is not None and supervisor.frozen:
        yield (
            f"the supervisor (pid {supervisor.pid}) is frozen: what dies is not started again; "
            f"`kill -CONT {supervisor.pid}` lets it go on"
        )
    if not workers and not unread:
        yield "there is no worker, so nothing can be sold"
    if not web and not unread:
        yield "there is no web server"
    processes: tuple[ProcessStatus, ...] = (*workers, *web)
    name = namer(processes)
    for process in processes:
        if process.state not in WELL:
            halted = process.trouble if isinstance(process, WorkerStatus) else ""
            reason = halted or process.last_restart_reason
            yield f"{name(process)} is {process.state}" + (f": {reason}" if reason else "")


def namer(processes: Sequence[ProcessStatus]) -> Callable[[ProcessStatus], str]:
    """Names processes for people, with their machines where there are several."""
    machines = {(process.machine, process.instance) for process in processes}
    hosts = Counter(machine for machine, _ in machines)

    def name(process: ProcessStatus) -> str:
        if len(machines) == 1:
            return process.name
        alike = hosts[process.machine] > 1
        return f"{process.machine}{f'-{process.instance[:4]}' if alike else ''}/{process.name}"

    return name
