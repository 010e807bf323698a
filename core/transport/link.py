"""The web–worker link: messages, frames, and the handshake that keeps strangers out.

A frame is its length in four bytes, big-endian, and a JSON message. Before the first
frame both sides send a nonce and answer the other's with an HMAC-SHA256 under the
cluster's link key, in the manner of ISO/IEC 9798-4 mutual authentication; the side's
role is part of what is signed, so that an answer can't be reflected.
"""

import asyncio
import enum
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Annotated, TypeAlias, cast

import msgspec

from core.errors import LinkLost, LinkRefused
from core.schema.records import Load, OrderView
from core.store.order_lifecycle import OrderChange

NONCE_BYTES = 32
PROOF_BYTES = hashlib.sha256().digest_size
HANDSHAKE_S = 3.0
# A host that has vanished does not even refuse: a connection to it is given up after this time.
CONNECT_S = 0.5
FRAME_BYTES = 64 * 1024
LENGTH_BYTES = 4


class Code(enum.StrEnum):
    """The end of a request. The values are the codes of the HTTP interface where it has one."""

    SOLD = "sold"
    REPLAYED = "replayed"
    SOLD_OUT = "sold-out"
    NOT_ON_SALE = "not-on-sale"
    PRICE_CHANGED = "price-changed"
    NO_SUCH_EVENT = "no-such-event"
    NO_SUCH_TYPE = "no-such-type"
    KEY_REUSED = "key-reused"
    OVERLOADED = "overloaded"
    NO_QUORUM = "no-quorum"
    NO_WORKER = "no-worker"
    OUTCOME_UNKNOWN = "outcome-unknown"
    LIMIT_REACHED = "limit-reached"
    DONE = "done"
    NO_SUCH_ORDER = "no-such-order"
    HOLD_EXPIRED = "hold-expired"
    NOT_HELD = "not-held"
    NO_MORE_EXTENSIONS = "no-more-extensions"
    NOT_CANCELLABLE = "not-cancellable"
    NOT_VALID = "not-valid"
    PAID_ALREADY = "paid-already"
    PAYMENT_USED = "payment-used"
    WRONG_AMOUNT = "wrong-amount"
    PAYMENT_REQUIRED = "payment-required"
    CHECKED_IN = "already-checked-in"
    WRONG_EVENT = "wrong-event"
    WRONG_TYPE = "wrong-type"
    UNDO_TOO_LATE = "undo-too-late"
    DAMAGED = "damaged"
    DRAINING = "draining"
    HALTED = "halted"


class Purchase(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="purchase"):
    """A purchase. `keyed` says whether the key is the buyer's own or was made for them.

    `timeout_s` is how long the web waits: clocks of two machines are not compared. `price`, of one
    ticket, and `currency` are what the buyer was shown, if known: nothing else is charged.
    """

    id: int
    event: str
    type: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    buyer: str
    key: str
    keyed: bool
    timeout_s: float
    # Kept for the buyer for a while, until it is confirmed or expires.
    hold: bool = False
    price: int | None = None
    currency: str = ""


class ChangeRequest(OrderChange, frozen=True, kw_only=True, tag_field="is", tag="amend"):
    """A change of an order on its way to a worker; `timeout_s` is how long the web waits."""

    id: int
    timeout_s: float


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="ping"):
    id: int


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="forget"):
    """Says that nobody waits for these purchases: those that are not sent yet may be dropped."""

    ids: tuple[int, ...]


class Answer(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="answer", omit_defaults=True
):
    """The answer to a purchase or a change. `remaining` is what the worker knew last.

    `allowance`, of a purchase over the limit, is how many tickets this buyer may still have.
    A sale waited `queue_us` microseconds for its batch, and `commit_us` for ZooKeeper. `changed`
    says whether this very request has changed an order; a repeat changes nothing.
    """

    id: int
    code: Code
    order: OrderView | None = None
    remaining: int | None = None
    allowance: int | None = None
    queue_us: int = 0
    commit_us: int = 0
    changed: bool = False


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="pong"):
    id: int
    state: str
    load: Load


Request: TypeAlias = Purchase | ChangeRequest | Ping
Reply: TypeAlias = Answer | Pong

requests = msgspec.json.Decoder(Purchase | ChangeRequest | Ping | Forget)
replies = msgspec.json.Decoder(Answer | Pong)


