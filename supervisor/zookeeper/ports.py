"""Finds out whether ports are free before anything is started that needs them."""

from core.transport.listen_socket import listen


def require_free(host: str, port: int, option: str) -> None:
    """Raises `StartupError`, naming `option`, where nobody can listen on `host:port`."""
    listen(host, port, option).close()
