"""Makes the tree's top, and closes it to everybody without the secret."""

import asyncio
from contextlib import suppress

from kazoo import exceptions as kz
from kazoo.client import KazooClient
from kazoo.security import ACL, Permissions

from core.errors import AccessDenied
from core.schema import paths
from core.zookeeper.kazoo_adapter import ERRORS, LOST, make_client, owner_acl, translated

SESSION_S = 6.0
TRIES = 5


async def prepare_tree(
    hosts: str, password: str, marker: bytes, *, close_root: bool, timeout_s: float
) -> bool:
    """Makes the chroot, closed to everybody without the secret. Returns whether `/` is closed, too.

    With `close_root`, on an ensemble of our own, `/` and `/zookeeper` are closed, so that
    nobody can create beside the tree or lock its owner out. On one that runs elsewhere they are
    closed as long as nobody else has anything there.
    Raises `Unavailable`, and `AccessDenied` where the tree belongs to another secret.
    """
    return await asyncio.to_thread(_prepare_tree, hosts, password, marker, close_root, timeout_s)


def _prepare_tree(
    hosts: str, password: str, marker: bytes, close_root: bool, timeout_s: float
) -> bool:
    client = make_client(hosts, password, SESSION_S)
    acl = owner_acl(password)
    try:
        client.start(timeout=timeout_s)
        for _ in range(TRIES - 1):
            with suppress(*LOST):  # repeating what has happened does no harm
                return _make_tree(client, marker, acl, close_root, timeout_s)
        return _make_tree(client, marker, acl, close_root, timeout_s)
    except ERRORS as error:
        raise translated(error) from None
    finally:
        client.stop()
        client.close()


def _make_tree(
    client: KazooClient, marker: bytes, acl: list[ACL], close_root: bool, timeout_s: float
) -> bool:
    """Returns whether the root is closed to others."""
    for path, data in [(paths.CHROOT, marker), *((paths.CHROOT + p, b"") for p in paths.TOP)]:
        _make(client, path, data, acl, timeout_s)
    _check_owned(client, acl, timeout_s)
    if close_root or not _others_use(client, timeout_s):
        _close(client, acl, timeout_s)
    return not _is_open(client, timeout_s)


def _make(client: KazooClient, path: str, data: bytes, acl: list[ACL], timeout_s: float) -> None:
    """Creates a znode unless it is there: at a closed root, its owner has made our chroot."""
    if client.exists_async(path).get(timeout=timeout_s) is None:
        with suppress(kz.NodeExistsError):
            client.create_async(path, data, acl).get(timeout=timeout_s)


def _others_use(client: KazooClient, timeout_s: float) -> bool:
    """Whether somebody else uses the ensemble: a znode beside our tree, or the root itself."""
    try:
        names = client.get_children_async("/").get(timeout=timeout_s)
    except kz.NoAuthError:
        return True
    return bool(set(names) - {"zookeeper", paths.CHROOT.strip("/")})


def _close(client: KazooClient, acl: list[ACL], timeout_s: float) -> None:
    # Everybody may read /zookeeper/config, and nobody may change it, from the start.
    for path in ("/", "/zookeeper", "/zookeeper/quota"):
        with suppress(kz.NoAuthError):  # its owner has closed it to us as well
            client.set_acls_async(path, acl).get(timeout=timeout_s)


def _is_open(client: KazooClient, timeout_s: float) -> bool:
    """Whether anybody may create, delete or set rights at the root."""
    try:
        acls, _stat = client.get_acls_async("/").get(timeout=timeout_s)
    except kz.NoAuthError:
        return False
    writing = Permissions.CREATE | Permissions.DELETE | Permissions.ADMIN
    return any(each.id.scheme == "world" and each.perms & writing for each in acls)


def _check_owned(client: KazooClient, acl: list[ACL], timeout_s: float) -> None:
    """Raises `AccessDenied` where the chroot is not ours alone: somebody else made it first."""
    found, _stat = client.get_acls_async(paths.CHROOT).get(timeout=timeout_s)
    if found != acl:
        raise AccessDenied(
            f"{paths.CHROOT} in ZooKeeper is open to others; delete it there, then try again"
        )
