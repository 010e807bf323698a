"""Limits the tickets of one buyer: decides for a whole batch, kept in the same transaction.

Each buyer of a limited event has an account, a znode that each of their purchases moves on from
the version that was read. So two purchases at once, in two tabs or at two workers, can't both
take the last ticket that is allowed.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.schema.records import buyer_id
from core.store.batch import Account
from core.store.stock import TypeRef
from core.store.store import Store
from workers.selling.pending_purchase import Candidate, PendingPurchase


class LimitVerdict(enum.Enum):
    ALLOWED = "within the limit"
    # Only others of this batch use up the limit, and they may turn out to be repeats.
    LATER = "not together with the others"
    OVER = "over the limit"


@dataclass(frozen=True)
class LimitRuling:
    """The verdict on one purchase; `allowance` is how many tickets its buyer may still have."""

    verdict: LimitVerdict
    allowance: int = 0


class BuyerLimits:
    """Knows the buyers' accounts. `order_key` makes a buyer's id from the name."""

    def __init__(self, store: Store, order_key: bytes) -> None:
        self._store = store
        self._order_key = order_key

    async def rule(
        self, wanted: Sequence[Candidate], limit_of: Callable[[TypeRef], int]
    ) -> tuple[list[LimitRuling], tuple[Account, ...]]:
        """Decides who may buy, first come, first served; a limit of 0 is none.

        Returns a ruling for each, and the accounts after those that are allowed. Raises
        `BadZnode`, `Unavailable`.
        """
        limits = {ref: limit_of(ref) for ref in {ref for _, ref in wanted}}
        keys = [self._key(*pair) if limits[pair[1]] else "" for pair in wanted]
        before = await self._read(
            {key: ref for key, (_, ref) in zip(keys, wanted, strict=True) if key}
        )
        after = dict(before)
        rulings: list[LimitRuling] = []
        for key, (request, ref) in zip(keys, wanted, strict=True):
            ruling, quantity = LimitRuling(LimitVerdict.ALLOWED), request.purchase.quantity
            if key:
                ruling = _ruling(quantity, limits[ref], before[key], after[key])
                if ruling.verdict is LimitVerdict.ALLOWED:
                    after[key] = after[key].add(quantity)
            rulings.append(ruling)
        return rulings, tuple(each for key, each in after.items() if each is not before[key])

    def _key(self, request: PendingPurchase, ref: TypeRef) -> str:
        return buyer_id(self._order_key, ref.event, request.purchase.buyer)

    async def _read(self, wanted: Mapping[str, TypeRef]) -> dict[str, Account]:
        """Reads the accounts, by buyer; one read for each event."""
        found: dict[str, Account] = {}
        for event in {(ref.event, ref.generation) for ref in wanted.values()}:
            buyers = [key for key, ref in wanted.items() if (ref.event, ref.generation) == event]
            found |= await self._store.accounts(*event, buyers)
        return found


def _ruling(quantity: int, limit: int, before: Account, after: Account) -> LimitRuling:
    if before.tab.tickets + quantity > limit:
        return LimitRuling(LimitVerdict.OVER, max(0, limit - before.tab.tickets))
    fits = after.tab.tickets + quantity <= limit
    return LimitRuling(LimitVerdict.ALLOWED if fits else LimitVerdict.LATER)
