"""Plays the simulation of a test run beside its other tests, at the lowest priority.

Schedules only compute, and other tests mostly wait. Each report is a file, so that it is read by
whichever of the run's processes comes to the tests that look at it, which are the last ones.

    python -m tests.simulation.ahead FOLDER
"""

import ctypes
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.simulation.planted import capacity, holds, payments, selling
from tests.simulation.play import Report, play
from tests.support.instance import ROOT, eventually

SCHEDULES = 2000
AT_ONCE = 250
FIRSTS = range(1, SCHEDULES, AT_ONCE)
FOUND_WITHIN = 1000
PLANTED = {**selling.FAULTS, **holds.FAULTS, **payments.FAULTS, **capacity.FAULTS}
LOWEST_PRIORITY = 19
PR_SET_PDEATHSIG = 1
LOOKERS = "test_simulation.py"
# Names the folder of the reports to all processes of the run.
FOLDER = "ZKTICKET_TESTS_SIMULATED"
WAIT_S = 110.0
END_S = 1.0


class Ahead:
    """A plugin of a run's first process: begins once the tests that look are among the chosen."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="simulated-")
        self._child: subprocess.Popen[bytes] | None = None
        os.environ[FOLDER] = self._folder

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Iterable[str]) -> None:
        self._begin(any(LOOKERS in each for each in ids))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._begin(any(item.path.name == LOOKERS for item in session.items))

    def pytest_unconfigure(self) -> None:
        if self._child is not None:
            self._end(self._child)
        shutil.rmtree(self._folder)

    def _begin(self, wanted: bool) -> None:
        if wanted and self._child is None:
            command = [sys.executable, "-m", "tests.simulation.ahead", self._folder]
            self._child = subprocess.Popen(command, cwd=ROOT)

    @staticmethod
    def _end(child: subprocess.Popen[bytes]) -> None:
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:  # the run was given up
            child.kill()
            child.wait()


def report(name: str) -> Report:
    """Waits for the report of that name in this run."""
    path = Path(os.environ[FOLDER]) / name
    found: Report = pickle.loads(eventually(f"{name} is played", partial(_read, path), WAIT_S))
    return found


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def main(folder: Path) -> None:
    os.nice(LOWEST_PRIORITY)
    _end_with_the_parent()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, initializer=_end_with_the_parent) as pool:
        for done in [pool.submit(_write, folder, name) for name in _plays()]:
            done.result()


def _plays() -> Mapping[str, Callable[[], Report]]:
    parts = {f"{first}": partial(play, range(first, first + AT_ONCE)) for first in FIRSTS}
    return {**parts, **{fault: partial(_play_with, fault) for fault in PLANTED}}


def _play_with(fault: str) -> Report:
    with PLANTED[fault]():
        return play(range(1, FOUND_WITHIN + 1), most_broken=1)


def _write(folder: Path, name: str) -> None:
    draft = folder / f"{name}.draft"
    draft.write_bytes(pickle.dumps(_plays()[name]()))
    draft.rename(folder / name)


def _end_with_the_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
