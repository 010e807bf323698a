"""The supervisor's own link to a worker: it works while ZooKeeper is away."""

from core.errors import LinkLost, LinkRefused
from core.models import Load
from core.wire import Link, Ping, Pong

BEAT_S = 1.0
ANSWER_S = 0.8


class Heartbeat:
    """One worker process's pulse. Beats are counted, so that a sleeping machine fools nobody."""

    def __init__(self, key: bytes) -> None:
        self.address = ""
        self.state = ""
        self.load = Load()
        self._key = key
        self._link: Link | None = None
        self._missed: int | None = None

    @property
    def known(self) -> bool:
        """It has answered once."""
        return self._missed is not None

    @property
    def silent_s(self) -> float:
        """For how long it has not answered; 0 while it never has."""
        return (self._missed or 0) * BEAT_S

    async def beat(self) -> None:
        """Asks once; to be called every `BEAT_S`. Takes `ANSWER_S` at most."""
        if not self.address:
            return
        try:
            pong = await self._ask()
        except (LinkLost, LinkRefused):
            self.close()
            self._miss()
        except TimeoutError:
            self._miss()
        else:
            self._missed = 0
            self.state, self.load = pong.state, pong.load

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _ask(self) -> Pong:
        if self._link is None:
            link = Link()
            await link.open(self.address, self._key, ANSWER_S)
            self._link = link
        reply = await self._link.ask(Ping(id=self._link.next_id()), ANSWER_S)
        assert isinstance(reply, Pong)
        return reply

    def _miss(self) -> None:
        if self._missed is not None:
            self._missed += 1
