"""The instance and this machine as families of samples, for `/metrics`."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from core.cluster.status import Status
from core.schema.records import CAUSES, ProcessRecord, SupervisorRecord
from core.store.availability import EventAvailability, TypeAvailability
from core.version import VERSION
from web.metrics.host_metrics import Machine, ReceiptFiles
from web.metrics.prometheus_text import Family, MetricSample, counter, gauge, one, summed

# Beyond so many types of tickets their stock is left out: Prometheus keeps each series for weeks.
MOST_TYPES = 1000
ROLES = ("leader", "follower", "observer", "standalone", "down")
PROCESS_ROLES = ("zookeeper", "worker", "web")
PROCESS_STATES = ("stopped", "starting", "running", "draining", "backoff", "fatal")
# Of a worker that is registered, in its own words, and of the others in their supervisor's.
WORKER_STATES = ("ready", "halted", "suspended", "unregistered", "dead", "frozen", *PROCESS_STATES)


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


# --- tickets -------------------------------------------------------------------------


def tickets(events: Sequence[EventAvailability]) -> Iterable[Family]:
    types = [(event.name, type_) for event in events for type_ in event.types]
    listed = types[:MOST_TYPES]
    for name, help_, of in _STOCK:
        yield gauge(
            name, help_, [MetricSample(of(type_), _type(event, type_)) for event, type_ in listed]
        )
    yield one("types_unlisted", "Types of tickets beyond those listed.", len(types) - len(listed))


_STOCK: tuple[tuple[str, str, Callable[[TypeAvailability], int]], ...] = (
    ("tickets_capacity", "Tickets of a type in all.", lambda type_: type_.capacity),
    ("tickets_sold", "Tickets that are sold.", lambda type_: type_.sold),
    ("tickets_held", "Tickets that are held for buyers.", lambda type_: type_.held),
    ("tickets_remaining", "Tickets that are for sale.", lambda type_: type_.remaining),
)


def _type(event: str, type_: TypeAvailability) -> Mapping[str, str]:
    return {"event": event, "type": type_.name}


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
    yield from _disks(found, host)
    yield from _receipts(found.journals, host)


def _processes(table: SupervisorRecord) -> Iterable[Family]:
    yield gauge("processes", "Processes by role and state.", _by_state(table))
    for name, help_, of in _USAGE:
        samples = [
            MetricSample(of(process), _process(table, process)) for process in table.processes
        ]
        yield gauge(name, help_, samples)
    help_ = "How often a process was started again, by cause."
    yield counter("process_restarts_total", help_, _restarts(table))


_USAGE: tuple[tuple[str, str, Callable[[ProcessRecord], float]], ...] = (
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


def _disks(found: Machine, host: str) -> Iterable[Family]:
    def samples(of: Callable[[int], float]) -> list[MetricSample]:
        disks = enumerate(found.disks)
        return [
            MetricSample(of(n), {"host": host, "directory": disk.directory}) for n, disk in disks
        ]

    disks = found.disks
    free, size = samples(lambda n: disks[n].free_bytes), samples(lambda n: disks[n].size_bytes)
    read_only = samples(lambda n: int(disks[n].state == "read-only"))
    yield gauge("disk_free_bytes", "Room on a disk that the instance writes to.", free)
    yield gauge("disk_size_bytes", "Size of such a disk.", size)
    yield gauge("disk_read_only", "Whether it takes no writes.", read_only)


def _receipts(journals: Sequence[ReceiptFiles], host: str) -> Iterable[Family]:
    for kind, name, help_, of in _JOURNAL:
        labels = [{"host": host, "worker": journal.worker} for journal in journals]
        pairs = zip(journals, labels, strict=True)
        samples = summed(MetricSample(of(journal), label) for journal, label in pairs)
        yield Family(name, kind, help_, samples)


_JOURNAL: tuple[tuple[str, str, str, Callable[[ReceiptFiles], float]], ...] = (
    (
        "gauge",
        "receipts_written_timestamp_seconds",
        "When a worker's latest receipt was flushed to disk.",
        lambda journal: journal.written_at,
    ),
    ("gauge", "receipts_size_bytes", "Receipts that are kept.", lambda journal: journal.size_bytes),
    ("gauge", "receipts_files", "Files of receipts that are kept.", lambda it: it.files),
    (
        "counter",
        "receipts_dropped_files_total",
        "Files of receipts that were deleted, being the oldest: their orders are not covered.",
        lambda journal: journal.dropped,
    ),
)
