"""Makes the znodes for lists of holds, once for each slot of time."""

from collections import deque

from core.schema import paths
from core.store.holds import SLOT_S, Holds, hold_path
from core.store.stock import TypeRef

# How many are remembered, so that none is made twice; far more than are in use.
KNOWN_SLOTS = 64


class HoldSlots:
    """Remembers which slots it has made."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._known: deque[str] = deque(maxlen=KNOWN_SLOTS)

    async def make(self, ref: TypeRef, until: float) -> None:
        """Makes room for holds that end then. Raises `Unavailable`."""
        # The batch is made a moment later, perhaps in the next slot.
        for late_s in (0.0, SLOT_S):
            path = hold_path(ref.event, ref.generation, until + late_s, "")
            if paths.parent(path) not in self._known:
                await self._holds.make_slot(path)
                self._known.append(paths.parent(path))

    def forget(self) -> None:
        self._known.clear()
