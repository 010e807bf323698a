"""The records in znodes: frozen types, and the one codec that reads and writes them.

Every record carries `"v"`, the version of its model. A znode that does not fit its
model raises `BadZnode`, which names it.
"""

import hmac
import re
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args

import msgspec

from core.errors import BadZnode
from core.schema.json_types import CurrencyCode, Natural, Rfc3339, UnixTime, described
from core.schema.order_number import CODE_PATTERN, NUMBER_PATTERN, code_of, number_of
from core.schema.sale_window import sale_state
from core.text.names import folded
from core.text.timestamps import rfc3339
from core.text.timezones import UTC_NAME

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
Name = Annotated[str, msgspec.Meta(pattern=rf"^{NAME.pattern}$")]
# The same in what we write, where nobody has to check it.
PlainName = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": rf"^{NAME.pattern}$"})]
ORDER_ID = re.compile(r"[0-9a-f]{32}")

DEFAULT_CURRENCY = "EUR"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="v", tag=1):
    """A versioned record; a later model gets another tag."""


class Marker(Record, frozen=True, kw_only=True):
    """The chroot's own data: proof that the tree is zkticket's."""

    product: str = "zkticket"


# Whether a ticket costs nothing now, is paid for at the door, or is no ticket until it is paid.
PaymentRule: TypeAlias = Literal["none", "door", "required"]
# A draft is neither listed nor sold; a past event's buyers can change nothing any more.
EventStatus: TypeAlias = Literal["draft", "published", "past"]
# The languages that pages speak, as their tags (BCP 47).
LANGUAGES = ("en", "zh-TW")


class EventTexts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event's texts in another language than its own; what is empty is read in its own."""

    title: str = ""
    place: str = ""
    description: str = ""
    organiser: str = ""


