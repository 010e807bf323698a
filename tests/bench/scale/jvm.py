"""The live heap of a JVM, asked for as `jcmd` would: a JRE has no such program.

The protocol is HotSpot's attach mechanism (`attachListener_linux.cpp`): a file announces the
request, SIGQUIT signals it, and the JVM opens a Unix socket.
"""

import os
import re
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ANSWER_S = 60.0
POLL_S = 0.05
VERSION = "1"
# A request always has three arguments.
HISTOGRAM = (VERSION, "inspectheap", "-live", "", "")


def live_bytes(pid: int) -> int:
    """Returns the reachable bytes after a full collection. Raises `OSError` where it fails."""
    with _attach(pid) as link:
        link.sendall(b"".join(word.encode() + b"\0" for word in HISTOGRAM))
        text = b"".join(iter(lambda: link.recv(65536), b"")).decode(errors="replace")
    found = re.search(r"^Total\s+\d+\s+(\d+)", text, re.MULTILINE)
    if found is None:
        raise OSError(f"the JVM {pid} gives no histogram: {text[:100]!r}")
    return int(found.group(1))


def _attach(pid: int) -> socket.socket:
    address = Path(tempfile.gettempdir()) / f".java_pid{pid}"
    wish = Path(f"/proc/{pid}/cwd/.attach_pid{pid}")
    deadline = time.monotonic() + ANSWER_S
    try:
        if not address.exists():
            wish.touch()
            os.kill(pid, signal.SIGQUIT)
        while not address.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the JVM {pid} does not listen")
            time.sleep(POLL_S)
    finally:
        with suppress(OSError):
            wish.unlink()
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(ANSWER_S)
    link.connect(str(address))
    return link
