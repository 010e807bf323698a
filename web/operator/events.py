"""The operators' pages of events: what `event list|show|create|edit` do, in a browser."""

import re
from collections.abc import Mapping
from zoneinfo import available_timezones

import bottle
import msgspec

from core.errors import BadRequest, EventExists, NoSuchEvent, WrongUsage
from core.events import event_manager
from core.events.terms import Terms
from core.events.terms_file import from_toml
from core.schema.records import Event, TicketType, copied
from core.schema.sale_window import sale_phase
from core.store.availability import EventAvailability
from core.text.timezones import UTC_NAME, zone_of
from web.auth.roles import Area
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
from web.operator_actions import Operations
from web.pages.rendering import PageRenderer
from web.pages.sale_view import sale_view
from web.reads.catalog import Snapshot

NEW = "/operator/new-event"
MORE_ROWS = 3
# How many names are made from a title before an operator has to choose one.
MOST_NAMES = 20
FORM_ADDRESS = re.compile(rf"{NEW}|{EVENTS}/[^/]+/edit")


class EventPages(OperatorPages):
    """Events are listed, shown, made, changed."""

    def __init__(self, context: Context, renderer: OperatorRenderer, buyers: PageRenderer) -> None:
        super().__init__(context, renderer)
        self._buyers = buyers
        # The zones to choose from; a system without any has UTC.
        self._zones = sorted(zone for zone in available_timezones() if "/" in zone)

    def mount(self, app: bottle.Bottle) -> None:
        page, form = self._renderer.for_operators, self._renderer.for_forms
        app.route(EVENTS, "GET", page(Area.EVENTS, self.get_events))
        app.route(NEW, "GET", page(Area.EVENTS, self.get_new))
        app.route(NEW, "POST", form(Area.EVENTS, self.post_new, MOST_FIELDS))
        app.route(f"{EVENTS}/<name>", "GET", page(Area.EVENTS, self.get_event))
        app.route(f"{EVENTS}/<name>/preview", "GET", page(Area.EVENTS, self.get_preview))
        app.route(f"{EVENTS}/<name>/edit", "GET", page(Area.EVENTS, self.get_edit))
        app.route(f"{EVENTS}/<name>/edit", "POST", form(Area.EVENTS, self.post_edit, MOST_FIELDS))

    # --- looking ---------------------------------------------------------------------

    async def get_events(self, visit: OperatorVisit) -> Outcome:
        found, now = await self._context.operations.events(), self._context.clock.now()
        sales = {event.name: _sale(event, now) for event in found.events}
        return self._renderer.page(visit, "events", found=found, sales=sales)

    async def get_event(self, visit: OperatorVisit, name: str) -> Outcome:
        event = await self._context.operations.event(name)
        sale, done = _sale(event, self._context.clock.now()), visit.request.query_field("done")
        return self._renderer.page(visit, "event", event=event, sale=sale, done=done)

    async def get_preview(self, visit: OperatorVisit, name: str) -> Outcome:
        """The sale's page as buyers will see it, of a draft as well."""
        event = await self._context.operations.event(name)
        now, buyers = self._context.clock.now(), self._buyers.visit(visit.request)
        snapshot = Snapshot((event,), as_of=now, stale=False)
        shown = sale_view(buyers.language, event, snapshot, now, {})
        return self._buyers.page(buyers, "sale", None, page=shown, preview=True)

    # --- making ----------------------------------------------------------------------

    async def get_new(self, visit: OperatorVisit) -> Outcome:
        zone, guess = _zone(visit.request)
        form = EventForm(event_form.blank(zone), event_form.blank())
        return self._form(visit, NEW, form, guess=guess)

    async def post_new(self, visit: OperatorVisit, fields: Fields) -> Outcome:
        if visit.spoken:
            return self._form(visit, NEW, _typed(fields))
        match fields.get("do", ""):
            case "rows":
                return self._form(visit, NEW, _typed(fields, more=MORE_ROWS))
            case "file":
                return self._form(visit, NEW, _filled(fields))
        reading = FormReader(fields)
        name = event_form.name_in(fields, reading)
        terms = event_form.terms_in(fields, event_form.was_in(fields), reading)
        types = event_form.types_in(fields, reading)
        now, blank = self._context.clock.now(), event_manager.blank(name or "new", terms)
        if faults := event_form.all_faults(blank, terms, reading, now):
            return self._form(visit, NEW, _typed(fields, faults))
        draft = msgspec.structs.replace(terms, hidden=fields.get("publish") != "on")
        try:
            acting = self._context.operations.acting(visit.access.name)
            made = await self._create(acting, name, fields["title"], draft, types)
        except EventExists:
            return self._form(visit, NEW, _typed(fields, {"name": wrong("taken")}))
        except WrongUsage as error:
            return self._form(visit, NEW, _typed(fields, faults_of(error)))
        return self._done(made, "create", fields)

    async def _create(
        self,
        operations: Operations,
        name: str,
        title: str,
        terms: Terms,
        types: Mapping[str, TicketType],
    ) -> str:
        """Makes the event, under a name made from its title where it has none; returns the name."""
        taken: set[str] = set()
        for _ in range(MOST_NAMES):
            chosen = name or event_form.made_name(title, "event", taken)
            try:
                await operations.create(chosen, terms, types)
                return chosen
            except EventExists:
                if name:
                    raise
                taken.add(chosen)
        raise EventExists(chosen)

    # --- changing --------------------------------------------------------------------

    async def get_edit(self, visit: OperatorVisit, name: str) -> Outcome:
        fields = event_form.from_event(await self._context.operations.event(name))
        return self._form(visit, f"{event_page(name)}/edit", EventForm(fields, fields))

    async def post_edit(self, visit: OperatorVisit, fields: Fields, name: str) -> Outcome:
        reading, address = FormReader(fields), f"{event_page(name)}/edit"
        terms = event_form.terms_in(fields, event_form.was_in(fields), reading)
        if visit.spoken:
            return self._form(visit, address, _typed(fields))
        if reading.faults:
            faults = await self._faults(name, terms, reading)
            return self._form(visit, address, _typed(fields, faults))
        try:
            await self._context.operations.acting(visit.access.name).edit(name, terms)
        except WrongUsage as error:
            return self._form(visit, address, _typed(fields, faults_of(error)))
        return self._done(name, "edit", fields)

    async def _faults(self, name: str, terms: Terms, reading: FormReader) -> Faults:
        try:
            before = await self._context.operations.event(name)
        except NoSuchEvent:
            return reading.faults
        event = copied(Event, before, generation="")
        return event_form.all_faults(event, terms, reading, self._context.clock.now())

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
            keeps=("event-form", address),
        )

    def _done(self, name: str, what: str, fields: Fields) -> Outcome:
        zone = keep("zone", fields["timezone"].strip())
        return see_other(f"{event_page(name)}?done={what}", zone)


def _sale(event: EventAvailability, now: float) -> str:
    return "draft" if event.hidden else sale_phase(event, now)


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
