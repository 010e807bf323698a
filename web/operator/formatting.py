"""Figures, moments and states as the operators' pages write them."""

from collections.abc import Callable
from datetime import UTC, datetime

from core.cluster.status import WELL, ProcessStatus, Status
from core.store.availability import EventAvailability
from core.text.money import as_written
from web.http.i18n import Language

STATES = frozenset(
    {"ready", "running", "starting", "draining", "suspended"}
    | {"backoff", "fatal", "stopped", "dead", "frozen", "unregistered"}
)
LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})


def figure(number: float | None) -> str:
    """The figure, short; a dash for none."""
    if number is None:
        return "–"
    return f"{number:.1f}" if 0 < number < 10 and number % 1 else f"{number:,.0f}"


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def stamp(at: float) -> str:
    """`11-25 03:04:05.678`, UTC."""
    return f"{moment(at):%m-%d %H:%M:%S.%f}"[:-3]


def well(state: str) -> str:
    """The CSS class of a process's state."""
    return "well" if state in WELL else "ill"


def state(say: Callable[[str], str], name: str) -> str:
    """The state in words; one that this web does not know is shown as it is."""
    return say(f"operators.state.{name}") if name in STATES else name


def own(status: Status) -> Callable[[ProcessStatus], bool]:
    """Says whether a process is of this web's instance; others are only shown."""
    instance = status.supervisor.instance if status.supervisor else ""
    return lambda process: process.instance == instance


def level(say: Callable[[str], str], name: str) -> str:
    return say(f"operators.level.{name}") if name in LEVELS else name


def money_of(language: Language, event: EventAvailability | None, units: int) -> str:
    """A sum in the event's currency: none is 0.00, where a price of 0 is free."""
    if event is None:
        return str(units)
    amount = as_written(units, event.currency, event.decimals)
    return language.money_form(event.currency).format(amount=amount)
