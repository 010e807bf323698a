"""Sets up the standard streams: data goes to stdout, messages go to stderr.

Data is UTF-8 in every locale, and is written whole or the command fails. Messages are for people:
characters that a terminal can't show are replaced, and what can't be written at once is lost.
"""

import io
import os
import select
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import CannotWrite, WrongUsage

STDIN, STDOUT, STDERR = range(3)


class _Data(io.FileIO):
    """Stdout as data: tells a reader that has gone from a full disk."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CannotWrite(f"cannot write what was asked for: {error.strerror}") from None


class _Messages(io.FileIO):
    """A stream of messages that waits for no full disk, no halted terminal and no reader."""

    def write(self, data: Any) -> int:
        try:
            if self._takes_more():
                return super().write(data[: select.PIPE_BUF]) or 0
        except OSError:
            pass
        return len(data)

    def _takes_more(self) -> bool:
        poll = select.poll()
        poll.register(self, select.POLLOUT)
        return bool(poll.poll(0))


def settle() -> None:
    """Sets up this process's streams, before anything else."""
    _fill_gaps()
    screen = os.isatty(STDOUT)
    sys.stdin = open(STDIN, encoding=_encoding(sys.stdin), errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = _text(
        _Data(STDOUT, "w", closefd=False),
        _encoding(sys.stdout) if screen else "utf-8",
        "replace" if screen else "surrogateescape",
        line_buffering=screen,
    )
    sys.stderr = _text(
        _Messages(STDERR, "w", closefd=False), _encoding(sys.stderr), "backslashreplace"
    )


def expect_no_data() -> None:
    """Treats stdout as messages, too."""
    sys.stdout = _text(_Messages(STDOUT, "w", closefd=False), sys.stdout.encoding, "replace")


def tell(text: str) -> None:
    """Prints a message on stdout; a failure to print undoes nothing."""
    try:
        print(text, flush=True)
    except (BrokenPipeError, CannotWrite):
        close_stdout()


def close_stdout() -> None:
    """Drops whatever goes to stdout from now on, because it can't be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDOUT)
    os.close(nowhere)


def require_utf8(environ: Mapping[str, str]) -> None:
    """Restarts this program with UTF-8 for names of files, unless it has that already.

    Python takes another encoding from an old locale, or when it is told to; then a path
    would mean one file to us and another to the processes that we start.
    """
    if sys.getfilesystemencoding() == "utf-8" or environ.get("PYTHONUTF8") == "1":
        return
    utf8 = {"PYTHONIOENCODING": _encoding(sys.stdout), **environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], utf8)  # noqa: S606


def require_text(words: Sequence[str]) -> None:
    """Raises `WrongUsage` for a word of the command line that is no UTF-8."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise WrongUsage(
                f"{ascii(os.fsencode(word))[1:]} is not UTF-8; use another name"
            ) from None


def _fill_gaps() -> None:
    """Opens closed streams, so that the next opened file does not get their number."""
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            # Open for reading only: writing there is still an error.
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)


def _encoding(stream: Any) -> str:
    return stream.encoding if stream is not None else "utf-8"


def _text(
    raw: io.FileIO, encoding: str, errors: str, *, line_buffering: bool = True
) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=line_buffering
    )
