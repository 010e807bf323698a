"""The operators' pages of events: what `event list|show|create|edit` do, in a browser."""

import re
from zoneinfo import available_timezones

import bottle

from core.errors import BadRequest, EventExists, WrongUsage
from core.events.terms_file import from_toml
from core.schema.sale_window import sale_phase
from core.text.timezones import UTC_NAME, zone_of
from web.handler_context import Context
from web.http.replies import see_other
from web.http.request import Request
from web.http.routing import Outcome
from web.operator import event_form
from web.operator.event_form import (
    MOST_FIELDS,
    EventForm,
    Faults,
    FormReader,
    faults_of,
    wrong,
)
from web.operator.fields import EVENTS, Fields, event_page, keep, kept
from web.operator.rendering import OperatorPages, OperatorRenderer, OperatorVisit

NEW = "/operator/new-event"
MORE_ROWS = 3
FORM_ADDRESS = re.compile(rf"{NEW}|{EVENTS}/[^/]+/edit")


class EventPages(OperatorPages):
    """Events are listed, shown, made, changed."""

    def __init__(self, context: Context, renderer: OperatorRenderer) -> None:
        super().__init__(context, renderer)
        # The zones to choose from; a system without any has UTC.
        self._zones = sorted(zone for zone in available_timezones() if "/" in zone)

    def mount(self, app: bottle.Bottle) -> None:
        page, form = self._renderer.for_operators, self._renderer.for_forms
        app.route(EVENTS, "GET", page(self.get_events))
        app.route(NEW, "GET", page(self.get_new))
        app.route(NEW, "POST", form(self.post_new, MOST_FIELDS))
        app.route(f"{EVENTS}/<name>", "GET", page(self.get_event))
        app.route(f"{EVENTS}/<name>/edit", "GET", page(self.get_edit))
        app.route(f"{EVENTS}/<name>/edit", "POST", form(self.post_edit, MOST_FIELDS))

    # --- looking ---------------------------------------------------------------------

    async def get_events(self, visit: OperatorVisit) -> Outcome:
        found, now = await self._context.operations.events(), self._context.clock.now()
        sales = {event.name: sale_phase(event, now) for event in found.events}
        return self._renderer.page(visit, "events", found=found, sales=sales)

    async def get_event(self, visit: OperatorVisit, name: str) -> Outcome:
        event = await self._context.operations.event(name)
        sale, done = sale_phase(event, self._context.clock.now()), visit.request.query_field("done")
        return self._renderer.page(visit, "event", event=event, sale=sale, done=done)

    # --- making ----------------------------------------------------------------------

    async def get_new(self, visit: OperatorVisit) -> Outcome:
        zone, guess = _zone(visit.request)
        form = EventForm(event_form.blank(zone), event_form.blank())
        return self._form(visit, NEW, form, guess=guess)

    async def post_new(self, visit: OperatorVisit, fields: Fields) -> Outcome:
        match fields.get("do", ""):
            case "rows":
                return self._form(visit, NEW, _typed(fields, more=MORE_ROWS))
            case "file":
                return self._form(visit, NEW, _filled(fields))
        reading = FormReader(fields)
        name = event_form.name_in(reading)
        terms = event_form.terms_in(fields, event_form.was_in(fields), reading)
        types = event_form.types_in(fields, reading)
        if reading.faults:
            return self._form(visit, NEW, _typed(fields, reading.faults))
        try:
            await self._context.operations.create(name, terms, types)
        except EventExists:
            return self._form(visit, NEW, _typed(fields, {"name": wrong("taken")}))
        except WrongUsage as error:
            return self._form(visit, NEW, _typed(fields, faults_of(error)))
        return self._done(name, "create", fields)

    # --- changing --------------------------------------------------------------------

    async def get_edit(self, visit: OperatorVisit, name: str) -> Outcome:
        fields = event_form.from_event(await self._context.operations.event(name))
        return self._form(visit, f"{event_page(name)}/edit", EventForm(fields, fields))

    async def post_edit(self, visit: OperatorVisit, fields: Fields, name: str) -> Outcome:
        reading, address = FormReader(fields), f"{event_page(name)}/edit"
        terms = event_form.terms_in(fields, event_form.was_in(fields), reading)
        if reading.faults:
            return self._form(visit, address, _typed(fields, reading.faults))
        try:
            await self._context.operations.edit(name, terms)
        except WrongUsage as error:
            return self._form(visit, address, _typed(fields, faults_of(error)))
        return self._done(name, "edit", fields)

    # --- both ------------------------------------------------------------------------

    def _form(
        self, visit: OperatorVisit, address: str, form: EventForm, *, guess: bool = False
    ) -> Outcome:
        return self._renderer.page(
            visit,
            "event-form",
            code=422 if form.faults else 200,
            form=form,
            guess=guess,
            action=address,
            new=address == NEW,
            zones=self._zones,
        )

    def _done(self, name: str, what: str, fields: Fields) -> Outcome:
        zone = keep("zone", fields["timezone"].strip())
        return see_other(f"{event_page(name)}?done={what}", zone)


def _zone(request: Request) -> tuple[str, bool]:
    """The zone of a new event, and whether it is only a guess.

    It is the one in the address, or the one that this device remembers, or else UTC; for a guess,
    the page's script asks again with the reader's own.
    """
    for name in (request.query_field("zone"), kept(request, "zone")):
        if name and zone_of(name):
            return name, False
    return UTC_NAME, True


def _typed(fields: Fields, faults: Faults | None = None, more: int = 0) -> EventForm:
    """The form as it was typed."""
    rows = min(event_form.MOST_ROWS, event_form.rows_in(fields) + more)
    return EventForm(fields, event_form.was_in(fields), rows, faults or {})


def _filled(fields: Fields) -> EventForm:
    """The form as a file fills it in; as it was typed, with the fault, if the file is wrong."""
    zone = fields.get("timezone", "")
    if not zone_of(zone):
        zone = UTC_NAME
    try:
        filled, rows = event_form.from_file(
            *from_toml(fields.get("file", ""), event_form.MOST_FILE), zone
        )
    except WrongUsage as error:
        told = BadRequest("invalid", "detail.as-told", told=str(error))
        return _typed(fields, {"file": told})
    if rows > event_form.MOST_ROWS:
        return _typed(fields, {"file": wrong("rows")})
    return EventForm(filled, event_form.blank(), rows)
