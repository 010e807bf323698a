"""ZooKeeper's multi-read: the data of many znodes in one request (opcode 22, since 3.6).

kazoo has no call for it, but sends whatever has a `type`, `serialize` and `deserialize`.
The records are ZooKeeper's own: `MultiOperationRecord` of `GetDataRequest`s goes out,
`MultiResponse` of `GetDataResponse`s and `ErrorResponse`s comes back, in Jute, big-endian.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

GET_DATA = 4
ERROR = -1
NO_NODE = -101

COUNT = struct.Struct("!i")
# Type, whether it is the last, error.
HEADER = struct.Struct("!i?i")
_STAT = struct.Struct("!qqqqiiiqiiq")

_ONE = HEADER.pack(GET_DATA, False, -1)
_NO_WATCH = b"\0"
LAST = HEADER.pack(-1, True, -1)


class Stat(NamedTuple):
    """What ZooKeeper stores about a znode beside its data, in the order of its record."""

    created_zxid: int
    modified_zxid: int
    created_ms: int
    modified_ms: int
    version: int
    children_version: int
    acl_version: int
    owner: int
    data_length: int
    children: int
    children_zxid: int


# Data and stat, or the code of an error.
Read: TypeAlias = tuple[bytes, Stat] | int


class MultiRead:
    """The request for the data at `paths`, which are whole: the chroot stands in them."""

    type = 22

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def serialize(self) -> bytes:
        parts = []
        for path in self._paths:
            name = path.encode()
            parts += [_ONE, COUNT.pack(len(name)), name, _NO_WATCH]
        return b"".join([*parts, LAST])

    def deserialize(self, reply: bytes, offset: int) -> list[Read]:
        """Decodes one answer per path. Raises `ValueError`, `struct.error` for another reply."""
        found: list[Read] = []
        kind, last, _ = HEADER.unpack_from(reply, offset)
        while not last:
            offset += HEADER.size
            # The length of data, or the code of an error.
            number = COUNT.unpack_from(reply, offset)[0]
            offset += COUNT.size
            if kind == GET_DATA:
                end = offset + max(0, number)
                found.append((reply[offset:end], Stat._make(_STAT.unpack_from(reply, end))))
                offset = end + _STAT.size
            elif kind == ERROR:
                found.append(number)
            else:
                raise ValueError(f"a multi-read is not answered with type {kind}")
            kind, last, _ = HEADER.unpack_from(reply, offset)
        if len(found) != len(self._paths):
            raise ValueError(f"{len(found)} answers to {len(self._paths)} reads")
        return found
