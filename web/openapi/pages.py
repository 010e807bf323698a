"""The pages that buyers see, and their forms."""

from core.schema.records import DEFAULT_EVENT
from web.openapi.operation import (
    AMEND,
    ASSETS,
    BUY,
    CALENDAR,
    FORM,
    ORDER_ID,
    PAGE,
    PURCHASE,
    READ,
    Answer,
    Body,
    Operation,
    Parameter,
)
from web.openapi.schema import NAME_SCHEMA


def operations() -> tuple[Operation, ...]:
    """In the order in which people should read them."""
    return (*_sale(), *_order(), *_around())


def _sale() -> tuple[Operation, ...]:
    shown = Parameter(
        "event",
        "query",
        {"type": "string", "pattern": f"^$|{NAME_SCHEMA['pattern']}"},
        "The event's name; without one the default event, or else the first.",
        DEFAULT_EVENT,
    )
    return (
        _page("/", "showSale", "The sale page", ("no-such-event", *READ), parameters=(shown,)),
        Operation(
            "POST",
            "/orders",
            "buyByForm",
            "Pages",
            "Buy tickets by the page's form",
            "What went wrong stands on the page that comes back, its form filled in.",
            body=Body(FORM, "PurchaseForm", {**PURCHASE.example, "key": "my-form-1"}),
            answers=(Answer(303, "Sold: to the ticket's page.", headers=("Location",)),),
            codes=BUY,
        ),
        Operation(
            "POST",
            "/holds",
            "holdByForm",
            "Pages",
            "Keep tickets by the page's form",
            body=Body(FORM, "PurchaseForm", {**PURCHASE.example, "key": "my-form-2"}),
            answers=(Answer(303, "Held: to the order's page.", headers=("Location",)),),
            codes=(*BUY, "too-many-holds"),
        ),
    )


def _order() -> tuple[Operation, ...]:
    change = Parameter(
        "act",
        "path",
        {"type": "string", "enum": ["confirm", "extend", "release", "cancel"]},
        "What is to be done.",
        "extend",
    )
    return (
        Operation(
            "POST",
            "/orders/<order_id>/<act>",
            "changeByForm",
            "Pages",
            "Change an order by its page's form",
            parameters=(ORDER_ID, change),
            body=Body(FORM, "ChangeForm", {"key": "my-form-3"}),
            answers=(Answer(303, "Done: back to the order.", headers=("Location",)),),
            codes=(
                *("not-found", "unsupported-media-type", "hold-expired", "not-held"),
                *("no-more-extensions", "not-valid", "already-checked-in", "not-cancellable"),
                *AMEND,
            ),
        ),
        _page(
            "/orders/<order_id>",
            "showTicket",
            "The ticket's page",
            ("no-such-order", *READ),
            parameters=(ORDER_ID,),
        ),
        Operation(
            "GET",
            "/orders/<order_id>/calendar.ics",
            "getCalendar",
            "Pages",
            "The ticket for a calendar",
            "There is none of an event that has no time.",
            parameters=(ORDER_ID,),
            answers=(Answer(200, "iCalendar.", (CALENDAR,)),),
            codes=("no-such-order", "not-found", *READ),
        ),
    )


def _around() -> tuple[Operation, ...]:
    """What all pages need."""
    return (
        Operation(
            "POST",
            "/language",
            "chooseLanguage",
            "Pages",
            "Choose the pages' language",
            body=Body(FORM, "LanguageForm", {"to": "zh-TW", "back": "/"}),
            answers=(Answer(303, "Back to the page.", headers=("Location", "Set-Cookie")),),
            codes=("not-found", "unsupported-media-type"),
        ),
        Operation(
            "GET",
            "/static/<name>",
            "getAsset",
            "Pages",
            "A style sheet, script or picture",
            parameters=(Parameter("name", "path", {"type": "string"}, "", "style.css"),),
            answers=(Answer(200, "The file.", ASSETS, headers=("Cache-Control",)),),
            codes=("not-found",),
        ),
        _page("/docs", "showDescription", "This description, for people", ()),
    )


def _page(
    path: str,
    name: str,
    summary: str,
    codes: tuple[str, ...],
    parameters: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(
        "GET", path, name, "Pages", summary, parameters=parameters, answers=(PAGE,), codes=codes
    )
