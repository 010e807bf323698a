"""What the operators' pages show of the fake site: a status, a history, a log, and no ZooKeeper."""

import math
from collections.abc import Sequence

from core.availability import EventAvailability
from core.errors import NotRunning
from core.logquery import Found, Query
from core.logs import SourcedEntry
from core.models import LogEntry, Progress, Quantiles
from core.status import Ensemble, Server, Status, Supervisor, Web, Worker
from web.operator.history import History, Sample

AT = 1750000000.0
NAMES = ("worker-1", "worker-2", "worker-3")
ORDER = "fedcba9876543210" * 2


def status(state: str, event: EventAvailability) -> Status:
    """One of three servers is down; where ZooKeeper is away, so is its quorum."""
    away = state != "open"
    problems = ("no quorum: 1 of 3 ZooKeeper servers serve, so nothing can be sold",) * away
    return Status(
        healthy=False,
        problems=(*problems, "ZooKeeper server 3 (127.0.0.1:2183) is down"),
        at=AT,
        ensemble=Ensemble(quorum=not away, servers=tuple(map(_server, (1, 2, 3)))),
        supervisor=Supervisor(
            pid=41,
            host="box",
            url="http://127.0.0.1:8000/",
            alive=True,
            requests=(Progress(id="0" * 16, state="running", text="worker-2 drains"),),
        ),
        workers=tuple(_worker(name) for name in NAMES),
        web=(_web(),),
        alarms=(),
        events=() if away else (event,),
    )


def _server(number: int) -> Server:
    return Server(
        id=number,
        address=f"127.0.0.1:{2180 + number}",
        role=("leader", "follower", "down")[number - 1],
        pid=None if number == 3 else 100 + number,
        version=None if number == 3 else "3.9.5",
    )


def _worker(name: str) -> Worker:
    return Worker(
        name=name,
        pid=201,
        state="draining" if name == "worker-2" else "ready",
        address="127.0.0.1:5",
        trouble="",
        restarts=2 if name == "worker-2" else 0,
        last_restart_reason="silent for 11 s <b>" if name == "worker-2" else None,
        cpu_percent=61.0,
        rss_bytes=64 << 20,
        in_flight=12,
        sold_total=81234,
        sold_per_second=812.4,
        p99_ms=41.5,
    )


def _web() -> Web:
    return Web(
        name="web-1",
        pid=301,
        state="running",
        url="http://127.0.0.1:8000/",
        restarts=0,
        last_restart_reason=None,
        cpu_percent=88.0,
        rss_bytes=96 << 20,
        stages={"web": Quantiles(p50_ms=1.0, p99_ms=2.0)},
    )


def history(now: float) -> History:
    """Ten minutes with a rush in the middle, and a minute in which nothing was sold."""
    found = History()
    for second in range(-600, 0):
        found.add(_sample(now + second, second))
    return found


def _sample(at: float, second: int) -> Sample:
    rush = math.exp(-(((second + 150) / 60) ** 2))
    quiet = -80 < second < -40
    return Sample(
        at=at,
        sold=0.0 if quiet else round(300 + 2100 * rush + 60 * math.sin(second), 1),
        p50_ms=None if quiet else 8 + 12 * rush,
        p99_ms=None if quiet else 30 + 90 * rush + 9 * math.sin(second * 1.7),
        shed=round(900 * max(0.0, rush - 0.7), 1),
        failed=140.0 if quiet else 0.0,
        in_flight={name: int(20 + 180 * rush) + 9 * n for n, name in enumerate(NAMES)},
        cpu={name: 15 + 60 * rush + 6 * n for n, name in enumerate((*NAMES, "web-1"))},
    )


ENTRIES = (
    SourcedEntry("supervisor", LogEntry(at=AT, level="info", event="start", text="selling")),
    SourcedEntry(
        "worker-1", LogEntry(at=AT + 1, level="info", event="sold", text="2", orders=(ORDER,))
    ),
    SourcedEntry(
        "web-1", LogEntry(at=AT + 2, level="warning", event="link", text="worker-2: <i>lost</i>")
    ),
    SourcedEntry(
        "supervisor", LogEntry(at=AT + 3, level="error", event="fatal", text="worker-3 gave up")
    ),
)


class FakeOperations:
    """Notes in its log what it was asked for. There is no worker-3 to restart any more."""

    def __init__(self) -> None:
        self._entries = list(ENTRIES)

    async def restart(self, id_: str, name: str) -> None:
        if name == "worker-3":
            raise NotRunning("no supervisor is at work; `up` starts one")
        self._note("restart", f"{name or 'all'} {id_}")

    async def scale(self, id_: str, workers: int) -> None:
        self._note("scale", f"{workers} {id_}")

    async def reset(self, event: str, types: Sequence[str], quantity: int) -> None:
        self._note("reset", f"{event} {','.join(types) or 'all'} {quantity}")

    async def log(self, query: Query, most: int) -> tuple[Found, Sequence[str]]:
        wanted = [entry for entry in self._entries if query.wants(entry)]
        found = Found(tuple(wanted[::-1][:most]), whole=True)
        return found, sorted({entry.source for entry in self._entries})

    def _note(self, event: str, text: str) -> None:
        entry = LogEntry(at=AT + 9, level="info", event=event, text=text)
        self._entries.append(SourcedEntry("operator", entry))
