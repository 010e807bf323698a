"""Tokens of people and devices: who may open what, kept in ZooKeeper for all web servers.

Only a token's SHA-256 is kept: 32 random bytes can't be guessed back from it.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator
from functools import partial

from msgspec.structs import replace

from core.errors import (
    BadZnode,
    NoNode,
    NoSuchEvent,
    NoSuchToken,
    TokenExists,
    WrongUsage,
    ZkticketError,
)
from core.eventlog.audit import note
from core.schema import paths
from core.schema.records import AccessToken, AccessTokens, Role, decode
from core.store.store import Store
from core.text.names import clean, folded, is_shown
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.watch import Watch, whenever_changed

# Some 200 bytes each, in one znode.
MOST = 1000
MOST_CHARACTERS = 64
REFRESH_S = 1.0
# What the log calls the token that `admin credentials` prints.
OPERATORS_OWN = "the operator's token"


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


async def load(zk: ZooKeeper) -> tuple[AccessToken, ...]:
    """Loads them all, in the order in which they were made. Raises `Unavailable`, `BadZnode`."""
    znode = await zk.find(paths.TOKENS)
    if znode is None or not znode.data:
        return ()
    return decode(AccessTokens, znode.data, znode.path).tokens


def watch(zk: ZooKeeper) -> AsyncIterator[tuple[AccessToken, ...]]:
    """Yields them all, at each change and every `REFRESH_S`; none where they can't be read."""
    return whenever_changed(zk, partial(_read, zk), REFRESH_S)


async def _read(zk: ZooKeeper, changed: Watch | None) -> tuple[AccessToken, ...]:
    try:
        znode = await zk.get(paths.TOKENS, changed)
        return decode(AccessTokens, znode.data, znode.path).tokens if znode.data else ()
    except (NoNode, BadZnode):  # a damaged record opens nothing
        return ()


async def create(
    zk: ZooKeeper, role: Role, name: str, event: str, now: float
) -> tuple[str, AccessToken]:
    """Makes a token; returns it, for this once, and what is kept of it.

    Raises `WrongUsage`, `TokenExists`, `NoSuchEvent`, `ZooKeeperError`, `BadZnode`.
    """
    if event and role != "door":
        raise WrongUsage("--event is for a door: other roles see every event")
    if event:
        await _expect_event(Store(zk), event)
    token = secrets.token_hex(32)
    made = AccessToken(
        name=_named(name), role=role, event=event, made_at=round(now, 3), digest=digest(token)
    )
    await lost_answers.update(zk, paths.TOKENS, AccessTokens, lambda before: _with(before, made))
    await note(zk, "token", f"token of {made.name} made by operator: {said(made)}")
    return token, made


async def revoke(zk: ZooKeeper, name: str) -> AccessToken:
    """Makes the token of that name open nothing any more. Raises `NoSuchToken`, as `create`."""
    found = await lost_answers.read(zk, lambda: load(zk))
    revoked = next((each for each in found if folded(each.name) == folded(name)), None)
    if revoked is None:
        there = ", ".join(each.name for each in found) or "none"
        raise NoSuchToken(f"nobody named {name!r} has a token; there are: {there}")
    await lost_answers.update(
        zk, paths.TOKENS, AccessTokens, lambda before: _without(before, revoked)
    )
    await note(zk, "token", f"token of {revoked.name} revoked by operator: {said(revoked)}")
    return revoked


async def _expect_event(store: Store, name: str) -> None:
    try:
        await store.event(name)
    except NoSuchEvent:
        raise await store.no_such_event(name) from None


def _with(before: AccessTokens, made: AccessToken) -> AccessTokens:
    """Adds a token; one that is there already, after a lost answer, stays as it is."""
    if made in before.tokens:
        return before
    if any(folded(each.name) == folded(made.name) for each in before.tokens):
        raise TokenExists(
            f"{made.name!r} has a token; end it with `admin token revoke`, or choose another name"
        )
    if len(before.tokens) >= MOST:
        raise ZkticketError(f"there are {MOST:,} tokens; `admin token revoke` some of them first")
    return replace(before, tokens=(*before.tokens, made))


def _without(before: AccessTokens, revoked: AccessToken) -> AccessTokens:
    return replace(before, tokens=tuple(each for each in before.tokens if each != revoked))


def _named(name: str) -> str:
    """Returns a name as it is kept. Raises `WrongUsage` for one that can't be shown."""
    cleaned = clean(name)
    if not (is_shown(cleaned) and len(cleaned) <= MOST_CHARACTERS):
        raise WrongUsage(f"--name takes 1 to {MOST_CHARACTERS} printable characters")
    if folded(cleaned) in (folded(OPERATORS_OWN), "operator"):
        raise WrongUsage(f"the log calls others {cleaned!r}; give the token another name")
    return cleaned


def said(token: AccessToken) -> str:
    """What a token opens, for people."""
    if token.role != "door":
        return token.role
    return f"door, event {token.event}" if token.event else "door, every event"
