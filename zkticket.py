#!/usr/bin/env python3
"""zkticket: sells scarce tickets correctly, on ZooKeeper."""

import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from core.errors import ZkticketError
from core.settings import Settings, read_settings

app = typer.Typer(
    help="Sells scarce tickets: a ZooKeeper ensemble, workers, a web server, one command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DataDir = Annotated[
    Optional[Path],
    typer.Option("--data-dir", help="Directory of the instance [default: .zkticket]"),
]
Zookeeper = Annotated[
    Optional[str],
    typer.Option("--zookeeper", help="host:port,… of an ensemble that runs elsewhere"),
]
Name = Annotated[str, typer.Option("--name", help="Name in the registry and the log")]


@app.command(hidden=True)
def worker(name: Name, data_dir: DataDir = None, zookeeper: Zookeeper = None) -> None:
    """One worker process; `up` starts these."""
    from workers.process import run

    raise typer.Exit(run(_settings(data_dir=data_dir, zookeeper=zookeeper), name))


def _settings(**flags: object) -> Settings:
    return read_settings(os.environ, flags)


@app.callback()
def _main() -> None: ...


def main() -> None:
    """Runs the command line; an error is one line on stderr and an exit code."""
    try:
        app()
    except ZkticketError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
