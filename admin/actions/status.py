"""`status`, once its options are read."""

import asyncio
from contextlib import suppress

from rich.live import Live

from admin.screen import output, status_tables
from core.cluster import run_file
from core.cluster.status import Status, collect
from core.cluster_secret import load_secret
from core.errors import ZkticketError
from core.settings import Settings

REFRESH_S = 1.0


def show(settings: Settings, as_json: bool) -> bool:
    """Prints how the instance is, and returns whether it is healthy."""
    found = asyncio.run(_look(settings))
    output.put(found, status_tables.status(found), as_json=as_json)
    return found.healthy


def watch(settings: Settings) -> None:
    """Shows it, anew each second, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_watch(settings))


async def _look(settings: Settings) -> Status:
    run_file.hosts(settings.data_dir, settings.zookeeper)  # raises at once where nothing runs
    return await collect(settings, load_secret(settings.data_dir))


async def _watch(settings: Settings) -> None:
    found = await _look(settings)
    first = output.Fitted(status_tables.status(found, live=True))
    with Live(first, console=output.new_console(), auto_refresh=False, screen=True) as live:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                found = await _look(settings)
                shown = status_tables.status(found, live=True)
            except ZkticketError as error:  # it may come back
                shown = status_tables.absent(found, str(error))
            live.update(output.Fitted(shown), refresh=True)