class Event(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An event. Its times and its sale's are Unix seconds; `None` is not said, or no bound."""

    generation: str
    title: str
    # Plain text in paragraphs, with an empty line between them.
    description: str = ""
    organiser: str = ""
    # The texts in other languages, by tag.
    translations: dict[str, EventTexts] = {}
    currency: str = DEFAULT_CURRENCY
    # The decimals of its prices. Events of earlier versions have two.
    decimals: Annotated[int, msgspec.Meta(ge=0, le=4)] = 2
    # Events of earlier versions know nothing of payment.
    payment: PaymentRule = "none"
    # Where buyers pay: the page of a hold sends them there.
    payment_url: str = ""
    place: str = ""
    # The venue's, by its name at IANA: its times are written as the clocks there show them.
    timezone: str = UTC_NAME
    starts_at: float | None = None
    ends_at: float | None = None
    # When people are let in.
    doors_at: float | None = None
    opens_at: float | None = None
    closes_at: float | None = None
    # The closing time that was planned, while the sale is closed by hand.
    planned_closes_at: float | None = None
    # The most tickets of one buyer, held ones included; 0 is no limit.
    limit: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    # How long a hold lasts, in seconds, and how often it may be extended by as much.
    hold_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 300.0
    extensions: Annotated[int, msgspec.Meta(ge=0, le=10)] = 2
    # Whether buyers may cancel their orders.
    cancellable: bool = False
    # It is yet to be published, or was taken back: nobody sees it or buys its tickets.
    hidden: bool = False
    # How often its terms were changed; calendars tell a newer entry by it.
    revision: int = 0
    # Some of its types are still to be written. Its name in a tree is an earlier one.
    unfinished: bool = msgspec.field(default=False, name="draft")

    def on_sale(self, now: float) -> bool:
        return not (self.unfinished or self.hidden) and sale_state(self, now) == "open"


class TicketType(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A kind of ticket; its event says what `price` is in (`core.text.money`).

    `colour` is `#rrggbb`.
    """

    capacity: Count
    price: Count = 0
    label: str = ""
    # The label in other languages than the event's own, by tag.
    labels: dict[str, str] = {}
    colour: Annotated[str, msgspec.Meta(pattern=r"^(#[0-9a-f]{6})?$")] = ""
    # Its place in the organiser's order. Types of earlier versions have one and the same.
    position: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    # Its stock is kept in so many counters: see `core.store.stripes`.
    stripes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1


class Stock(Record, frozen=True, kw_only=True):
    """A counter of tickets. P1: added up over a type's counters, they make its capacity.

    One worker may give back what another sold or held, each on its own counter: a single
    counter's `held` and `sold` may be negative, their sums never are.
    """

    remaining: Count
    held: int = 0
    sold: int = 0
    # Of those sold: how many have come in. Admissions by earlier versions are not counted.
    admitted: int = 0

    @property
    def capacity(self) -> int:
        return self.remaining + self.held + self.sold

    @property
    def taken(self) -> int:
        return self.held + self.sold

    def __add__(self, other: "Stock") -> "Stock":
        return Stock(
            remaining=self.remaining + other.remaining,
            held=self.held + other.held,
            sold=self.sold + other.sold,
            admitted=self.admitted + other.admitted,
        )

    def add(self, quantity: int) -> "Stock":
        """Adds tickets for sale, or takes some away where the number is negative."""
        return msgspec.structs.replace(self, remaining=self.remaining + quantity)

    def sell(self, quantity: int) -> "Stock":
        return self.move(sold=quantity)

    def move(self, *, held: int = 0, sold: int = 0, admitted: int = 0) -> "Stock":
        """Moves tickets from sale to held or sold, and back where a number is negative."""
        return Stock(
            remaining=self.remaining - held - sold,
            held=self.held + held,
            sold=self.sold + sold,
            admitted=self.admitted + admitted,
        )


# Where an order stands. Held and sold ones have their tickets, the others gave them back.
Status: TypeAlias = Literal["held", "sold", "released", "expired", "cancelled"]


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money that came in for an order, by the id that its provider gave it.

    `amount` is in the units of the order's total; `None` and "" mean not said. `refused` is the
    code for why it does not count and should be given back; empty for the one that paid.
    """

    id: str
    amount: Count | None = None
    currency: str = ""
    refused: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of an order after it was made, and the commit that did it.

    `note` is a payment, a door or a reason; `key` names the request, `by` whose token it came with.
    A change of the act `PAYMENT` records money and changes nothing else; without a `payment` it
    says that there were more than are recorded. Where tickets moved, counter `stripe` went to
    `version`, which tells whether any reading has seen this change.
    """

    act: str
    at: float
    batch: str
    note: str = ""
    key: str = ""
    stripe: int = 0
    version: int = 0
    payment: Payment | None = None
    by: str = ""


PAYMENT = "payment"


class DoorScan(msgspec.Struct, frozen=True, kw_only=True):
    """The entry of an order's holder. `scan` is the key of the scan that let them in.

    `counted` says that the stock's `admitted` has it; earlier versions did not count.
    """

    at: float
    door: str
    scan: str
    counted: bool = False


# It omits the fields that a plain sale lacks: there are a million of them in memory.
class Order(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One sale or hold. `batch` names the commit that made it, `at` is in Unix seconds.

    `until` is a hold's end.
    """

    type: Name
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    buyer: str
    status: Status
    at: float
    batch: str
    until: float | None = None
    extended: int = 0
    changes: tuple[Change, ...] = ()
    admitted: DoorScan | None = None
    # What was agreed for each ticket; orders that are older than these fields have none.
    price: Count | None = None
    currency: str = ""
    decimals: int = 2
    # How it is paid, as the event had it when it was held or sold.
    payment: PaymentRule = "none"

    @property
    def payments(self) -> tuple[tuple[float, Payment], ...]:
        """The recorded payments, and when each came in."""
        return tuple(
            (change.at, payment)
            for change in self.changes
            if (payment := _payment_of(change)) is not None
        )

    @property
    def paid(self) -> Payment | None:
        """The payment that counts."""
        return next((payment for _, payment in self.payments if not payment.refused), None)

    @property
    def more_payments(self) -> bool:
        """Whether more payments came in than are recorded."""
        return any(each.act == PAYMENT and each.payment is None for each in self.changes)

    @property
    def total(self) -> int | None:
        """The total in the price's units; `None` for orders that don't have it."""
        return None if self.price is None else self.price * self.quantity

    @property
    def owed(self) -> int:
        """What is still to be paid for its tickets, in the price's units.

        An operator who sells where payment is required has seen to the money.
        """
        awaited = {"door": ("held", "sold"), "required": ("held",), "none": ()}[self.payment]
        return self.total or 0 if self.status in awaited and self.paid is None else 0


def _payment_of(change: Change) -> Payment | None:
    """Returns a change's payment; an earlier version recorded its name only."""
    if change.payment is None and change.act == "confirm" and change.note:
        return Payment(id=change.note)
    return change.payment


class PaymentClaim(Record, frozen=True, kw_only=True):
    """The order that a payment first came in for: it counts for no other one."""

    order: str


class Tab(Record, frozen=True, kw_only=True):
    """The number of tickets that one buyer has or holds of an event with a limit."""

    tickets: Count


class HoldList(Record, frozen=True, kw_only=True):
    """Orders that were held, or held longer, by one commit."""

    orders: tuple[str, ...]


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """The quantiles of recent durations."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's own word on its work; rates are over the last seconds."""

    in_flight: int = 0
    sold_total: int = 0
    sold_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


class WorkerRecord(Record, frozen=True, kw_only=True):
    """A worker's registration, ephemeral.

    `state` is ready, draining, suspended or halted, and `trouble` says what has halted it.
    """

    name: str
    host: str
    pid: int
    # Together with the instance they name the process, wherever it runs.
    birth: str = ""
    instance: str = ""
    address: str
    state: str
    trouble: str = ""
    load: Load = Load()
    at: float = 0.0


class Alarm(Record, frozen=True, kw_only=True):
    """An alarm stops the sale: `source` has found that ZooKeeper forgot something."""

    source: str
    text: str
    at: UnixTime


class WebRecord(Record, frozen=True, kw_only=True):
    """A web server's registration, ephemeral: where the time of its latest sales went, by stage."""

    name: str
    host: str
    pid: int
    instance: str = ""
    stages: dict[str, Quantiles] = {}
    at: float = 0.0


# Why a process was restarted: it died, its supervisor decided so, or a person asked.
CAUSES = ("died", "hung", "memory", "outlier", "disk", "operator", "other")


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One child of a supervisor as it was last sampled."""

    name: str
    role: str
    state: str
    pid: int | None
    # Unix seconds, for people: it changes with the clock.
    created: float = 0.0
    # With the pid this names a process for good, as in `core.machine.process_identity`.
    birth: str = ""
    restarts: int = 0
    last_restart_reason: str | None = None
    # The number of restarts for each of `CAUSES`.
    restart_causes: dict[str, int] = {}
    cpu_percent: float = 0.0
    rss_bytes: int = 0
    threads: int = 0
    open_files: int = 0
    address: str = ""


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk that an instance writes to. `host` is empty in a supervisor's own table."""

    directory: Annotated[str, described("The uppermost directory of the instance on this disk.")]
    host: str = ""
    state: Annotated[str, described("How it is.", enum=["ok", "low", "full", "read-only"])]
    free_bytes: Natural
    size_bytes: Natural


class OperatorRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request of an operator to a supervisor, which gives it up after `timeout_s`.

    `action` is restart, of the processes of these `names`, or of all workers for none; or
    scale, which is done when the desired workers sell. `at` is in Unix seconds.
    """

    id: str
    action: str
    names: tuple[str, ...] = ()
    timeout_s: float
    at: float


class Desired(Record, frozen=True, kw_only=True):
    """The state that operators want of an instance, changed with its version only.

    `workers` counts instead of the number that `up` was told, as long as that is `instead_of`.
    """

    workers: int | None = None
    instead_of: int = 0
    requests: tuple[OperatorRequest, ...] = ()

    def workers_of(self, told: int) -> int:
        """Returns how many workers there should be, given the number that `up` was told."""
        return told if self.workers is None or told != self.instead_of else self.workers


class EndedSessions(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Operators' sessions that were ended, each with when it would have ended by itself.

    All that would have ended by `all_until` are ended, whether they are named or not.
    """

    all_until: int = 0
    sessions: dict[str, int] = {}


# A door lets people in, an organiser looks after events and orders, an operator after everything.
Role: TypeAlias = Literal["door", "organiser", "operator"]


class AccessToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a token. A door's may be bound to one `event`; `made_at` is in Unix seconds.

    `digest` is the SHA-256 of the token in hexadecimal digits.
    """

    name: str
    role: Role
    event: str = ""
    made_at: float
    digest: str


class AccessTokens(Record, frozen=True, kw_only=True, omit_defaults=True):
    """All tokens of people and devices."""

    tokens: tuple[AccessToken, ...] = ()


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a request is: `state` is waiting, running, done or failed; `text` is for people."""

    id: str
    state: str
    text: str


class SupervisorRecord(Record, frozen=True, kw_only=True):
    """A supervisor and its process table: an ephemeral znode, and the run file on its machine.

    `zookeeper` is `host:port,…`; `url` the page's address; `ready` once tickets can be bought.
    `instance` names its desired state; `workers` is how many `up` was told to start; `place` is
    where its pids can be looked up.
    """

    host: str
    place: str = ""
    pid: int
    created: float
    birth: str = ""
    url: str
    zookeeper: str
    ready: bool = False
    instance: str = ""
    workers: int = 0
    processes: tuple[ProcessRecord, ...] = ()
    requests: tuple[Progress, ...] = ()
    disks: tuple[Disk, ...] = ()
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
    """Encodes the record as one line of JSON."""
    return msgspec.json.encode(record)


def decode(kind: type[RecordT], data: bytes, path: str) -> RecordT:
    """Decodes the record of the znode at `path`. Raises `BadZnode` for anything else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadZnode(path, str(error)) from None


def copied(kind: type[RecordT], *sources: object, **others: Any) -> RecordT:
    """Makes a struct of the sources' fields and of `others`; what comes later counts."""
    found = {
        name: getattr(source, name)
        for source in sources
        for name in kind.__struct_fields__
        if hasattr(source, name)
    }
    return kind(**(found | others))


def order_id(order_key: bytes, event: str, key: str) -> str:
    """Makes 32 hexadecimal digits from the event and the idempotency key: one key, one order (P3).

    An HMAC (RFC 2104), so that nobody without the secret can guess one.
    """
    message = f"{event}\0{key}".encode()
    return hmac.digest(order_key, message, "sha256").hex()[:32]


def buyer_id(order_key: bytes, event: str, buyer: str) -> str:
    """Makes 32 hexadecimal digits from a buyer's name, however it is spelled, for limits."""
    message = f"{event}\0\0{folded(buyer)}".encode()
    return hmac.digest(order_key, message, "sha256").hex()[:32]


def payment_key(order_key: bytes, payment: str) -> str:
    """Makes 32 hexadecimal digits from a payment's id, which may be any text."""
    message = f"\0payment\0{payment}".encode()
    return hmac.digest(order_key, message, "sha256").hex()[:32]


class PaymentView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payment for an order."""

    id: Annotated[str, described("As its provider calls it.")]
    at: Rfc3339
    counts: Annotated[bool, described("Whether it paid the order; one at the most does.")]
    amount: Annotated[
        Natural | None, described("In units as the order's `total`, where it was said.")
    ] = None
    currency: CurrencyCode = ""
    refused: Annotated[str, described("The code of why it does not count.")] = ""


class OrderView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as buyers see it."""

    order: Annotated[
        str,
        described("The order's id; doors are not told it.", pattern=f"^{ORDER_ID.pattern}$"),
    ] = ""
    event: PlainName
    type: PlainName
    quantity: Annotated[int, described("Of tickets.", minimum=1)]
    buyer: Annotated[str, described("The name as it was sent, without spaces at its ends.")]
    status: Annotated[
        str,
        described(
            "Held and sold orders have their tickets, the others gave them back.",
            enum=list(get_args(Status)),
        ),
    ]
    created_at: Rfc3339
    zxid: Annotated[Natural, described("ZooKeeper's transaction that made the order.")]
    held_until: Annotated[Rfc3339 | None, described("Of a hold: when it ends.")] = None
    extended: Annotated[Natural, described("Of a hold: how often it was extended.")] = 0
    checked_in_at: Rfc3339 | None = None
    checked_in_by: Annotated[str | None, described("The door.")] = None
    price: Annotated[
        Natural | None,
        described(
            "Of one ticket, as it was agreed, in units as the event's prices; what it costs now "
            "changes nothing. Orders of an earlier version have none."
        ),
    ] = None
    total: Annotated[Natural | None, described("`price` times `quantity`.")] = None
    currency: CurrencyCode = ""
    decimals: Annotated[
        int, described("Those of `price` and `total`; 2 where it is not there.")
    ] = 2
    payments: Annotated[
        tuple[PaymentView, ...],
        described("All that came in for it, also those to be given back."),
    ] = ()
    more_payments: Annotated[
        bool, described("More came in than are recorded, and none of them counts.")
    ] = False
    payment: Annotated[
        PaymentRule, described("How it is paid, as the event had it; none where it is not there.")
    ] = "none"
    owed: Annotated[
        Natural,
        described(
            "What is still to be paid, in units as `total`: at the door, or to confirm a hold; 0 "
            "where it is not there."
        ),
    ] = 0
    number: Annotated[
        str,
        described(
            "A short number for people, with a check character. It looks an order up and manages "
            "nothing.",
            pattern=f"^{NUMBER_PATTERN}$",
        ),
    ] = ""
    code: Annotated[
        str,
        described(
            "What the ticket's QR code holds: it admits and does not manage.",
            pattern=f"^{CODE_PATTERN}$",
        ),
    ] = ""

    def coded(self, ticket_key: bytes) -> "OrderView":
        """Returns the same view with the number and the code of its ticket.

        Whoever shows orders adds them: workers don't, for each sale has to send them.
        """
        code, number = code_of(ticket_key, self.order), number_of(self.order)
        return msgspec.structs.replace(self, code=code, number=number)


def view(order_id_: str, event: str, order: Order, zxid: int) -> OrderView:
    """Makes the buyer's view of a stored order."""
    return OrderView(
        order=order_id_,
        event=event,
        type=order.type,
        quantity=order.quantity,
        buyer=order.buyer,
        status=order.status,
        created_at=rfc3339(order.at),
        zxid=zxid,
        held_until=None if order.until is None else rfc3339(order.until),
        extended=order.extended,
        checked_in_at=None if order.admitted is None else rfc3339(order.admitted.at),
        checked_in_by=None if order.admitted is None else order.admitted.door,
        price=order.price,
        total=order.total,
        currency=order.currency,
        decimals=order.decimals,
        payments=tuple(
            copied(PaymentView, each, at=rfc3339(at), counts=not each.refused)
            for at, each in order.payments
        ),
        more_payments=order.more_payments,
        payment=order.payment,
        owed=order.owed,
    )
