"""How many tickets one buyer may have: decided for a whole batch, kept in the same transaction.

Each buyer of a limited event has an account, a znode that every purchase of his moves on from
the version that was read. So two purchases at once, in two tabs or at two workers, can't both
believe that they are the last one allowed.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.schema.records import buyer_id
from core.store.batch import Account
from core.store.stock import TypeRef
from core.store.store import Store


class Verdict(enum.Enum):
    ALLOWED = "within the limit"
    # Only the others of this batch stand before it, and they may turn out to be repeats.
    LATER = "not together with the others"
    OVER = "over the limit"


@dataclass(frozen=True)
class Claim:
    """Somebody who wants so many tickets; `limit` is his event's, 0 where there is none."""

    ref: TypeRef
    buyer: str
    quantity: int
    limit: int


@dataclass(frozen=True)
class Ruling:
    """A verdict for each claim, and the accounts as they are once those allowed have bought."""

    verdicts: tuple[Verdict, ...]
    accounts: tuple[Account, ...] = ()


class Limits:
    def __init__(self, store: Store, order_key: bytes) -> None:
        self._store = store
        self._order_key = order_key

    async def rule(self, claims: Sequence[Claim]) -> Ruling:
        """Who may buy, first come, first served. Raises `BadZnode`, `Unavailable`."""
        if not any(claim.limit for claim in claims):
            return Ruling((Verdict.ALLOWED,) * len(claims))
        keys = [self._key(claim) if claim.limit else None for claim in claims]
        before = await self._read(
            {key: claim.ref for key, claim in zip(keys, claims, strict=True) if key}
        )
        after = dict(before)
        verdicts: list[Verdict] = []
        for key, claim in zip(keys, claims, strict=True):
            if key is None:
                verdicts.append(Verdict.ALLOWED)
                continue
            verdicts.append(_verdict(claim, before[key], after[key]))
            if verdicts[-1] is Verdict.ALLOWED:
                after[key] = after[key].add(claim.quantity)
        moved = (account for key, account in after.items() if account is not before[key])
        return Ruling(tuple(verdicts), tuple(moved))

    def _key(self, claim: Claim) -> str:
        return buyer_id(self._order_key, claim.ref.event, claim.buyer)

    async def _read(self, wanted: Mapping[str, TypeRef]) -> dict[str, Account]:
        """The buyers' accounts, by buyer; an event's all at once."""
        found: dict[str, Account] = {}
        for event in {(ref.event, ref.generation) for ref in wanted.values()}:
            buyers = [key for key, ref in wanted.items() if (ref.event, ref.generation) == event]
            found |= await self._store.accounts(*event, buyers)
        return found


def _verdict(claim: Claim, before: Account, after: Account) -> Verdict:
    if before.tab.tickets + claim.quantity > claim.limit:
        return Verdict.OVER
    fits = after.tab.tickets + claim.quantity <= claim.limit
    return Verdict.ALLOWED if fits else Verdict.LATER
