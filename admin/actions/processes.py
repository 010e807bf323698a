"""`restart` and `scale`, once their options are read."""

import typer

from admin import supervisor_requests
from admin.session import with_session
from core.machine import streams
from core.settings import Settings


def restart(settings: Settings, machine: str, name: str | None, timeout_s: float) -> None:
    """Has the supervisor restart what is named, and prints what was done."""
    done = with_session(
        settings,
        lambda zk: supervisor_requests.restart(zk, settings, machine, name, timeout_s, _wait),
    )
    streams.tell(done)


def scale(settings: Settings, machine: str, workers: int, timeout_s: float) -> None:
    """Has so many workers sell, and prints what was done."""
    done = with_session(
        settings,
        lambda zk: supervisor_requests.scale(zk, settings, machine, workers, timeout_s, _wait),
    )
    streams.tell(done)


def _wait(text: str) -> None:
    typer.echo(f"waiting: {text}", err=True)
