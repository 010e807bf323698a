"""A worker's end of a link: it answers as it is told, and remembers every request."""

import asyncio
from collections.abc import Callable

from core.cluster.registry import LiveWorker
from core.schema.records import Load, OrderView, WorkerRecord, order_id
from core.transport.link import (
    SERVER,
    Answer,
    ChangeRequest,
    Channel,
    Code,
    Forget,
    Ping,
    Pong,
    Purchase,
    requests,
)

KEY = b"k" * 32
TICKET_KEY = b"t" * 32

# Returns the answer to a purchase, or None for silence.
Behaviour = Callable[[Purchase], Answer | None]
# Returns the answer to a change of an order.
Clerk = Callable[[ChangeRequest], Answer]


def view_of(purchase: Purchase) -> OrderView:
    """Returns the order that a purchase makes; the same one for the same key."""
    return OrderView(
        order=order_id(KEY, purchase.event, purchase.key),
        event=purchase.event,
        type=purchase.type,
        quantity=purchase.quantity,
        buyer=purchase.buyer,
        status="sold",
        created_at="2025-06-01T12:00:00.000Z",
        zxid=4294967301,
    )


def sells(purchase: Purchase) -> Answer:
    return Answer(id=purchase.id, code=Code.SOLD, order=view_of(purchase), remaining=7)


def says(code: Code, remaining: int | None = None) -> Behaviour:
    """Makes a worker that gives everybody the same answer."""
    return lambda purchase: Answer(id=purchase.id, code=code, remaining=remaining)


def is_mute(_purchase: Purchase) -> None:
    """Makes a worker that never answers."""


def knows_no_order(request: ChangeRequest) -> Answer:
    return Answer(id=request.id, code=Code.NO_SUCH_ORDER)


class FakeWorker:
    """Listens on a free port of the running loop."""

    def __init__(
        self,
        name: str,
        behaviour: Behaviour = sells,
        clerk: Clerk = knows_no_order,
        *,
        delay_s: float = 0.0,
    ) -> None:
        self.name = name
        self.behaviour = behaviour
        self.clerk = clerk
        self.delay_s = delay_s
        self.state = "ready"
        self.pongs = True
        self.asked: list[Purchase] = []
        self.forgotten: list[int] = []
        self._channels: set[Channel] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> "FakeWorker":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._channel, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def live(self, *, state: str = "ready", in_flight: int = 0, at: float = 1.0) -> LiveWorker:
        """Returns its registration."""
        record = WorkerRecord(
            name=self.name,
            host="here",
            pid=1,
            address=f"127.0.0.1:{self.port}",
            state=state,
            load=Load(in_flight=in_flight),
            at=at,
        )
        return LiveWorker(f"{self.name}.abc123", record)

    def die(self) -> None:
        """Ends as a killed process does: every link breaks, and nothing listens."""
        if self._server is not None:
            self._server.close()
        for channel in tuple(self._channels):
            channel.abort()

    def _channel(self) -> Channel:
        channel = Channel(KEY, SERVER, self._take, self._channels.discard)
        self._channels.add(channel)
        return channel

    def _take(self, channel: Channel, frame: bytes) -> None:
        request = requests.decode(frame)
        if isinstance(request, Ping):
            if self.pongs:
                channel.send(Pong(id=request.id, state=self.state, load=Load()))
            return
        if isinstance(request, Forget):
            self.forgotten.extend(request.ids)
            return
        if isinstance(request, ChangeRequest):
            channel.send(self.clerk(request))
            return
        self.asked.append(request)
        answer = self.behaviour(request)
        if answer is not None:
            asyncio.get_running_loop().call_later(self.delay_s, channel.send, answer)
