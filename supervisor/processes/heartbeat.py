"""Finds out which processes live: workers over a link, the web by its bell, past all queues.

Both work while ZooKeeper is away, and while more buyers come than can be served. ZooKeeper's
servers are asked whether they serve.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from core.errors import LinkLost, LinkRefused
from core.schema.records import Load
from core.transport import listen_socket
from core.transport.link import Link, Ping, Pong
from core.zookeeper.probe import probe

BEAT_S = 1.0
ANSWER_S = 0.8


class Heartbeat(ABC):
    """One process's heartbeat. Beats are counted, so that a machine's sleep does not count."""

    def __init__(self) -> None:
        self.address = ""
        self.load = Load()
        self._missed: int | None = None

    @property
    def known(self) -> bool:
        """Whether it has ever answered."""
        return self._missed is not None

    @property
    def answers(self) -> bool:
        """Whether it answered the last beat."""
        return self._missed == 0

    @property
    def silent_s(self) -> float:
        """Seconds without an answer; 0 while it has never answered."""
        return (self._missed or 0) * BEAT_S

    async def beat(self) -> None:
        """Asks once, within `ANSWER_S`; call it every `BEAT_S`."""
        if await self._answers():
            self._missed = 0
        elif self._missed is not None:
            self._missed += 1

    @abstractmethod
    async def _answers(self) -> bool: ...

    def close(self) -> None:  # noqa: B027 - most hold nothing between two beats
        """Closes its connection, if it has one."""


class WorkerHeartbeat(Heartbeat):
    """A worker's heartbeat over the supervisor's own link, to `address` once that is known."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self.state = ""
        self._key = key
        self._link: Link | None = None

    @property
    def sells(self) -> bool:
        """Whether it could sell when it answered last."""
        return self.answers and self.state == "ready"

    async def _answers(self) -> bool:
        if not self.address:
            return False
        try:
            pong = await self._ask()
        except (LinkLost, LinkRefused):
            self.close()
            return False
        except TimeoutError:
            return False
        self.state, self.load = pong.state, pong.load
        return True

    async def _ask(self) -> Pong:
        if self._link is None:
            link = Link()
            await link.open(self.address, self._key, ANSWER_S)
            self._link = link
        reply = await self._link.ask(Ping(id=self._link.next_id()), ANSWER_S)
        assert isinstance(reply, Pong)
        return reply

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class WebHeartbeat(Heartbeat):
    """A web server's heartbeat, by the bell of its pid."""

    def __init__(self, data_dir: Path, pid: int) -> None:
        super().__init__()
        self._data_dir = data_dir
        self._pid = pid
        self.sells = False

    async def _answers(self) -> bool:
        answer = await listen_socket.ring(self._data_dir, ANSWER_S)
        if answer is None:
            return False
        answer.listener.close()
        self.sells = answer.sells
        return answer.pid == self._pid


class ServerHeartbeat(Heartbeat):
    """A ZooKeeper server's heartbeat, by `srvr`: without a leader it serves nobody."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    async def _answers(self) -> bool:
        return (await probe(self.address, ANSWER_S)).serves
