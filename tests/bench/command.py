"""Runs a bench from the command line."""

import sys
from collections.abc import Callable

import typer

from tests.bench.load import BenchError
from tests.support.throwaway import thrown_away


def run(main: Callable[..., None]) -> None:
    """Runs `main` with its options; a `BenchError` is one line on stderr and exit code 1."""
    try:
        with thrown_away():
            typer.run(main)
    except BenchError as error:
        sys.exit(f"bench: {error}")
