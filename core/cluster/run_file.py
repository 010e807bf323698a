"""The run file: what `up` started on this machine, so that other commands find it."""

from contextlib import suppress
from pathlib import Path

from core.errors import BadZnode, NotRunning, ZkticketError
from core.machine import private_directory, private_files
from core.schema.records import SupervisorRecord, decode, encode

FILE_NAME = "run.json"


def write(data_dir: Path, record: SupervisorRecord) -> None:
    """Replaces the run file. Raises `OSError`."""
    private_files.write(data_dir / FILE_NAME, encode(record) + b"\n")


def read(data_dir: Path) -> SupervisorRecord:
    """Reads what was started last from `data_dir`, dead or alive.

    Raises `NotRunning`, and `Untrusted` for another user's.
    """
    path = data_dir / FILE_NAME
    try:
        private_directory.require_own(data_dir)
        return decode(SupervisorRecord, private_files.read(path), str(path))
    except FileNotFoundError:
        raise NotRunning(f"nothing is running in {data_dir}; start it with `up`") from None
    except BadZnode as error:
        raise ZkticketError(f"the run file {path} is damaged: {error.why}; delete it") from None
    except OSError as error:
        raise ZkticketError(f"cannot read the run file {path}: {error.strerror}") from None


def hosts(data_dir: Path, named: str) -> str:
    """Returns `host:port,…` of an instance's ensemble: as `named` by the user, or as started.

    Raises `NotRunning` where neither is known.
    """
    return named or read(data_dir).zookeeper


def remove(data_dir: Path) -> None:
    with suppress(FileNotFoundError):
        (data_dir / FILE_NAME).unlink()
