"""Records what buyers asked and were told: each attempt of each purchase, to be checked later."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ZkticketError
from core.schema.paths import DEFAULT_EVENT
from core.schema.records import OrderView

SALES = (200, 201)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase that is wanted once, however often it is sent: one key, one order."""

    key: str
    buyer: str
    type: str
    quantity: int = 1
    event: str = DEFAULT_EVENT


class PurchaseAttempt(Wish, frozen=True, kw_only=True, omit_defaults=True):
    """One request for a purchase, and its answer.

    Times are in seconds on one clock for a whole history. `status` is that of HTTP, `None` where
    no answer came; `code` is the problem's; `order` is what the buyer was told it had bought.
    """

    began_s: float
    ended_s: float
    status: int | None = None
    code: str = ""
    order: OrderView | None = None
    replayed: bool = False

    @property
    def sold(self) -> bool:
        return self.status in SALES

    @property
    def open(self) -> bool:
        """Whether the buyer does not know how it ended."""
        return self.status is None or self.status == 500 or self.code == "outcome-unknown"

    @property
    def denied(self) -> bool:
        """Whether it was refused for good: no later attempt may find an older order."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def served(self) -> bool:
        """Whether the shop did its work: it sold, or refused for good."""
        return self.sold or self.denied


def unanswered(wish: Wish, began_s: float, ended_s: float) -> PurchaseAttempt:
    """Makes an attempt whose connection broke, or whose buyer stopped waiting."""
    return PurchaseAttempt(**msgspec.structs.asdict(wish), began_s=began_s, ended_s=ended_s)


def answered(
    wish: Wish,
    began_s: float,
    ended_s: float,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> PurchaseAttempt:
    """Makes an attempt of its HTTP answer; the headers' names are in lower case.

    Raises `ZkticketError` for an answer that the interface does not promise.
    """
    said: dict[str, Any] = {}
    try:
        if status in SALES:
            said["order"] = msgspec.json.decode(body, type=OrderView)
        else:
            said["code"] = msgspec.json.decode(body, type=_Problem).code
    except msgspec.DecodeError as error:
        raise ZkticketError(f"an answer {status} that is not as promised: {error}") from None
    replayed = headers.get("idempotency-replayed") == "true"
    attempt = unanswered(wish, began_s, ended_s)
    return msgspec.structs.replace(attempt, status=status, replayed=replayed, **said)


class _Problem(msgspec.Struct):
    code: str


class History:
    """Collects attempts from any thread; with a path, it writes each as a line of JSON."""

    def __init__(self, path: Path | None = None) -> None:
        self._attempts: list[PurchaseAttempt] = []
        self._lock = threading.Lock()
        self._file = path.open("ab") if path else None

    def add(self, attempt: PurchaseAttempt) -> None:
        with self._lock:
            self._attempts.append(attempt)
            if self._file is not None:
                self._file.write(msgspec.json.encode(attempt) + b"\n")

    @property
    def attempts(self) -> Sequence[PurchaseAttempt]:
        """All attempts that have ended, in the order of their ends."""
        with self._lock:
            return tuple(self._attempts)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