class Channel(asyncio.Protocol):
    """One end of a link. Frames that are sent within one turn of the loop leave together."""

    def __init__(
        self,
        key: bytes,
        role: bytes,
        on_frame: Callable[["Channel", bytes], None],
        on_lost: Callable[["Channel"], None],
        on_made: Callable[["Channel"], None] | None = None,
    ) -> None:
        self._key = key
        self._role = role
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._on_made = on_made
        self._nonce = secrets.token_bytes(NONCE_BYTES)
        self._peer_nonce = b""
        self._received = bytearray()
        self._sending: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._nonce)
        self._timer = self._loop.call_later(HANDSHAKE_S, self._give_up)
        if self._on_made is not None:
            self._on_made(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.ready.done():
            self._shake_hands()
        if self.ready.done() and not self.ready.cancelled() and not self.ready.exception():
            self._deliver()

    def connection_lost(self, _error: Exception | None) -> None:
        self._timer.cancel()
        if not self.ready.done():
            self.ready.set_exception(LinkRefused("the other end closed during the handshake"))
        if not self.ready.cancelled():
            self.ready.exception()  # asyncio complains of one that nobody has looked at
        self._on_lost(self)

    def send(self, message: msgspec.Struct) -> None:
        """Queues a frame; on a closed link it is dropped."""
        payload = msgspec.json.encode(message)
        if not self._sending:
            self._loop.call_soon(self._flush)
        self._sending.append(len(payload).to_bytes(LENGTH_BYTES, "big") + payload)

    def close(self) -> None:
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """Closes at once; what is still queued is dropped."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def peer(self) -> str:
        """The host of the other end; "" where it has gone already."""
        found = self._transport.get_extra_info("peername") if self._transport else None
        return str(found[0]) if found else ""

    def _flush(self) -> None:
        if self._sending and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._sending))
        self._sending.clear()

    def _give_up(self) -> None:
        if not self.ready.done():
            self.abort()

    def _shake_hands(self) -> None:
        if not self._peer_nonce and len(self._received) >= NONCE_BYTES:
            self._peer_nonce = bytes(self._received[:NONCE_BYTES])
            del self._received[:NONCE_BYTES]
            assert self._transport is not None
            self._transport.write(self._proof(self._role, self._peer_nonce, self._nonce))
        if self._peer_nonce and len(self._received) >= PROOF_BYTES:
            theirs = bytes(self._received[:PROOF_BYTES])
            del self._received[:PROOF_BYTES]
            peer_role = SERVER if self._role == CLIENT else CLIENT
            if hmac.compare_digest(theirs, self._proof(peer_role, self._nonce, self._peer_nonce)):
                self.ready.set_result(None)
            else:
                self.ready.set_exception(LinkRefused("the other end does not know the secret"))
                self.abort()

    def _proof(self, role: bytes, challenge: bytes, own: bytes) -> bytes:
        return hmac.digest(self._key, role + challenge + own, "sha256")

    def _deliver(self) -> None:
        received, start = self._received, 0
        while len(received) - start >= LENGTH_BYTES:
            length = int.from_bytes(received[start : start + LENGTH_BYTES], "big")
            if length > FRAME_BYTES:
                self.abort()
                return
            end = start + LENGTH_BYTES + length
            if len(received) < end:
                break
            self._on_frame(self, bytes(received[start + LENGTH_BYTES : end]))
            start = end
        del received[:start]


CLIENT = b"client"
SERVER = b"server"


class Link:
    """The client's end: sends requests, and hands each reply to the caller that waits for it."""

    def __init__(self, on_lost: Callable[[], None] | None = None) -> None:
        self._next_id = 0
        self._waiting: dict[int, Callable[[Reply | None], None]] = {}
        self._forgotten: list[int] = []
        self._channel: Channel | None = None
        self._notify_lost = on_lost
        self.lost = False

    async def open(self, address: str, key: bytes, timeout_s: float = HANDSHAKE_S) -> None:
        """Connects to `host:port`. Raises `LinkLost`, `LinkRefused`."""
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                async with asyncio.timeout(CONNECT_S):
                    _, self._channel = await loop.create_connection(
                        lambda: Channel(key, CLIENT, self._frame, self._gone), host, int(port)
                    )
                await self._channel.ready
        except (OSError, TimeoutError, ValueError) as error:
            self.close()
            raise LinkLost(f"no link to {address}: {str(error) or 'no answer'}") from None

    @property
    def outstanding(self) -> int:
        """The number of requests that wait for their reply."""
        return len(self._waiting)

    def next_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def post(self, request: Request, on_reply: Callable[[Reply | None], None]) -> None:
        """Sends a request; `on_reply` hears the reply, or None where the link breaks first.

        Raises `LinkLost` where it has broken already.
        """
        if self.lost or self._channel is None:
            raise LinkLost("the link is closed")
        self._waiting[request.id] = on_reply
        self._channel.send(request)

    def forget(self, request_id: int) -> None:
        """Drops a request; tells the other end, if it still owes the reply."""
        if self._waiting.pop(request_id, None) is None or self.lost:
            return
        if not self._forgotten:
            asyncio.get_running_loop().call_soon(self._tell_forgotten)
        self._forgotten.append(request_id)

    def _tell_forgotten(self) -> None:
        forgotten, self._forgotten = self._forgotten, []
        if self._channel is not None:
            self._channel.send(Forget(ids=tuple(forgotten)))

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """Returns the reply. Raises `LinkLost` where the link breaks, `TimeoutError` in silence."""
        future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self.post(request, future.set_result)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await asyncio.shield(future)
        finally:
            self.forget(request.id)
        if reply is None:
            raise LinkLost("the link to the worker broke")
        return reply

    def close(self) -> None:
        if self._channel is not None:
            self._channel.abort()

    def _frame(self, channel: Channel, frame: bytes) -> None:
        try:
            reply = replies.decode(frame)
        except msgspec.DecodeError:
            channel.abort()
            return
        on_reply = self._waiting.pop(reply.id, None)
        if on_reply is not None:
            on_reply(reply)

    def _gone(self, _channel: Channel) -> None:
        self.lost = True
        waiting, self._waiting = self._waiting, {}
        for on_reply in waiting.values():
            on_reply(None)
        if self._notify_lost is not None:
            self._notify_lost()
