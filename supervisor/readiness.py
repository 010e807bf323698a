"""Asks whether the web sells, and where."""

import asyncio

ANSWER_S = 1.0


async def is_selling(address: str) -> bool:
    """Whether `GET /readyz` at `host:port` answers 200."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _status(address, "/readyz") == b"200"
    except (OSError, TimeoutError):
        return False


def reachable(host: str) -> str:
    """The address by which to reach a server that listens on `host`, even on all addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def url(host: str, port: int) -> str:
    """The page's address, for a browser on this machine."""
    name = reachable(host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


async def _status(address: str, path: str) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(reachable(host), int(port))
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode()
        )
        return (await reader.readline()).split(b" ")[1:2].pop()
    except IndexError:
        return b""
    finally:
        writer.close()
