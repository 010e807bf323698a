"""`admin tree` and `admin delete-tree`, once their options are read."""

import typer

from admin import znode_tree
from admin.confirm import confirmer
from admin.zookeeper_session import with_session
from core.events.deletion import delete_tree
from core.machine import streams
from core.schema.paths import inside_chroot
from core.settings import Settings
from core.zookeeper.client import ZooKeeper


def show(settings: Settings, path: str, with_data: bool) -> None:
    wanted = inside_chroot(path)

    async def print_lines(zk: ZooKeeper) -> None:
        async for line in znode_tree.lines(zk, wanted, with_data):
            typer.echo(line)

    with_session(settings, print_lines)


def delete(settings: Settings, path: str, yes: bool) -> None:
    wanted = inside_chroot(path)
    deleted = with_session(settings, lambda zk: delete_tree(zk, wanted, confirmer(yes)))
    streams.tell(f"{deleted.znodes} znodes deleted")
    if deleted.kept:
        typer.echo(f"{deleted.kept} registrations of living processes kept", err=True)
