"""`restart` and `scale`: their options and their printing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from admin.commands.instance import DataDir, Zookeeper
from core.machine import streams
from core.settings import MOST_WORKERS, Settings, current_settings

if TYPE_CHECKING:
    from core.zookeeper.client import ZooKeeper

Timeout = Annotated[
    float, typer.Option("--timeout", min=1, max=3600, help="Give up after this many seconds.")
]
Machine = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Of this host, or the instance with this id.", show_default=False
    ),
]
Act = Callable[["ZooKeeper", Settings, Callable[[str], None]], Awaitable[str]]


def restart(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A process by its name, web, zookeeper, or supervisor; all workers if none.",
        ),
    ] = None,
    machine: Machine = "",
    timeout_s: Timeout = 120,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Restart all workers in turn, or what is named, while the sale goes on.

    A worker finishes what it has; the next one goes when its successor works. The web
    server's successor listens before the old one answers its last buyer. ZooKeeper's servers go
    one by one, the leader last, each while the others have a quorum. The supervisor's successor
    takes over all of them as they are.
    """
    from admin import supervisor_requests

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    _do(
        settings,
        lambda zk, told, tell: supervisor_requests.restart(
            zk, told, machine, name, timeout_s, tell
        ),
    )


def scale(
    workers: Annotated[
        int, typer.Argument(metavar="N", min=1, max=MOST_WORKERS, help="How many workers.")
    ],
    machine: Machine = "",
    timeout_s: Timeout = 120,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Sell with so many workers from now on, also after the next `up`; those that go drain.

    An `up` with another --workers than before sets it anew.
    """
    from admin import supervisor_requests

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    _do(
        settings,
        lambda zk, told, tell: supervisor_requests.scale(
            zk, told, machine, workers, timeout_s, tell
        ),
    )


def _do(settings: Settings, act: Act) -> None:
    streams.tell(asyncio.run(_over_a_session(settings, act)))


async def _over_a_session(settings: Settings, act: Act) -> str:
    from admin.session import session

    async with session(settings) as zk:
        return await act(zk, settings, lambda text: typer.echo(f"waiting: {text}", err=True))
