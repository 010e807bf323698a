"""A multi's bytes, as ZooKeeper's protocol has them."""

import pytest
from kazoo.protocol import serialization as kz
from kazoo.security import make_digest_acl

from core.zookeeper.multi import (
    INCONSISTENT,
    Check,
    Create,
    Delete,
    Multi,
    MultiResult,
    Operation,
    SetData,
    acl_vector,
)

ACL = make_digest_acl("zkticket", "secret", all=True)
OPERATIONS: list[tuple[Operation, object]] = [
    (Check("/a", 3), kz.CheckVersion("/zkticket/a", 3)),
    (Create("/é", "é".encode()), kz.Create("/zkticket/é", "é".encode(), [ACL], 0)),
    (Create("/empty"), kz.Create("/zkticket/empty", b"", [ACL], 0)),
    (SetData("/s", b"data", 7), kz.SetData("/zkticket/s", b"data", 7)),
    (Delete("/d"), kz.Delete("/zkticket/d", -1)),
]
HEADER = b"sixteen bytes..."
END = bytes.fromhex("ffffffff 01 ffffffff")
CREATED = bytes.fromhex("00000001 00 00000000 00000002") + b"/a"
CHECKED = bytes.fromhex("0000000d 00 00000000")
DELETED = bytes.fromhex("00000002 00 00000000")


def data_set(zxid: int) -> bytes:
    return bytes.fromhex("00000005 00 00000000") + bytes(8) + zxid.to_bytes(8, "big") + bytes(52)


def error(code: int) -> bytes:
    return bytes.fromhex("ffffffff 00 ffffffff") + code.to_bytes(4, "big", signed=True)


def read(*records: bytes) -> MultiResult:
    reply = HEADER + b"".join(records) + END
    [result] = Multi([], "/zkticket", b"").deserialize(reply, len(HEADER))
    return result


def test_a_request_is_what_kazoo_would_send() -> None:
    acl = acl_vector(ACL.perms, ACL.id.scheme, ACL.id.id)
    ours = Multi([operation for operation, _ in OPERATIONS], "/zkticket", acl).serialize()
    assert ours == bytes(kz.Transaction([theirs for _, theirs in OPERATIONS]).serialize())
    assert Multi.type == kz.Transaction.type


def test_the_zxid_is_that_of_what_was_set() -> None:
    assert read(CHECKED, data_set(41), data_set(41), CREATED, CREATED, DELETED) == MultiResult(
        zxid=41
    )


def test_nothing_set_is_no_zxid() -> None:
    assert read(CHECKED, CREATED, DELETED) == MultiResult()
    assert read() == MultiResult()


def test_a_refusal_names_the_first_that_could_not() -> None:
    assert read(error(0), error(0), error(-110), error(-2)) == MultiResult(culprit=2, code=-110)
    assert read(error(-101), error(-2)) == MultiResult(culprit=0, code=-101)


def test_a_refusal_without_a_culprit_is_no_success() -> None:
    assert read(error(0), error(-2)) == MultiResult(code=INCONSISTENT)


def test_another_answer_is_not_taken_for_one() -> None:
    with pytest.raises(ValueError, match="type 4"):
        read(bytes.fromhex("00000004 00 00000000"))
