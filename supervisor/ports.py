"""Finds out whether ports are free before anything is started that needs them."""

import errno
import socket

from core.errors import StartupError


def require_free(host: str, port: int, option: str) -> None:
    """Raises `StartupError`, naming `option`, where nobody can listen on `host:port`."""
    try:
        _try_to_listen(host, port)
    except socket.gaierror:
        raise StartupError(f"{host} is no address of this machine; choose another --host") from None
    except OSError as error:
        raise StartupError(_advice(error, host, port, option)) from None


def _try_to_listen(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as trial:
        # As the servers do: a port whose last connections are still winding down is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(address)
        trial.listen()


def _advice(error: OSError, host: str, port: int, option: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use; choose another with {option}"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another --host"
        case errno.EACCES:
            return f"port {port} is for root only; choose one above 1023 with {option}"
    return f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}"
