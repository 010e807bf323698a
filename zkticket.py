#!/usr/bin/env python3
"""zkticket: sells scarce tickets correctly, on ZooKeeper."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from admin.commandline import App, DataDir, InstanceSettings, Zookeeper
from admin.commands.admin import admin_app
from admin.commands.event import event_app
from admin.commands.instance import drill, repair, restart, scale, status, verify
from admin.commands.order import order_app
from core.errors import CannotWrite, ZkticketError
from core.machine import private_files, streams, system_errors
from core.settings import Settings, current_settings

app = App(
    help="Sells scarce tickets: a ZooKeeper ensemble, workers, a web server, one command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Host = Annotated[str | None, typer.Option(help="Address that the page is served at [127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port of the page [8000]")]
PublicUrl = Annotated[
    str | None, typer.Option(help="Address by which buyers know the page: https://tickets.example")
]
TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(help="Address or network of a proxy whose X-Forwarded-… are believed; repeatable"),
]
Connections = Annotated[
    int | None, typer.Option(help="Connections that one address may have, 0 for any [256]")
]
Holds = Annotated[int | None, typer.Option(help="Open holds of one address, 0 for any [4]")]
Held = Annotated[
    int | None, typer.Option(help="Tickets in the open holds of one address, 0 for any [20]")
]
Workers = Annotated[int | None, typer.Option(help="Worker processes [3]; see also `scale`")]
Servers = Annotated[int | None, typer.Option(help="ZooKeeper servers to start [3]")]
ServerPort = Annotated[int | None, typer.Option(help="Client port of the first server [2181]")]
Quantity = Annotated[int | None, typer.Option(help="Tickets of each type of a first event [100]")]
Memory = Annotated[int | None, typer.Option(help="Restart a worker above so many MB [512]")]
Hung = Annotated[
    float | None, typer.Option(help="Restart a worker that is silent for so many s [10]")
]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background")]
Name = Annotated[str, typer.Option(help="Name in the registry and in the log")]


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    servers: Servers = None,
    zookeeper_port: ServerPort = None,
    zookeeper: Zookeeper = None,
    data_dir: DataDir = None,
    quantity: Quantity = None,
    public_url: PublicUrl = None,
    trusted_proxy: TrustedProxy = None,
    connections_per_address: Connections = None,
    holds_per_address: Holds = None,
    held_per_address: Held = None,
    worker_memory_mb: Memory = None,
    worker_hung_s: Hung = None,
    detach: Detach = False,
) -> None:
    """Start the ensemble, the workers and the web server, and watch over them."""
    flags = {**locals()}  # an option has the name of its setting
    streams.expect_no_data()
    run = _detach if flags.pop("detach") else _stay
    run(current_settings(**flags))


def _detach(settings: Settings) -> None:
    from supervisor.daemon import detach

    arguments = [argument for argument in sys.argv if argument != "--detach"]
    detach(settings, [sys.executable, *arguments])


def _stay(settings: Settings) -> None:
    from supervisor.supervisor import run

    run(settings, os.environ)


@app.command()
def down(data_dir: DataDir = None) -> None:
    """Stop what `up` started: web and workers drain, the ensemble goes last."""
    from supervisor.daemon import down as stop

    stop(current_settings(data_dir=data_dir))


@app.command(hidden=True)
def worker(name: Name, settings: InstanceSettings) -> None:
    """Run one worker process; `up` starts it."""
    from workers.worker_process import run

    run(settings, name)


@app.command(hidden=True)
def web(
    name: Name,
    host: Host = None,
    port: Port = None,
    public_url: PublicUrl = None,
    trusted_proxy: TrustedProxy = None,
    connections_per_address: Connections = None,
    holds_per_address: Holds = None,
    held_per_address: Held = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Run the web server; `up` starts it."""
    from web.serve import run

    flags = {**locals()}  # before the names that are imported, and `run`
    raise typer.Exit(run(current_settings(**flags), flags["name"]))


@app.command(hidden=True)
def reap(
    mark: Annotated[str, typer.Argument(help="In the environment of what is to end")],
    directory: Annotated[Path | None, typer.Argument(help="Deleted with it")] = None,
) -> None:
    """End a drill's processes when it has ended; `drill` starts this."""
    from core.machine.reaper import reap as end

    end(mark, directory)


@app.command()
def licences() -> None:
    """Print the licences of zkticket and of everything that comes with it."""
    from admin.actions.licences import show

    show()


@admin_app.command("zkcli")
def zkcli(settings: InstanceSettings) -> None:
    """Open ZooKeeper's own shell; type the `addauth` line of `admin credentials` first."""
    from supervisor.zookeeper.zkcli import become

    become(os.environ, settings)


for command in (status, restart, scale, verify, repair, drill):
    app.command()(command)
app.add_typer(event_app, name="event")
app.add_typer(order_app, name="order")
app.add_typer(admin_app, name="admin")


def main() -> None:
    """Runs the command line; an error is one line on stderr and an exit code."""
    os.umask(private_files.UMASK)
    streams.require_utf8(os.environ)
    streams.settle()
    try:
        _run()
    except BrokenPipeError:  # a reader that has gone is no news
        streams.close_stdout()
        sys.exit(1)
    except ZkticketError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(system_errors.told(error) if system_errors.is_curable(error) else _unexpected(error))
    except Exception as error:
        _fail(_unexpected(error))


def _run() -> None:
    streams.require_text(sys.argv)
    try:
        app(prog_name="zkticket")  # also where the file is run: completion knows no other name
    finally:
        try:
            sys.stdout.flush()  # where the interpreter does it at its end, it is too late
        except (BrokenPipeError, CannotWrite):
            streams.close_stdout()
            raise


def _unexpected(error: Exception) -> str:
    if "ZKTICKET_TRACEBACK" in os.environ:
        raise error
    return (
        f"unexpected {type(error).__name__}: {error}; "
        "set ZKTICKET_TRACEBACK=1 to see where, and please report it"
    )


def _fail(text: str, exit_code: int = 1) -> None:
    typer.echo(f"error: {text}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
