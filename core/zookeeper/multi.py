"""ZooKeeper's multi: operations that happen together or not at all (opcode 14).

Written for batches of hundreds: kazoo's own `transaction` costs more than the rest of a sale.
The records are ZooKeeper's: `MultiOperationRecord` goes out, `MultiResponse` comes back.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from core.zookeeper.multi_read import COUNT, ERROR, HEADER, LAST

CREATE, DELETE, SET_DATA, CHECK = 1, 2, 5, 13
# The codes of a failed transaction's operations before and after the one that failed.
OK, INCONSISTENT = 0, -2
STAT_BYTES = 68
# A stat begins with the zxids of the znode's making and of its last change.
_ZXIDS = struct.Struct("!qq")


_CREATE, _DELETE, _SET_DATA, _CHECK = (
    HEADER.pack(kind, False, -1) for kind in (CREATE, DELETE, SET_DATA, CHECK)
)
_PERSISTENT = COUNT.pack(0)


class Check(msgspec.Struct, frozen=True):
    """Requires that the znode exists, at this version unless that is -1."""

    path: str
    version: int = -1


class Create(msgspec.Struct, frozen=True):
    path: str
    data: bytes = b""


class SetData(msgspec.Struct, frozen=True):
    path: str
    data: bytes
    version: int


class Delete(msgspec.Struct, frozen=True):
    path: str
    version: int = -1


Operation: TypeAlias = Check | Create | SetData | Delete


class MultiResult(NamedTuple):
    """The commit's zxid, or which operation failed and the server's error code.

    A zxid of 0 means that nothing was set. With `culprit` -1 and a `code` other than 0, the server
    has named no operation.
    """

    zxid: int = 0
    culprit: int = -1
    code: int = OK


class Multi:
    """The request. `chroot` stands before every path; `acl` is a whole `ACL` vector."""

    type = 14

    def __init__(self, operations: Sequence[Operation], chroot: str, acl: bytes) -> None:
        self._operations = operations
        self._chroot = chroot
        self._acl = acl

    def serialize(self) -> bytes:
        return b"".join([*map(self._record, self._operations), LAST])

    def _record(self, operation: Operation) -> bytes:
        path = _string(self._chroot + operation.path)
        match operation:
            case Create(_, data):
                return b"".join((_CREATE, path, _buffer(data), self._acl, _PERSISTENT))
            case SetData(_, data, version):
                return b"".join((_SET_DATA, path, _buffer(data), COUNT.pack(version)))
            case Check(_, version):
                return b"".join((_CHECK, path, COUNT.pack(version)))
            case Delete(_, version):
                return b"".join((_DELETE, path, COUNT.pack(version)))

    def deserialize(self, reply: bytes, offset: int) -> list[MultiResult]:
        """Decodes one result, in a list as kazoo wants it. Raises `ValueError`, `struct.error`."""
        zxid = index = 0
        refused = False
        kind, last, _ = HEADER.unpack_from(reply, offset)
        while not last:
            offset += HEADER.size
            if kind == CREATE:
                offset += COUNT.size + COUNT.unpack_from(reply, offset)[0]
            elif kind == SET_DATA:
                zxid = max(zxid, _ZXIDS.unpack_from(reply, offset)[1])
                offset += STAT_BYTES
            elif kind == ERROR:
                code = COUNT.unpack_from(reply, offset)[0]
                if code not in (OK, INCONSISTENT):
                    return [MultiResult(culprit=index, code=code)]
                refused = True
                offset += COUNT.size
            elif kind not in (DELETE, CHECK):
                raise ValueError(f"a multi is not answered with type {kind}")
            index += 1
            kind, last, _ = HEADER.unpack_from(reply, offset)
        return [MultiResult(code=INCONSISTENT) if refused else MultiResult(zxid)]


def acl_vector(permissions: int, scheme: str, identity: str) -> bytes:
    """Encodes an access list of one entry."""
    return COUNT.pack(1) + COUNT.pack(permissions) + _string(scheme) + _string(identity)


def _string(text: str) -> bytes:
    return _buffer(text.encode())


def _buffer(data: bytes) -> bytes:
    return COUNT.pack(len(data)) + data
