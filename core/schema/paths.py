"""Every znode path, named once. Paths are relative to the chroot."""

import re
from functools import partial

from core.errors import WrongUsage

CHROOT = "/zkticket"
# Who may read and write there, as ZooKeeper's digest scheme names it.
IDENTITY = "zkticket"
# The event of purchases that name none.
DEFAULT_EVENT = "default"

EVENTS = "/events"
WORKERS = "/workers"
WEBS = "/webs"
SUPERVISORS = "/supervisors"
DESIRED = "/desired"
JANITOR = "/janitor"
LOG = "/log"
ALARMS = "/alarms"
# Generations whose orders an operator has deleted: no receipt asks for them any more.
RETIRED = "/retired"
# Operators' sessions that were ended before their time.
ENDED_SESSIONS = "/ended-sessions"
# Who may open what: the digests of people's and devices' tokens.
TOKENS = "/tokens"
# Which order each payment was for, in all events.
PAYMENTS = "/payments"
TOP = (
    *(EVENTS, WORKERS, WEBS, SUPERVISORS, DESIRED, JANITOR, LOG, ALARMS, RETIRED),
    ENDED_SESSIONS,
    TOKENS,
    PAYMENTS,
)

# Orders are spread over 256 buckets: a million of them makes child lists of 4,000.
BUCKETS = tuple(f"{number:02x}" for number in range(256))

TYPED = re.compile(r"/|(/[^/]+)+/?")


def child(parent: str, name: str) -> str:
    return f"{parent}/{name}"


# Each takes a name: of a registration, an instance, an alarm's or a log's source, a generation.
worker = partial(child, WORKERS)
web = partial(child, WEBS)
supervisor = partial(child, SUPERVISORS)
desired = partial(child, DESIRED)
alarm = partial(child, ALARMS)
retired = partial(child, RETIRED)
log_source = partial(child, LOG)


def event(name: str) -> str:
    return f"{EVENTS}/{name}"


def generation(name: str, generation: str) -> str:
    """Names an event's life: at random each time, so that an old version fits nothing new."""
    return f"{event(name)}/{generation}"


def below(path: str, name: str) -> str:
    """Names a child of any znode."""
    return f"/{name}" if path == "/" else f"{path}/{name}"


def full(path: str) -> str:
    """Returns the path as `zkCli` wants it."""
    return CHROOT if path == "/" else CHROOT + path


def types(name: str, generation_: str) -> str:
    return f"{generation(name, generation_)}/types"


def type_(name: str, generation_: str, type_name: str) -> str:
    return f"{types(name, generation_)}/{type_name}"


def stock(name: str, generation_: str, type_name: str) -> str:
    return f"{type_(name, generation_, type_name)}/stock"


def counter(name: str, generation_: str, type_name: str, number: int = 0) -> str:
    return f"{stock(name, generation_, type_name)}/{number}"


def orders(name: str, generation_: str) -> str:
    return f"{generation(name, generation_)}/orders"


def bucket(name: str, generation_: str, bucket_name: str) -> str:
    return f"{orders(name, generation_)}/{bucket_name}"


def order(name: str, generation_: str, order_id: str) -> str:
    return f"{bucket(name, generation_, order_id[:2])}/{order_id}"


def tabs(name: str, generation_: str) -> str:
    return f"{generation(name, generation_)}/buyers"


def tab(name: str, generation_: str, buyer_id: str) -> str:
    """Names the count of one buyer's tickets, in an event with a limit."""
    return f"{tabs(name, generation_)}/{buyer_id[:2]}/{buyer_id}"


def holds(name: str, generation_: str) -> str:
    return f"{generation(name, generation_)}/holds"


def hold_slot(name: str, generation_: str, slot: int) -> str:
    """Names the holds that end within one slot of time; `slot` counts from the Unix epoch."""
    return f"{holds(name, generation_)}/{slot:010d}"


def hold_list(name: str, generation_: str, slot: int, batch: str) -> str:
    return f"{hold_slot(name, generation_, slot)}/{batch}"


def log_slot(source: str, slot: int) -> str:
    return f"{log_source(source)}/{slot:04d}"


def payment(key: str) -> str:
    return f"{PAYMENTS}/{key[:2]}/{key}"


def inside_chroot(path: str) -> str:
    """Reads a path that an operator typed, with or without `/zkticket`, as one below the chroot.

    Raises `WrongUsage` for one that leads elsewhere: `..`, `/zookeeper`, relative paths.
    """
    parts = path.rstrip("/").split("/")
    well_formed = TYPED.fullmatch(path) and path.isprintable()
    if not well_formed or any(part in (".", "..") for part in parts):
        raise WrongUsage(f"{path!r} is no path inside {CHROOT}; write it like {EVENTS}/default")
    if parts[1:2] == ["zookeeper"]:
        raise WrongUsage("/zookeeper is ZooKeeper's own; only paths inside /zkticket are touched")
    if parts[1:2] == [CHROOT[1:]]:
        parts = ["", *parts[2:]]
    return "/".join(parts) or "/"


def has_leaves(path: str) -> bool:
    """Whether the children of `path` have none themselves.

    These are orders, buyers, lists of holds, payments and a log's slots.
    """
    parts = path.split("/")[1:]
    crowded = len(parts) == 5 and parts[3] in ("orders", "buyers", "holds")
    return crowded or (len(parts) == 2 and parts[0] in (LOG[1:], PAYMENTS[1:]))


def name(path: str) -> str:
    """Returns the last part of a path."""
    return path.rpartition("/")[2]


def generation_of(path: str) -> str:
    """Returns the life of the event to which that path belongs."""
    return path.split("/", 4)[3]


def parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
