"""Faults for a shop: each nemesis strikes, lasts for a while, and heals.

Those of this module need only signals and the operator's commands, so they work everywhere.
"""

import signal
from collections.abc import Callable, Mapping
from typing import Protocol

from supervisor.processes.spawned_process import Role
from tests.faults.shop import Shop

# A session ends after 6 s, and a worker that is silent for 10 s is restarted.
PAST_A_SESSION_S = (7.5, 9.0)

# An operator's command gives up after this time; its request is still carried out.
PATIENCE_S = 15
WORKERS = 3

Pick = Callable[[Shop], list[int]]


class Nemesis(Protocol):
    """A fault; `lasts_s` is the shortest and the longest time between strike and heal.

    One that is healed `last` needs the others to be healed first.
    """

    lasts_s: tuple[float, float]
    last: bool

    def strike(self, shop: Shop) -> None: ...

    def heal(self, shop: Shop) -> None: ...


class Kill:
    """Kills with SIGKILL; the supervisor starts the processes again."""

    lasts_s = (0.0, 1.0)
    last = False

    def __init__(self, pick: Pick) -> None:
        self._pick = pick

    def strike(self, shop: Shop) -> None:
        shop.signal(self._pick(shop), signal.SIGKILL)

    def heal(self, shop: Shop) -> None:
        """Does nothing: it heals by itself."""


class KillWithSupervisor:
    """Kills the supervisor and others with SIGKILL; the next `up` adopts the rest."""

    lasts_s = (0.0, 2.0)
    last = True

    def __init__(self, pick: Pick) -> None:
        self._pick = pick

    def strike(self, shop: Shop) -> None:
        shop.signal([*shop.supervisor, *self._pick(shop)], signal.SIGKILL)

    def heal(self, shop: Shop) -> None:
        if not shop.supervisor:
            shop.instance.up()


class Freeze:
    """Sends SIGSTOP, and SIGCONT at the end to the processes that still live."""

    last = False

    def __init__(self, pick: Pick, lasts_s: tuple[float, float]) -> None:
        self._pick = pick
        self._frozen: list[int] = []
        self.lasts_s = lasts_s

    def strike(self, shop: Shop) -> None:
        self._frozen = self._pick(shop)
        shop.signal(self._frozen, signal.SIGSTOP)

    def heal(self, shop: Shop) -> None:
        shop.signal(self._frozen, signal.SIGCONT)


class Reset:
    """Runs `admin reset` for a scarce type, in the middle of its sale."""

    lasts_s = (0.0, 0.0)
    last = False

    def strike(self, shop: Shop) -> None:
        shop.reset(shop.rng.choice(("B", "C")), shop.rng.choice((0, 20, 200, 1000)))

    def heal(self, shop: Shop) -> None:
        """Does nothing."""


class Restart:
    """Runs `restart` for every worker in turn, or for the web."""

    lasts_s = (0.0, 0.0)
    last = False

    def __init__(self, *who: str) -> None:
        self._who = who

    def strike(self, shop: Shop) -> None:
        shop.operate("restart", *self._who, "--timeout", str(PATIENCE_S))

    def heal(self, shop: Shop) -> None:
        """Does nothing."""


class Scale:
    """Scales to another number of workers, and back to three at the end."""

    lasts_s = (0.0, 2.0)
    last = False

    def strike(self, shop: Shop) -> None:
        self._scale(shop, shop.rng.choice((1, 2, 4, 5)))

    def heal(self, shop: Shop) -> None:
        self._scale(shop, WORKERS)

    def _scale(self, shop: Shop, workers: int) -> None:
        shop.operate("scale", str(workers), "--timeout", str(PATIENCE_S))


def worker(shop: Shop) -> list[int]:
    return shop.one(shop.pids(Role.WORKER))


def workers(shop: Shop) -> list[int]:
    return shop.pids(Role.WORKER)


def web(shop: Shop) -> list[int]:
    return shop.pids(Role.WEB)


def nobody(shop: Shop) -> list[int]:
    return []


def follower(shop: Shop) -> list[int]:
    return shop.one(shop.servers("follower"))


def leader(shop: Shop) -> list[int]:
    return shop.servers("leader")


def quorum(shop: Shop) -> list[int]:
    return (shop.servers("leader") + shop.servers("follower"))[:2]


def servers(shop: Shop) -> list[int]:
    return shop.pids(Role.ZOOKEEPER)


def everybody(shop: Shop) -> list[int]:
    return [pid for role in Role for pid in shop.pids(role)]


SIGNALS: Mapping[str, Callable[[], Nemesis]] = {
    "worker killed": lambda: Kill(worker),
    "all workers killed": lambda: Kill(workers),
    "web killed": lambda: Kill(web),
    "supervisor killed": lambda: KillWithSupervisor(nobody),
    "supervisor and a worker killed": lambda: KillWithSupervisor(worker),
    "follower killed": lambda: Kill(follower),
    "leader killed": lambda: Kill(leader),
    "quorum killed": lambda: Kill(quorum),
    "all servers killed": lambda: Kill(servers),
    "everything killed": lambda: KillWithSupervisor(everybody),
    "worker frozen": lambda: Freeze(worker, (0.2, 3.0)),
    "worker frozen past its session": lambda: Freeze(worker, PAST_A_SESSION_S),
    "all workers frozen past their sessions": lambda: Freeze(workers, PAST_A_SESSION_S),
    "web frozen": lambda: Freeze(web, (0.5, 2.0)),
    "supervisor frozen": lambda: Freeze(lambda shop: shop.supervisor, (1.0, 4.0)),
    "follower frozen": lambda: Freeze(follower, (1.0, 4.0)),
    "leader frozen": lambda: Freeze(leader, (1.0, 5.0)),
    "quorum frozen": lambda: Freeze(quorum, (1.0, 4.0)),
    "all servers frozen": lambda: Freeze(servers, (1.0, 4.0)),
    "reset": Reset,
    "workers restarted": Restart,
    "web restarted": lambda: Restart("web"),
    "scaled": Scale,
}
