"""What the znodes hold: frozen types, and the one codec that reads and writes them.

Every record carries `"v"`, the version of its model. A znode that does not fit its
model raises `BadZnode`, which names it.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, TypeVar

import msgspec

from core.errors import BadZnode

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
Name = Annotated[str, msgspec.Meta(pattern=rf"^{NAME.pattern}$")]

DEFAULT_EVENT = "default"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="v", tag=1):
    """A versioned record; a later model gets another tag."""


class Marker(Record, frozen=True, kw_only=True):
    """The chroot's own data: proof that the tree is zkticket's."""

    product: str = "zkticket"


class Event(Record, frozen=True, kw_only=True):
    """An event. `opens_at` and `closes_at` are Unix seconds; `None` is no bound."""

    generation: str
    title: str
    currency: str = "EUR"
    opens_at: float | None = None
    closes_at: float | None = None
    # Some of its types are still to be written.
    draft: bool = False

    def on_sale(self, now: float) -> bool:
        if self.draft:
            return False
        return (self.opens_at is None or now >= self.opens_at) and (
            self.closes_at is None or now < self.closes_at
        )


class TicketType(Record, frozen=True, kw_only=True):
    """A kind of ticket; `price` in hundredths of the event's currency."""

    capacity: Count
    price: Count = 0
    # Its stock is kept in so many counters, one for each worker, so that they don't collide.
    stripes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1


class Stock(Record, frozen=True, kw_only=True):
    """A counter of tickets. P1: added up over a type's counters, they make its capacity."""

    remaining: Count
    held: Count = 0
    sold: Count = 0

    @property
    def capacity(self) -> int:
        return self.remaining + self.held + self.sold

    def __add__(self, other: "Stock") -> "Stock":
        return Stock(
            remaining=self.remaining + other.remaining,
            held=self.held + other.held,
            sold=self.sold + other.sold,
        )

    def add(self, quantity: int) -> "Stock":
        """So many more for sale, fewer where it is negative."""
        return msgspec.structs.replace(self, remaining=self.remaining + quantity)

    def sell(self, quantity: int) -> "Stock":
        return msgspec.structs.replace(
            self, remaining=self.remaining - quantity, sold=self.sold + quantity
        )


class Order(Record, frozen=True, kw_only=True):
    """One sale. `batch` names the commit that made it, `at` is in Unix seconds."""

    type: Name
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    buyer: str
    status: str
    at: float
    batch: str


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Of recent durations."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of its work; rates are over the last seconds."""

    in_flight: int = 0
    sold_total: int = 0
    sold_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


class WorkerRecord(Record, frozen=True, kw_only=True):
    """A worker's registration, ephemeral. `state` is ready, draining or suspended."""

    name: str
    host: str
    pid: int
    address: str
    state: str
    load: Load = Load()
    at: float = 0.0


class WebRecord(Record, frozen=True, kw_only=True):
    """A web server's registration, ephemeral: where the time of its latest sales went, by stage."""

    name: str
    host: str
    pid: int
    stages: dict[str, Quantiles] = {}
    at: float = 0.0


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One child of a supervisor as it was last sampled."""

    name: str
    role: str
    state: str
    pid: int | None
    # With the pid this names a process for good: pids are used again.
    created: float = 0.0
    restarts: int = 0
    last_restart_reason: str | None = None
    cpu_percent: float = 0.0
    rss_bytes: int = 0
    threads: int = 0
    open_files: int = 0
    address: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks of a supervisor, which gives it up after `timeout_s`.

    `action` is restart, of the processes of these `names`, or of all workers for none; or
    scale, which is done when the desired workers sell. `at` is in Unix seconds.
    """

    id: str
    action: str
    names: tuple[str, ...] = ()
    timeout_s: float
    at: float


class Desired(Record, frozen=True, kw_only=True):
    """What operators want of an instance, changed with its version only.

    `workers` counts instead of the number that `up` was told, as long as that is `instead_of`.
    """

    workers: int | None = None
    instead_of: int = 0
    requests: tuple[Request, ...] = ()

    def workers_of(self, told: int) -> int:
        """How many workers there should be where `up` was told so many."""
        return told if self.workers is None or told != self.instead_of else self.workers


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a request is. `state` is waiting, running, done or failed; `text` is for people."""

    id: str
    state: str
    text: str


class SupervisorRecord(Record, frozen=True, kw_only=True):
    """A supervisor and its process table: an ephemeral znode, and the run file on its machine.

    `zookeeper` is `host:port,…`; `url` the page's address; `ready` once tickets can be bought.
    `instance` names its desired state; `workers` is how many `up` was told to start.
    """

    host: str
    pid: int
    created: float
    url: str
    zookeeper: str
    ready: bool = False
    instance: str = ""
    workers: int = 0
    processes: tuple[ProcessRecord, ...] = ()
    requests: tuple[Progress, ...] = ()
    at: float = 0.0


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the log. `at` is in Unix seconds; `orders` are the ids that it is about."""

    at: float
    level: str
    event: str
    text: str
    orders: tuple[str, ...] = ()


RecordT = TypeVar("RecordT", bound=msgspec.Struct)


def encode(record: msgspec.Struct) -> bytes:
    """The record as one line of JSON."""
    return msgspec.json.encode(record)


def decode(kind: type[RecordT], data: bytes, path: str) -> RecordT:
    """The record that the znode at `path` holds; `BadZnode` where it holds something else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadZnode(path, str(error)) from None


def order_id(order_key: bytes, event: str, key: str) -> str:
    """32 hexadecimal digits from the event and the idempotency key; one key, one order (P3).

    An HMAC (RFC 2104), so that nobody without the secret can guess one.
    """
    message = f"{event}\0{key}".encode()
    return hmac.digest(order_key, message, hashlib.sha256).hex()[:32]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as buyers see it. `created_at` is RFC 3339, `zxid` that of its commit."""

    order: str
    event: str
    type: str
    quantity: int
    buyer: str
    status: str
    created_at: str
    zxid: int


def view(order_id_: str, event: str, order: Order, zxid: int) -> OrderView:
    """The buyer's view of a stored order."""
    return OrderView(
        order=order_id_,
        event=event,
        type=order.type,
        quantity=order.quantity,
        buyer=order.buyer,
        status=order.status,
        created_at=_timestamp(order.at),
        zxid=zxid,
    )


# The orders of a batch have one time.
@lru_cache(maxsize=16)
def _timestamp(at: float) -> str:
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
