"""Families of samples of the instance and of this machine, for `/metrics`."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from core.cluster.status import Status
from core.schema.records import CAUSES, Disk, ProcessRecord, SupervisorRecord
from core.store.availability import EventAvailability, TypeAvailability
from core.version import VERSION
from web.metrics.host_metrics import Machine, ReceiptFiles
from web.metrics.prometheus_text import Family, Labels, MetricSample, counter, gauge, one

# The stock of more ticket types is left out: Prometheus keeps each series for weeks.
MOST_TYPES = 1000
ROLES = ("leader", "follower", "observer", "standalone", "down")
PROCESS_ROLES = ("zookeeper", "worker", "web")
PROCESS_STATES = ("stopped", "starting", "running", "draining", "backoff", "fatal")
# Of a worker that is registered, in its own words, and of the others in their supervisor's.
WORKER_STATES = ("ready", "halted", "suspended", "unregistered", "dead", "frozen", *PROCESS_STATES)

Item = TypeVar("Item")
# Families with one sample for each item: name, help, and how an item's figure is found.
Table: TypeAlias = tuple[tuple[str, str, Callable[[Item], float]], ...]


def build(status: Status | None) -> Family:
    """ZooKeeper's version is empty where no server has told it."""
    servers = status.ensemble.servers if status else ()
    versions = sorted({server.version for server in servers if server.version})
    labels = {
        "version": VERSION,
        "python": platform.python_version(),
        "zookeeper": ",".join(versions),
    }
    return gauge("build_info", "Versions of what runs here.", (MetricSample(1, labels),))


def _families(
    table: Table[Item], items: Iterable[Item], labels: Callable[[Item], Labels]
) -> Iterable[Family]:
    """A family for each row of the table, with a sample for each of the items."""
    labelled = [(item, labels(item)) for item in items]
    for name, help_, of in table:
        make = counter if name.endswith("_total") else gauge
        yield make(name, help_, [MetricSample(of(item), its) for item, its in labelled])


# --- tickets -------------------------------------------------------------------------


def tickets(events: Sequence[EventAvailability]) -> Iterable[Family]:
    types = [(event.name, type_) for event in events for type_ in event.types]
    listed = types[:MOST_TYPES]
    yield from _families(_STOCK, listed, lambda it: {"event": it[0], "type": it[1].name})
    yield one("types_unlisted", "Types of tickets beyond those listed.", len(types) - len(listed))


_STOCK: Table[tuple[str, TypeAvailability]] = (
    ("tickets_capacity", "Tickets of a type in all.", lambda it: it[1].capacity),
    ("tickets_sold", "Tickets that are sold.", lambda it: it[1].sold),
    ("tickets_held", "Tickets that are held for buyers.", lambda it: it[1].held),
    ("tickets_remaining", "Tickets that are for sale.", lambda it: it[1].remaining),
)


# --- the instance --------------------------------------------------------------------


def instance(status: Status) -> Iterable[Family]:
    """What `status` tells of all machines: each web server tells the same."""
    yield one("problems", "Lines that `status` shows as problems.", len(status.problems))
    quorum = int(status.ensemble.quorum)
    yield one("zookeeper_quorum", "Whether most ZooKeeper servers serve.", quorum)
    yield gauge("zookeeper_server_role", "1 for the role that a server has.", _roles(status))
    if status.ensemble.quorum and not status.unread:  # else their own words are missing
        yield gauge("workers", "Workers by state.", _workers(status))


def _roles(status: Status) -> Iterable[MetricSample]:
    for server in status.ensemble.servers:
        for role in ROLES:
            labels = {"server": server.address, "role": role}
            yield MetricSample(int(server.role == role), labels)


def _workers(status: Status) -> Iterable[MetricSample]:
    found = Counter(worker.state for worker in status.workers)
    return (MetricSample(found[state], {"state": state}) for state in WORKER_STATES)


# --- this machine --------------------------------------------------------------------


def machine(found: Machine, host: str) -> Iterable[Family]:
    labels = {"host": host}
    yield gauge(
        "supervisor_up", "Whether it lives.", (MetricSample(int(found.supervised), labels),)
    )
    open_ = (MetricSample(found.connections, labels),)
    yield gauge("connections", "Open connections to the page's port.", open_)
    if found.table is not None:
        yield from _processes(found.table)
    yield from _families(_DISKS, found.disks, lambda it: {**labels, "directory": it.directory})
    yield from _families(_RECEIPTS, found.journals, lambda it: {**labels, "worker": it.worker})


def _processes(table: SupervisorRecord) -> Iterable[Family]:
    yield gauge("processes", "Processes by role and state.", _by_state(table))
    yield from _families(_USAGE, table.processes, lambda it: _process(table, it))
    help_ = "How often a process was started again, by cause."
    yield counter("process_restarts_total", help_, _restarts(table))


_USAGE: Table[ProcessRecord] = (
    ("process_cpu_ratio", "Processor time taken; 1 is a core.", lambda it: it.cpu_percent / 100),
    ("process_resident_memory_bytes", "Memory in use.", lambda it: it.rss_bytes),
    ("process_open_fds", "Open files and sockets.", lambda it: it.open_files),
    ("process_threads", "Threads.", lambda it: it.threads),
)


def _process(table: SupervisorRecord, process: ProcessRecord) -> Mapping[str, str]:
    return {"host": table.host, "process": process.name}


def _by_state(table: SupervisorRecord) -> Iterable[MetricSample]:
    found = Counter((process.role, process.state) for process in table.processes)
    for role in PROCESS_ROLES:
        for state in PROCESS_STATES:
            labels = {"host": table.host, "role": role, "state": state}
            yield MetricSample(found[role, state], labels)


def _restarts(table: SupervisorRecord) -> Iterable[MetricSample]:
    for process in table.processes:
        for cause in CAUSES:
            labels = {**_process(table, process), "cause": cause}
            yield MetricSample(process.restart_causes.get(cause, 0), labels)


_DISKS: Table[Disk] = (
    ("disk_free_bytes", "Room on a disk that the instance writes to.", lambda it: it.free_bytes),
    ("disk_size_bytes", "Size of such a disk.", lambda it: it.size_bytes),
    ("disk_read_only", "Whether it takes no writes.", lambda it: int(it.state == "read-only")),
)
_RECEIPTS: Table[ReceiptFiles] = (
    (
        "receipts_written_timestamp_seconds",
        "When a worker's latest receipt was flushed to disk.",
        lambda it: it.written_at,
    ),
    ("receipts_size_bytes", "Receipts that are kept.", lambda it: it.size_bytes),
    ("receipts_files", "Files of receipts that are kept.", lambda it: it.files),
    (
        "receipts_dropped_files_total",
        "Files of receipts that were deleted, being the oldest: their orders are not covered.",
        lambda it: it.dropped,
    ),
)
