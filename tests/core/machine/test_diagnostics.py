"""Reports that a process writes about itself."""

import subprocess
import sys

PROGRAM = """
import logging, time
from core.machine import diagnostics
diagnostics.begin_warnings(time.monotonic)
logging.getLogger("kazoo.client").warning("Connection dropped: socket connection broken")
logging.getLogger("zkticket.registry").warning("a znode is damaged")
"""


def test_people_at_a_terminal_read_our_warnings_and_none_of_kazoos() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == "a znode is damaged\n"
