#!/usr/bin/env python3
"""zkticket: sells scarce tickets correctly, on ZooKeeper."""

import os
import sys
from typing import Annotated

import typer

from admin.cli import DataDir, Zookeeper, admin_app, status, verify
from core.errors import ZkticketError
from core.settings import current_settings

app = typer.Typer(
    help="Sells scarce tickets: a ZooKeeper ensemble, workers, a web server, one command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Host = Annotated[str | None, typer.Option(help="Address that the page is served at [127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port of the page [8000]")]
Name = Annotated[str, typer.Option(help="Name in the registry and in the log")]


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes [3]")] = None,
    servers: Annotated[int | None, typer.Option(help="ZooKeeper servers to start [3]")] = None,
    zookeeper_port: Annotated[
        int | None, typer.Option(help="Client port of the first server [2181]")
    ] = None,
    zookeeper: Zookeeper = None,
    data_dir: DataDir = None,
    quantity: Annotated[
        int | None, typer.Option(help="Tickets of each type A, B, C of a first event [100]")
    ] = None,
    worker_memory_mb: Annotated[
        int | None, typer.Option(help="A worker above this much memory is restarted [512]")
    ] = None,
    worker_hung_s: Annotated[
        float | None, typer.Option(help="A worker silent for this long is restarted [10]")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Run in the background")] = False,
) -> None:
    """Start the ensemble, the workers and the web server, and watch over them."""
    settings = current_settings(
        host=host,
        port=port,
        workers=workers,
        servers=servers,
        zookeeper_port=zookeeper_port,
        zookeeper=zookeeper,
        data_dir=data_dir,
        quantity=quantity,
        worker_memory_mb=worker_memory_mb,
        worker_hung_s=worker_hung_s,
    )
    if detach:
        from supervisor.control import detach as start

        arguments = [argument for argument in sys.argv if argument != "--detach"]
        raise typer.Exit(start(settings, [sys.executable, *arguments]))
    from supervisor.loop import run

    raise typer.Exit(run(settings, os.environ))


@app.command()
def down(data_dir: DataDir = None) -> None:
    """Stop what `up` started: web and workers drain, the ensemble goes last."""
    from supervisor.control import down as stop

    stop(current_settings(data_dir=data_dir))


@app.command(hidden=True)
def worker(name: Name, data_dir: DataDir = None, zookeeper: Zookeeper = None) -> None:
    """One worker process; `up` starts these."""
    from workers.process import run

    raise typer.Exit(run(current_settings(data_dir=data_dir, zookeeper=zookeeper), name))


@app.command(hidden=True)
def web(
    name: Name,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """The web server; `up` starts it."""
    from web.serve import run

    settings = current_settings(host=host, port=port, data_dir=data_dir, zookeeper=zookeeper)
    raise typer.Exit(run(settings, name))


app.command()(status)
app.command()(verify)
app.add_typer(admin_app, name="admin")


def main() -> None:
    """Runs the command line; an error is one line on stderr and an exit code."""
    try:
        app()
    except ZkticketError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if "ZKTICKET_TRACEBACK" in os.environ:
            raise
        typer.echo(
            f"error: unexpected {type(error).__name__}: {error}; "
            "set ZKTICKET_TRACEBACK=1 to see where, and please report it",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
