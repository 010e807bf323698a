"""Knows people's and devices' tokens: a copy of what ZooKeeper has, watched."""

import hmac
from collections.abc import Callable, Sequence

from core.cluster import access_tokens
from core.schema.records import AccessToken
from core.zookeeper.client import ZooKeeper
from web.auth.roles import Access, access_of

# A web server that is cut off hears of no revocation. So long it goes on with what it knew: a short
# break signs nobody out, and no door can admit in a longer one, which needs ZooKeeper as well.
TRUSTED_S = 60.0


class KnownTokens:
    """The tokens as they were read last. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: Sequence[AccessToken] = ()
        self._by_ref: dict[str, Access] = {}
        self._read_at: float | None = None

    @property
    def current(self) -> bool:
        """Whether they were read lately enough to be believed."""
        return self._read_at is not None and self._clock() - self._read_at <= TRUSTED_S

    def note(self, tokens: Sequence[AccessToken]) -> None:
        """Keeps what was read just now."""
        self._tokens = tokens
        self._by_ref = {access.ref: access for access in map(access_of, tokens)}
        self._read_at = self._clock()

    def of_token(self, token: str) -> Access | None:
        """The access that a token gives, while it is known. All are compared, each wholly."""
        given, found = access_tokens.digest(token), None
        for each in self._tokens if self.current else ():
            if hmac.compare_digest(each.digest, given):
                found = access_of(each)
        return found

    def of_ref(self, ref: str) -> Access | None:
        """The access of a token that somebody has signed in with, until it is revoked."""
        return self._by_ref.get(ref) if self.current else None

    async def follow(self, zk: ZooKeeper) -> None:
        """Reads them at each change until it is cancelled."""
        async for tokens in access_tokens.watch(zk):
            self.note(tokens)
