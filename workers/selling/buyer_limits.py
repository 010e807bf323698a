"""Limits the tickets of one buyer: decides for a whole batch, kept in the same transaction.

Each buyer of a limited event has an account, a znode that each of their purchases moves on from
the version that was read. So two purchases at once, in two tabs or at two workers, can't both
take the last ticket that is allowed.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.schema.records import buyer_id
from core.store.batch import Account
from core.store.stock import TypeRef
from core.store.store import Store


class LimitVerdict(enum.Enum):
    ALLOWED = "within the limit"
    # Only others of this batch use up the limit, and they may turn out to be repeats.
    LATER = "not together with the others"
    OVER = "over the limit"


@dataclass(frozen=True)
class LimitedPurchase:
    """A purchase of a buyer; `limit` is that of the event, 0 for none."""

    ref: TypeRef
    buyer: str
    quantity: int
    limit: int


@dataclass(frozen=True)
class Ruling:
    """A verdict for each purchase, and the accounts after those that are allowed."""

    verdicts: tuple[LimitVerdict, ...]
    accounts: tuple[Account, ...] = ()


class BuyerLimits:
    def __init__(self, store: Store, order_key: bytes) -> None:
        self._store = store
        self._order_key = order_key

    async def rule(self, purchases: Sequence[LimitedPurchase]) -> Ruling:
        """Decides who may buy, first come, first served. Raises `BadZnode`, `Unavailable`."""
        if not any(purchase.limit for purchase in purchases):
            return Ruling((LimitVerdict.ALLOWED,) * len(purchases))
        keys = [self._key(purchase) if purchase.limit else None for purchase in purchases]
        before = await self._read(
            {key: purchase.ref for key, purchase in zip(keys, purchases, strict=True) if key}
        )
        after = dict(before)
        verdicts: list[LimitVerdict] = []
        for key, purchase in zip(keys, purchases, strict=True):
            if key is None:
                verdicts.append(LimitVerdict.ALLOWED)
                continue
            verdicts.append(_verdict(purchase, before[key], after[key]))
            if verdicts[-1] is LimitVerdict.ALLOWED:
                after[key] = after[key].add(purchase.quantity)
        moved = (account for key, account in after.items() if account is not before[key])
        return Ruling(tuple(verdicts), tuple(moved))

    def _key(self, purchase: LimitedPurchase) -> str:
        return buyer_id(self._order_key, purchase.ref.event, purchase.buyer)

    async def _read(self, wanted: Mapping[str, TypeRef]) -> dict[str, Account]:
        """Reads the accounts, by buyer; one read for each event."""
        found: dict[str, Account] = {}
        for event in {(ref.event, ref.generation) for ref in wanted.values()}:
            buyers = [key for key, ref in wanted.items() if (ref.event, ref.generation) == event]
            found |= await self._store.accounts(*event, buyers)
        return found


def _verdict(purchase: LimitedPurchase, before: Account, after: Account) -> LimitVerdict:
    if before.tab.tickets + purchase.quantity > purchase.limit:
        return LimitVerdict.OVER
    fits = after.tab.tickets + purchase.quantity <= purchase.limit
    return LimitVerdict.ALLOWED if fits else LimitVerdict.LATER
