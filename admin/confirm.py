"""The question before something is destroyed."""

import sys
from collections.abc import Callable

import typer

from core.errors import ZkticketError

Confirm = Callable[[str], None]


def confirmer(yes: bool) -> Confirm:
    """Asks its question on the terminal; raises `ZkticketError` unless the answer is yes.

    With `yes` it never asks; without a terminal it refuses.
    """
    return (lambda _question: None) if yes else _ask


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise ZkticketError("this asks before it changes anything; without a terminal, add --yes")
    if not typer.confirm(question, err=True):
        raise ZkticketError("nothing was changed")
