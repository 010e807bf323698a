"""Which workers are ill, and which are only busy."""

import asyncio
import os

import pytest

from core.schema.records import Load
from core.transport.link import SERVER, Channel, Ping, Pong, requests
from supervisor.processes.health_verdict import (
    Ailment,
    HealthLimits,
    ProcessSample,
    ProcessTree,
    verdict,
)
from supervisor.processes.heartbeat import WorkerHeartbeat

LIMITS = HealthLimits(hung_s=10.0, memory_bytes=100)
KEY = b"k" * 32


def life(
    seconds: int = 30,
    *,
    silent_s: float = 0.0,
    cpu: float = 50.0,
    rss: int = 50,
    sold: float = 1000.0,
    start: int = 0,
) -> list[ProcessSample]:
    return [
        ProcessSample(float(at), silent_s, cpu, rss, sold) for at in range(start, start + seconds)
    ]


WELL = life()
SLOW = life(cpu=100.0, sold=100.0)

CASES: dict[str, tuple[list[ProcessSample], list[list[ProcessSample]], Ailment | None]] = {
    "nothing known": ([], [], None),
    "well": (WELL, [WELL, WELL], None),
    "silent for less than the limit": (life(silent_s=9.0), [WELL, WELL], None),
    "silent": (life(silent_s=10.0), [WELL, WELL], Ailment.HUNG),
    "silent, and alone": (life(1, silent_s=12.0), [], Ailment.HUNG),
    "over the limit in two samples": (life(28) + life(2, rss=101, start=28), [WELL], None),
    "over the limit in three samples": (
        life(27) + life(3, rss=101, start=27),
        [WELL],
        Ailment.MEMORY,
    ),
    "at the limit": (life(rss=100), [WELL], None),
    "three samples, not in a row": (
        life(3, rss=101) + life(1, start=3) + life(2, rss=101, start=4),
        [WELL],
        None,
    ),
    "busy and selling": (life(cpu=100.0), [WELL, WELL], None),
    "busier and selling more": (life(cpu=100.0, sold=3000.0), [WELL, WELL], None),
    "pinned and slow": (SLOW, [WELL, WELL], Ailment.OUTLIER),
    "pinned and half as fast": (life(cpu=100.0, sold=500.0), [WELL, WELL], None),
    "slow and idle": (life(cpu=10.0, sold=100.0), [WELL, WELL], None),
    "pinned and slow, as the peers": (SLOW, [SLOW, SLOW], None),
    "pinned and slow, but nobody buys": (
        life(cpu=100.0, sold=0.0),
        [life(sold=5.0), life(sold=5.0)],
        None,
    ),
    "pinned and slow, with one peer only": (SLOW, [WELL], None),
    "pinned and slow for not long enough": (life(19, cpu=100.0, sold=1.0), [WELL, WELL], None),
    "pinned and slow in half of the time": (
        life(15) + life(15, cpu=100.0, sold=1.0, start=15),
        [WELL, WELL],
        None,
    ),
    "pinned and slow in most of the time": (
        life(14) + life(16, cpu=100.0, sold=1.0, start=14),
        [WELL, WELL],
        Ailment.OUTLIER,
    ),
    "peers that were restarted just now": (SLOW, [life(3, start=27), life(3, start=27)], None),
}


@pytest.mark.parametrize(("own", "peers", "expected"), CASES.values(), ids=CASES.keys())
def test_the_verdict(
    own: list[ProcessSample], peers: list[list[ProcessSample]], expected: Ailment | None
) -> None:
    found = verdict(own, peers, LIMITS)
    assert (found.ailment if found else None) == expected


def test_the_reason_has_numbers() -> None:
    found = verdict(life(silent_s=12.0), [], LIMITS)
    assert found is not None
    assert found.text == "hung: no heartbeat for 12 s"


def test_a_process_is_measured_since_the_last_reading() -> None:
    ProcessTree().usage(os.getpid())
    sum(range(10**6))
    usage = ProcessTree().usage(os.getpid())
    assert usage.cpu_percent > 0.0
    assert usage.rss_bytes > 1_000_000
    assert usage.threads >= 1
    assert usage.open_files >= 3


def test_the_dead_use_nothing() -> None:
    assert ProcessTree().usage(2**22 + 1).rss_bytes == 0


# --- heartbeats ----------------------------------------------------------------------


class Pulse:
    """A worker's end of a link, which can fall silent."""

    def __init__(self) -> None:
        self.answers = True

    async def listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Channel(KEY, SERVER, self._reply, lambda _: None), "127.0.0.1", 0
        )

    def _reply(self, channel: Channel, frame: bytes) -> None:
        ping = requests.decode(frame)
        if self.answers and isinstance(ping, Ping):
            channel.send(Pong(id=ping.id, state="ready", load=Load(sold_per_second=7.0)))


async def test_a_heartbeat_counts_the_silence_of_a_worker_that_has_answered() -> None:
    pulse, heart = Pulse(), WorkerHeartbeat(KEY)
    server = await pulse.listen()
    heart.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await heart.beat()
    assert heart.known
    assert heart.load.sold_per_second == 7.0
    pulse.answers = False
    await heart.beat()
    await heart.beat()
    assert heart.silent_s == 2.0
    pulse.answers = True
    await heart.beat()
    assert heart.silent_s == 0.0
    heart.close()
    server.close()


async def test_a_worker_that_never_answered_is_not_silent() -> None:
    heart = WorkerHeartbeat(KEY)
    await heart.beat()
    heart.address = "127.0.0.1:1"
    await heart.beat()
    await heart.beat()
    assert not heart.known
    assert heart.silent_s == 0.0


async def test_a_link_that_breaks_is_opened_again() -> None:
    pulse, heart = Pulse(), WorkerHeartbeat(KEY)
    server = await pulse.listen()
    heart.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await heart.beat()
    heart.close()
    await heart.beat()
    assert heart.silent_s == 0.0
    heart.close()
    server.close()
    await server.wait_closed()
    await heart.beat()
    assert heart.silent_s == 1.0
