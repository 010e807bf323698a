"""`status`, `restart`, `scale`, `verify`, `repair` and `drill`: what they take."""

from typing import Annotated

import typer

from admin.commandline import AsJson, InstanceSettings, Yes
from admin.drill.faults import FaultName
from core.settings import MOST_WORKERS

Timeout = Annotated[
    float, typer.Option("--timeout", min=1, max=3600, help="Give up after this many seconds.")
]
Machine = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Ask this host, or the instance with this id.", show_default=False
    ),
]


def status(
    settings: InstanceSettings,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh each second.")] = False,
) -> None:
    """Show servers, workers, web and tickets. Exit 1 when degraded, 3 when nothing runs."""
    from admin.actions import status

    if watch and as_json:
        raise typer.BadParameter("--watch and --json exclude each other")
    if watch:
        status.watch(settings)
    else:
        raise typer.Exit(0 if status.show(settings, as_json) else 1)


def restart(
    settings: InstanceSettings,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A process by its name, web, zookeeper, or supervisor; all workers if none.",
        ),
    ] = None,
    machine: Machine = "",
    timeout_s: Timeout = 120,
) -> None:
    """Restart all workers in turn, or what is named, while the sale goes on.

    A worker finishes what it has; the next one goes when its successor works. The web
    server's successor listens before the old one answers its last buyer. ZooKeeper's servers go
    one by one, the leader last, each while the others have a quorum. The supervisor's successor
    takes over all of them as they are.
    """
    from admin.actions import processes

    processes.restart(settings, machine, name, timeout_s)


def scale(
    workers: Annotated[
        int, typer.Argument(metavar="N", min=1, max=MOST_WORKERS, help="How many workers.")
    ],
    settings: InstanceSettings,
    machine: Machine = "",
    timeout_s: Timeout = 120,
) -> None:
    """Sell with so many workers from now on, also after the next `up`; workers that leave drain.

    An `up` with another --workers than before sets it anew.
    """
    from admin.actions import processes

    processes.scale(settings, machine, workers, timeout_s)


def verify(
    settings: InstanceSettings,
    as_json: AsJson = False,
    receipts: Annotated[
        bool, typer.Option("--receipts", help="Prove instead that no confirmed order is missing.")
    ] = False,
) -> None:
    """Recount everything from the orders up. Exit 1 at the first breach, naming the znode."""
    from admin.actions import recovery

    prove = recovery.verify_receipts if receipts else recovery.verify
    prove(settings, as_json)


def repair(
    settings: InstanceSettings,
    oversell: Annotated[
        bool, typer.Option("--oversell", help="Make both orders where tickets were sold again.")
    ] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Give up for good what can't be put back.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put back the orders that the receipts prove and the tree lost, and end the alarm."""
    from admin.actions import recovery

    recovery.repair(settings, oversell=oversell, leave_out=leave_out, yes=yes, as_json=as_json)


def drill(
    faults: Annotated[
        list[FaultName] | None,
        typer.Argument(metavar="[FAULT]...", help=", ".join(FaultName)),
    ] = None,
    buyers: Annotated[int, typer.Option(min=1, max=500, help="Buyers at once.")] = 24,
    seconds: Annotated[
        float, typer.Option(min=1, max=600, help="How long each sale goes on after its fault.")
    ] = 8.0,
    seed: Annotated[int | None, typer.Option(help="Decides what is left to chance.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep data and histories.")] = False,
) -> None:
    """Break a sale on purpose, and prove that nobody was cheated.

    Starts an instance of its own, lets buyers buy, strikes (all faults in turn unless some are
    named), then compares what every buyer was told with what ZooKeeper holds. Exit 0 only when
    nothing was lost, doubled, oversold, stranded or misreported.
    """
    from admin.drill import command

    raise typer.Exit(command.run(faults or [], buyers, seconds, seed, keep=keep, as_json=as_json))
