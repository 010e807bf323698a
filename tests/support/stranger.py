"""A stranger that speaks ZooKeeper's protocols between servers, with or without its password.

Each connection has a timeout; `EOFError` says that the other end has hung up.
"""

import hashlib
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

ANSWER_S = 5.0
# Kinds of packets between a leader and its followers.
OBSERVER_INFO, LEADER_INFO, ACK_EPOCH, SNAPSHOT, DIFF = 16, 17, 18, 15, 13
LEARNER_PROTOCOL, ELECTION_PROTOCOL = 0x10000, -65536
# SASL's packets begin with this, a status and a token.
MAGIC = 0x5F2435013501EDCC
IN_PROGRESS, SUCCESS = 0, 1
DIGEST_URI = "zookeeper-quorum/zk-quorum-sasl-md5"
STAT_BYTES = 60


@dataclass(frozen=True)
class Line:
    """A connection to a port for servers."""

    socket: socket.socket
    file: BinaryIO

    def send(self, layout: str, *values: Any) -> None:
        self.socket.sendall(struct.pack(f">{layout}", *values))

    def send_buffer(self, data: bytes) -> None:
        self.send("i", len(data))
        self.socket.sendall(data)

    def read(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f">{layout}", self.take(struct.calcsize(f">{layout}")))

    def take(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) < size:
            raise EOFError("hung up")
        return data

    def buffer(self) -> bytes:
        [size] = self.read("i")
        return self.take(max(0, size))


@contextmanager
def calling(port: int) -> Iterator[Line]:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    with connection, connection.makefile("rb") as file:
        yield Line(connection, file)


# --- following the leader ------------------------------------------------------------


def follow(line: Line, server: int = 99) -> list[str]:
    """Becomes an observer of the leader; returns the paths of all that it hands over."""
    _send_packet(line, OBSERVER_INFO, struct.pack(">qiq", server, LEARNER_PROTOCOL, 0))
    assert _kind_of_packet(line) == LEADER_INFO
    _send_packet(line, ACK_EPOCH, struct.pack(">i", -1))
    while (kind := _kind_of_packet(line)) not in (SNAPSHOT, DIFF):
        pass
    assert kind == SNAPSHOT
    return _paths_of_snapshot(line)


def _send_packet(line: Line, kind: int, data: bytes) -> None:
    line.send("iq", kind, 0)
    line.send_buffer(data)
    line.send("i", -1)  # no authinfo


def _kind_of_packet(line: Line) -> int:
    kind, _zxid = line.read("iq")
    line.buffer()
    [identities] = line.read("i")
    for _ in range(max(0, identities)):
        line.buffer(), line.buffer()
    return int(kind)


def _paths_of_snapshot(line: Line) -> list[str]:
    [sessions] = line.read("i")
    for _ in range(sessions):
        line.read("qi")
    [lists] = line.read("i")
    for _ in range(lists):
        line.read("q")
        [entries] = line.read("i")
        for _ in range(entries):
            line.read("i")
            line.buffer(), line.buffer()
    found: list[str] = []
    while (path := line.buffer()) != b"/":
        found.append(path.decode())
        line.buffer()
        line.take(8 + STAT_BYTES)
    return found


# --- taking part in an election ------------------------------------------------------


def introduce(line: Line, server: int) -> None:
    """Calls a server's election port in another server's name."""
    name = b"127.0.0.1:1"
    line.send("qqi", ELECTION_PROTOCOL, server, len(name))
    line.socket.sendall(name)


# --- proving who one is --------------------------------------------------------------


def authenticate(line: Line, user: str, password: str) -> None:
    """Authenticates by DIGEST-MD5 (RFC 2831). Raises `EOFError` where it is refused."""
    _send_token(line, b"")
    status, challenge = _token(line)
    assert status == IN_PROGRESS, status
    _send_token(line, _response(challenge.decode(), user, password).encode())
    status, _ = _token(line)
    if status != SUCCESS:
        raise EOFError("refused")


def _send_token(line: Line, token: bytes) -> None:
    line.send("qi", MAGIC, IN_PROGRESS)
    line.send_buffer(token)


def _token(line: Line) -> tuple[int, bytes]:
    _magic, status = line.read("qi")
    return int(status), line.buffer()


def _response(challenge: str, user: str, password: str) -> str:
    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm, nonce, once = asked.get("realm", ""), asked["nonce"], "0" * 16
    secret = hashlib.md5(f"{user}:{realm}:{password}".encode()).digest()
    mine = hashlib.md5(secret + f":{nonce}:{once}".encode()).hexdigest()
    what = hashlib.md5(f"AUTHENTICATE:{DIGEST_URI}".encode()).hexdigest()
    proof = hashlib.md5(f"{mine}:{nonce}:00000001:{once}:auth:{what}".encode()).hexdigest()
    return (
        f'charset=utf-8,username="{user}",realm="{realm}",nonce="{nonce}",nc=00000001,'
        f'cnonce="{once}",digest-uri="{DIGEST_URI}",maxbuf=65536,response={proof},qop=auth'
    )
