"""How long each thing is measured, and at what load."""

from dataclasses import dataclass

WARM_UP_CONNECTIONS = 64


@dataclass(frozen=True)
class Plan:
    """One run. Times are in whole seconds, as wrk takes them; `batches` are orders in one
    transaction."""

    name: str
    rounds: int
    connections: tuple[int, ...]
    # Measured too of who has a target there.
    target_connections: tuple[int, ...]
    warm_up_s: int
    measure_s: int
    # One connection makes few samples, but enough for a median, in a second.
    single_s: int
    batches: tuple[int, ...]

    def loads(self, has_target: bool) -> list[int]:
        """Numbers of connections, the most first: one connection makes a short series, and
        needs the warmest servers.
        """
        more = self.target_connections if has_target else ()
        return sorted({*self.connections, *more}, reverse=True)

    def seconds_at(self, connections: int) -> int:
        return self.single_s if connections == 1 else self.measure_s


FULL = Plan(
    name="full",
    rounds=3,
    connections=(1, 16, 64, 256),
    target_connections=(),
    warm_up_s=6,
    measure_s=3,
    single_s=2,
    batches=(50, 100, 200, 400),
)
QUICK = Plan(
    name="quick",
    rounds=1,
    connections=(64, 256),
    target_connections=(1,),
    warm_up_s=1,
    measure_s=1,
    single_s=1,
    batches=(200,),
)

PLANS = {plan.name: plan for plan in (FULL, QUICK)}
