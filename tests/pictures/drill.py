"""Takes a drill in a terminal: the sale's last frame and the verdict, as they were shown."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.pictures.camera import Camera
from tests.support.instance import ENTRYPOINT, environment

COLUMNS, LINES = 80, 24
COMMAND = ("drill", "leader", "--seconds", "12")
# A live screen sends this before it draws itself again.
REDRAWN = re.compile(r"(?:\r|\x1b\[(?:1A|2K|\?25[lh]))+")
# Its headline once the buyers have gone.
OVER = re.compile("selling the last|comparing what|recounting")
PAGE = """
<body style="margin: 0">
<pre style="display: inline-block; margin: 0; padding: 20px 24px;
  font: 14px/1.3 'DejaVu Sans Mono', monospace; color: {foreground}; background: {background}">
<span style="opacity: .6">$ zkticket %s</span>

{code}</pre>
"""


def take(camera: Camera) -> Iterator[Path]:
    """Takes the picture of a drill's end."""
    with camera.page(900, 600) as page:
        page.set_content(_drawn(end_of(_output(COMMAND))))
        yield camera.take("drill", page.locator("pre"))


def end_of(output: str) -> str:
    """Returns the last frame of the sale, and the verdict below it."""
    frames = REDRAWN.split(output.replace("\r\n", "\n"))
    sale = [frame for frame in frames if "sold/s" in frame and not OVER.search(frame)]
    return f"{sale[-1].rstrip()}\n\n{frames[-1].strip()}"


def _output(command: tuple[str, ...]) -> str:
    """Returns all that a command writes to a terminal."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    coloured = {name: value for name, value in environment().items() if name != "NO_COLOR"}
    size = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    with subprocess.Popen(
        [sys.executable, str(ENTRYPOINT), *command],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**coloured, **size},
    ):
        os.close(its)
        written = bytearray()
        with suppress(OSError):  # the terminal's other end was closed
            while some := os.read(ours, 1 << 16):
                written += some
    os.close(ours)
    return written.decode()


def _drawn(frame: str) -> str:
    """Returns the frame as a page, in the colours of a dark terminal."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(frame))
    return console.export_html(
        theme=SVG_EXPORT_THEME, code_format=PAGE % " ".join(COMMAND), inline_styles=True
    )
