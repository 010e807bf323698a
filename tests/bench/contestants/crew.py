"""Sellers side by side: processes, sessions in each, threads on each session."""

import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from kazoo.client import KazooClient

from tests.bench.contestants.ways import Seller, Way
from tests.bench.load import BenchError

CONNECT_S = 20.0
SESSION_S = 10.0
# kazoo's own pause after a lost race is a tenth of a second and more, which nobody would keep.
RETRY = {"max_tries": -1, "delay": 0.002, "backoff": 1.5, "max_delay": 0.05}


@dataclass(frozen=True)
class Crew:
    """How many sellers there are: threads that share a session also share its pipeline."""

    processes: int = 1
    sessions: int = 1
    threads: int = 1

    @property
    def sellers(self) -> int:
        return self.processes * self.sellers_each

    @property
    def sellers_each(self) -> int:
        """Counts the sellers of one process."""
        return self.sessions * self.threads


@dataclass(frozen=True)
class Shift:
    """The sellers, their way, their servers, and their time."""

    way: Way
    crew: Crew
    hosts: str
    seconds: int


@dataclass(frozen=True)
class Work:
    """What sellers have done: tickets sold in `seconds`, and the time of each sale."""

    tickets: int
    seconds: float
    took_s: tuple[float, ...]


@contextmanager
def session(hosts: str) -> Iterator[KazooClient]:
    """Opens a client for the block. Raises kazoo's time-out."""
    client = KazooClient(hosts, timeout=SESSION_S, command_retry=RETRY)
    client.start(timeout=CONNECT_S)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def work(shift: Shift) -> Work:
    """Lets all of the crew sell side by side, once all are connected. Raises `BenchError`."""
    # Forked from a server that has no session: kazoo's threads don't survive a fork.
    context = multiprocessing.get_context("forkserver")
    barrier = context.Barrier(shift.crew.processes)
    done: list[Work] = []
    processes = []
    for number in range(shift.crew.processes):
        mine, theirs = context.Pipe(duplex=False)
        first = number * shift.crew.sellers_each
        process = context.Process(
            target=_process, args=(shift, first, barrier, theirs), daemon=True
        )
        process.start()
        theirs.close()
        processes.append((process, mine))
    for process, mine in processes:
        try:
            done.append(mine.recv())
        except EOFError:
            raise BenchError(f"{shift.way.name}: a seller's process died") from None
        finally:
            process.join(CONNECT_S)
    return _together(done)


def _process(shift: Shift, first: int, barrier: Barrier, result: Connection) -> None:
    """Does one process's part; its sellers' numbers begin with `first`."""
    crew = shift.crew
    with ExitStack() as sessions:
        clients = [sessions.enter_context(session(shift.hosts)) for _ in range(crew.sessions)]
        sellers = [
            shift.way.seller(clients[number // crew.threads], first + number)
            for number in range(crew.sellers_each)
        ]
        barrier.wait(CONNECT_S)
        result.send(_sell_together(sellers, shift.seconds))


def _sell_together(sellers: Sequence[Seller], seconds: int) -> Work:
    ends = time.monotonic() + seconds
    done: list[Work] = []
    threads = [
        threading.Thread(target=lambda sell=sell: done.append(_sell_until(sell, ends)))
        for sell in sellers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) < len(sellers):
        raise BenchError("a seller gave up")
    return _together(done)


def _sell_until(sell: Seller, ends: float) -> Work:
    tickets, took_s = 0, []
    started = began = time.monotonic()
    while began < ends:
        tickets += sell()
        ended = time.monotonic()
        took_s.append(ended - began)
        began = ended
    return Work(tickets, began - started, tuple(took_s))


def _together(done: Sequence[Work]) -> Work:
    """Adds up sellers that worked side by side, until the last sale of all."""
    return Work(
        tickets=sum(part.tickets for part in done),
        seconds=max(part.seconds for part in done),
        took_s=tuple(took_s for part in done for took_s in part.took_s),
    )
