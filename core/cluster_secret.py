"""The cluster's secret, and the keys that are derived from it, one for each use."""

import hmac
import os
import secrets
from pathlib import Path

import msgspec

from core.errors import StartupError, WrongUsage
from core.machine import private_directory, private_files, system_errors
from core.text import utf8

FILE_NAME = private_directory.SECRET


class Secret(msgspec.Struct, frozen=True):
    """32 random bytes. Whoever has them is a member of the cluster."""

    value: bytes

    def __repr__(self) -> str:
        return "Secret(…)"

    def key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose; knowing it tells nothing about the others."""
        return hmac.digest(self.value, b"zkticket " + purpose.encode(), "sha256")

    @property
    def zookeeper_password(self) -> str:
        return self.key("zookeeper digest").hex()

    @property
    def quorum_password(self) -> str:
        """Proves our ZooKeeper servers to each other."""
        return self.key("zookeeper quorum").hex()

    @property
    def link_key(self) -> bytes:
        return self.key("web-worker link")

    @property
    def order_key(self) -> bytes:
        return self.key("order id")

    @property
    def ticket_key(self) -> bytes:
        """Makes the codes of tickets; knowing it lets nobody manage an order."""
        return self.key("ticket code")

    @property
    def payment_key(self) -> bytes:
        """Signs the calls of a payment provider."""
        return self.key("payment webhook")

    @property
    def operator_token(self) -> str:
        """The bearer token that operators send to `/api/status`."""
        return self.key("operator token").hex()[:32]


def load_secret(data_dir: Path) -> Secret:
    """Loads the secret of the instance in `data_dir`.

    Raises `StartupError` where there is none, and `Untrusted` for one that others could have put
    there: whoever knows the secret is believed in everything.
    """
    path = data_dir / FILE_NAME
    try:
        private_directory.require_own(data_dir)
        value = bytes.fromhex(utf8.text_of(private_files.read(path)))
    except FileNotFoundError:
        raise StartupError(
            f"no secret in {data_dir}; name the instance's directory with --data-dir"
        ) from None
    except OSError as error:
        raise StartupError(system_errors.told(error, path)) from None
    except (ValueError, WrongUsage) as error:
        raise StartupError(f"cannot read the secret {path}: {error}") from None
    if len(value) != 32:
        raise StartupError(f"the secret {path} is damaged: 64 hexadecimal digits expected")
    return Secret(value)


def load_or_create_secret(data_dir: Path) -> Secret:
    """Loads the secret, or makes a new one where there is none. Needs the data dir's lock."""
    path = data_dir / FILE_NAME
    if not os.path.lexists(path):
        with system_errors.as_startup_errors(path):
            private_files.write(path, secrets.token_hex(32).encode() + b"\n")
    return load_secret(data_dir)
