"""The actions of operators' buttons, each after a question that says what will happen."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from core.cluster.status import Status
from core.errors import BadRequest
from core.events.terms import Terms
from core.settings import MOST_WORKERS
from core.store.availability import EventAvailability
from web.auth.roles import Area
from web.operator import formatting
from web.operator.fields import EVENTS, Fields, event_page, whole_number
from web.operator_actions import Operations

# Gives the text of a key, with these values in it.
Say: TypeAlias = Callable[..., str]

HOME = "/operator"
ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Confirmation:
    """A question before an action. `fields` are sent with the answer yes."""

    title: str
    effects: tuple[str, ...]
    yes: str
    fields: Fields = field(default_factory=dict)


class OperatorAction(msgspec.Struct, frozen=True):
    """`ask` makes the question, or raises `BadRequest`; `do` acts."""

    name: str
    ask: Callable[[Say, Status, Fields], Confirmation]
    do: Callable[[Operations, Fields], Awaitable[None]]
    area: Area = Area.EVENTS
    is_of_event: bool = False
    done_at: str = HOME

    def home(self, fields: Fields) -> str:
        """The address of the page that then says that it is done."""
        return event_page(fields.get("event", "")) if self.is_of_event else self.done_at


def operator_actions() -> tuple[OperatorAction, ...]:
    """All actions; the last part of their address is their name."""
    return (
        OperatorAction("restart", _ask_restart, _restart, Area.MACHINE),
        OperatorAction("scale", _ask_scale, _scale, Area.MACHINE),
        OperatorAction("open", _ask_open, _open, is_of_event=True),
        OperatorAction("close", _ask_close, _close, is_of_event=True),
        OperatorAction("publish", _ask_publish, _publish, is_of_event=True),
        OperatorAction("hide", _ask_hide, _hide, is_of_event=True),
        OperatorAction("delete", _ask_delete, _delete, done_at=EVENTS),
    )


# --- restart -------------------------------------------------------------------------


def _ask_restart(say: Say, status: Status, fields: Fields) -> Confirmation:
    name, own = fields.get("name", ""), formatting.own(status)
    if not name:
        return _restart_all(say, count=sum(map(own, status.workers)))
    web = {each.name for each in status.web if own(each)}
    if name not in web and name not in {each.name for each in status.workers if own(each)}:
        raise BadRequest("invalid", "operators.no-process", "name")
    effects = (say("operators.restart.web"), say("operators.restart.kept"))
    if name not in web:
        effects = (say("operators.restart.drains"), say("operators.restart.others"))
    return Confirmation(
        title=say("operators.restart.title", name=name),
        effects=effects,
        yes=say("operators.restart.yes", name=name),
        fields={"name": name},
    )


def _restart_all(say: Say, count: int) -> Confirmation:
    return Confirmation(
        title=say("operators.restart-all.title", count=count),
        effects=(say("operators.restart-all.turns"), say("operators.restart.drains")),
        yes=say("operators.restart-all.yes"),
        fields={"name": ""},
    )


async def _restart(operations: Operations, fields: Fields) -> None:
    await operations.restart(_id(fields), fields.get("name", ""))


# --- scale ---------------------------------------------------------------------------


def _ask_scale(say: Say, status: Status, fields: Fields) -> Confirmation:
    wanted = _number(fields, "workers", 1, MOST_WORKERS)
    now = sum(map(formatting.own(status), status.workers))
    if wanted >= now:
        effect = say("operators.scale.more", count=wanted - now)
    else:
        effect = say("operators.scale.fewer", count=now - wanted)
    return Confirmation(
        title=say("operators.scale.title", count=wanted, now=now),
        effects=(effect, say("operators.scale.stays")),
        yes=say("operators.scale.yes", count=wanted),
        fields={"workers": str(wanted)},
    )


async def _scale(operations: Operations, fields: Fields) -> None:
    await operations.scale(_id(fields), _number(fields, "workers", 1, MOST_WORKERS))


# --- open and close ------------------------------------------------------------------


def _ask_open(say: Say, status: Status, fields: Fields) -> Confirmation:
    event = _event(status, fields)
    return Confirmation(
        title=say("operators.open.title", event=event.title),
        effects=(say("operators.open.now"),),
        yes=say("operators.open.yes"),
        fields={"event": event.name},
    )


def _ask_close(say: Say, status: Status, fields: Fields) -> Confirmation:
    event = _event(status, fields)
    left = sum(each.remaining for each in event.types)
    return Confirmation(
        title=say("operators.close.title", event=event.title),
        effects=(say("operators.close.now", count=left), say("operators.close.held")),
        yes=say("operators.close.yes"),
        fields={"event": event.name},
    )


async def _open(operations: Operations, fields: Fields) -> None:
    await operations.open_sale(fields.get("event", ""))


async def _close(operations: Operations, fields: Fields) -> None:
    await operations.close_sale(fields.get("event", ""))


# --- publish, hide, delete -----------------------------------------------------------


def _ask_publish(say: Say, status: Status, fields: Fields) -> Confirmation:
    return _ask_shown(say, _event(status, fields), "publish", "seen")


def _ask_hide(say: Say, status: Status, fields: Fields) -> Confirmation:
    return _ask_shown(say, _event(status, fields), "hide", "unseen")


def _ask_shown(say: Say, event: EventAvailability, act: str, effect: str) -> Confirmation:
    return Confirmation(
        title=say(f"operators.{act}.title", event=event.title),
        effects=(say(f"operators.{act}.{effect}"),),
        yes=say(f"operators.{act}.yes"),
        fields={"event": event.name},
    )


def _ask_delete(say: Say, status: Status, fields: Fields) -> Confirmation:
    event = _event(status, fields)
    if not event.hidden:
        raise BadRequest("refused", "operators.delete.published")
    return Confirmation(
        title=say("operators.delete.title", event=event.title),
        effects=(
            say("operators.delete.sold", count=sum(each.sold for each in event.types)),
            say("operators.delete.for-good"),
        ),
        yes=say("operators.delete.yes"),
        fields={"event": event.name},
    )


async def _publish(operations: Operations, fields: Fields) -> None:
    await operations.edit(fields.get("event", ""), Terms(hidden=False))


async def _hide(operations: Operations, fields: Fields) -> None:
    await operations.edit(fields.get("event", ""), Terms(hidden=True))


async def _delete(operations: Operations, fields: Fields) -> None:
    await operations.delete(fields.get("event", ""))


# --- fields --------------------------------------------------------------------------


def _event(status: Status, fields: Fields) -> EventAvailability:
    for event in status.events:
        if event.name == fields.get("event"):
            return event
    raise BadRequest("invalid", "problem.no-such-event", "event")


def _number(fields: Fields, name: str, least: int, most: int) -> int:
    return whole_number(fields.get(name, "").strip(), least, most, name)


def _id(fields: Fields) -> str:
    """The request's id, which was made with its question."""
    if not ID.fullmatch(fields.get("id", "")):
        raise BadRequest("form-expired", "problem.form-expired")
    return fields["id"]
