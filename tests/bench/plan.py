"""How long each thing is measured, and at what load."""

from dataclasses import dataclass

WARM_UP_CONNECTIONS = 64


@dataclass(frozen=True)
class Plan:
    """One run; times are in whole seconds, which wrk takes, `batches` are orders a transaction."""

    name: str
    rounds: int
    connections: tuple[int, ...]
    # The load of a target, which is measured as well.
    target_connections: tuple[int, ...]
    warm_up_s: int
    measure_s: int
    # One connection makes few samples in a second, but enough for a median.
    single_s: int
    batches: tuple[int, ...]

    def loads(self, has_target: bool) -> list[int]:
        """Returns numbers of connections, the largest first.

        One connection makes a short series, and needs the warmest servers.
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
