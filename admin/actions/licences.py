"""`licences`: those of this program, and of what the one file brings with it."""

import typer

from core.machine.program import SCRIPT

OWN = SCRIPT.with_name("LICENSE")
# `supervisor/onefile` gathers them.
BROUGHT = SCRIPT.with_name("licences")


def show() -> None:
    """Prints them all, each under the name of what it is for."""
    if not BROUGHT.is_dir():
        typer.echo(OWN.read_text(encoding="utf-8"))
        typer.echo("The Python packages carry theirs in .venv, Debian's in /usr/share/doc.")
        return
    for path in sorted(BROUGHT.iterdir()):
        typer.echo(f"=== {path.name}\n\n{path.read_text(encoding='utf-8', errors='replace')}\n")
