"""The operators' pages of one type of tickets: what `event edit` does with types, in a browser."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import bottle

from core.errors import BadRequest, NoSuchType, WrongUsage, ZkticketError
from core.events.terms import TypeTerms
from core.events.terms_file import TypeSaid
from core.store.availability import EventAvailability, TypeAvailability
from core.text.money import amount
from web.auth.roles import Area
from web.http.problems import problem
from web.http.replies import see_other
from web.http.routing import Outcome
from web.operator import event_form
from web.operator.event_form import LABELS, EventForm, FormReader, was_in
from web.operator.fields import EVENTS, Fields, event_page, whole_number
from web.operator.rendering import OperatorPages, OperatorVisit

NEW_TYPE = "new-type"


class TypePages(OperatorPages):
    """A type is added, changed, and removed where nobody ever bought it."""

    def mount(self, app: bottle.Bottle) -> None:
        page, form = self._renderer.for_operators, self._renderer.for_forms
        app.route(f"{EVENTS}/<name>/{NEW_TYPE}", "GET", page(Area.EVENTS, self.get_new))
        app.route(f"{EVENTS}/<name>/{NEW_TYPE}", "POST", form(Area.EVENTS, self.post_new))
        app.route(f"{EVENTS}/<name>/types/<type_>", "GET", page(Area.EVENTS, self.get_type))
        app.route(f"{EVENTS}/<name>/types/<type_>", "POST", form(Area.EVENTS, self.post_type))

    async def get_new(self, visit: OperatorVisit, name: str) -> Outcome:
        event = await self._context.operations.event(name)
        fields = _blank()
        return self._form(visit, event, None, EventForm(fields, fields))

    async def post_new(self, visit: OperatorVisit, fields: Fields, name: str) -> Outcome:
        event = await self._context.operations.event(name)
        reading = FormReader(fields)
        known = {each.name for each in event.types}
        made = event_form.made_name(fields.get("label", ""), "type", known)
        type_ = reading.take("type", partial(event_form.new_name, made=made, known=known))
        said = TypeSaid(where="", **_said(fields, _blank(), event, reading, whole=True))
        return await self._change(visit, event, None, fields, reading, added={type_ or "": said})

    async def get_type(self, visit: OperatorVisit, name: str, type_: str) -> Outcome:
        event = await self._context.operations.event(name)
        shown = _type(event, type_)
        if shown is None:
            return problem("no-such-type")
        fields = _fields(shown, event.decimals)
        return self._form(visit, event, shown, EventForm(fields, fields))

    async def post_type(
        self, visit: OperatorVisit, fields: Fields, name: str, type_: str
    ) -> Outcome:
        event = await self._context.operations.event(name)
        shown = _type(event, type_)
        if shown is None:
            return problem("no-such-type")
        reading = FormReader(fields)
        if fields.get("do") == "remove":
            return await self._change(visit, event, shown, fields, reading, removed=(type_,))
        terms = TypeTerms(**_said(fields, was_in(fields), event, reading))
        return await self._change(visit, event, shown, fields, reading, types={type_: terms})

    async def _change(
        self,
        visit: OperatorVisit,
        event: EventAvailability,
        shown: TypeAvailability | None,
        fields: Fields,
        reading: FormReader,
        *,
        types: Mapping[str, TypeTerms] | None = None,
        added: Mapping[str, TypeSaid] | None = None,
        removed: tuple[str, ...] = (),
    ) -> Outcome:
        form = EventForm(fields, was_in(fields), faults=reading.faults)
        if reading.faults or visit.spoken:
            return self._form(visit, event, shown, form)
        try:
            await self._context.operations.acting(visit.access.name).edit_types(
                event.name, types=types, added=added, removed=removed
            )
        except NoSuchType:
            return problem("no-such-type")
        except (WrongUsage, ZkticketError) as error:
            told = {"": BadRequest("invalid", "detail.as-told", told=str(error))}
            form = EventForm(fields, was_in(fields), faults=told)
            return self._form(visit, event, shown, form)
        return see_other(f"{event_page(event.name)}?done=edit")

    def _form(
        self,
        visit: OperatorVisit,
        event: EventAvailability,
        shown: TypeAvailability | None,
        form: EventForm,
    ) -> Outcome:
        end = NEW_TYPE if shown is None else f"types/{shown.name}"
        address = f"{event_page(event.name)}/{end}"
        return self._renderer.page(
            visit,
            "type-form",
            code=422 if form.faults else 200,
            event=event,
            type=shown,
            form=form,
            action=address,
            keeps=("type-form", address),
        )


def _type(event: EventAvailability, name: str) -> TypeAvailability | None:
    return next((each for each in event.types if each.name == name), None)


def _blank() -> dict[str, str]:
    return dict.fromkeys(("type", "label", "capacity", "price", "colour", *LABELS), "")


def _fields(type_: TypeAvailability, decimals: int) -> dict[str, str]:
    labels = {name: type_.labels.get(tag, "") for name, tag in LABELS.items()}
    return {
        **labels,
        "label": type_.label,
        "capacity": str(type_.capacity),
        "price": amount(type_.price, decimals).replace(",", ""),
        "colour": type_.colour,
    }


def _said(
    fields: Fields,
    was: Fields,
    event: EventAvailability,
    reading: FormReader,
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """What was changed, or all of it where it is `whole`; what can't be read is left out."""
    readers = {
        "label": event_form.label_of,
        "capacity": lambda text: whole_number(text, 0, event_form.MOST_CAPACITY),
        "price": lambda text: event_form.price_of(text, event.currency, event.decimals),
        "colour": event_form.colour_of,
    }
    said: dict[str, Any] = {}
    for name, read in readers.items():
        if whole or fields.get(name, "") != was.get(name, ""):
            value = reading.take(name, read)
            said |= {} if value is None else {name: value}
    changed = {name for name in LABELS if fields.get(name, "") != was.get(name, "")}
    labels = {LABELS[name]: reading.take(name, event_form.label_of) or "" for name in changed}
    if whole:
        said.setdefault("capacity", 0)
    return said | ({"labels": labels} if labels else {})
