"""The pages that operators see, behind a session, and their forms."""

from core.eventlog.query import UNITS_S
from web.openapi.operation import (
    AMEND,
    EVENT,
    FORM,
    HTML,
    OPERATOR,
    OPERATOR_SESSION,
    ORDER_ID,
    PAGE,
    Answer,
    Body,
    Operation,
    Parameter,
)
from web.openapi.schema import ACT_FIELDS, Schema
from web.operator.actions import acts
from web.operator.log_search import LEVELS

# None, or as many of these units.
DURATION = rf"^$|^[0-9]{{1,9}}[{''.join(UNITS_S)}]$"

# The answer yes to an operators' question, as it stands in the page's form.
YES = {"csrf": "{csrf}", "id": "0123456789abcdef"}
EVENT_FORM = Body(FORM, "EventForm", {"csrf": "{csrf}", "zone": "UTC", "name": "gala"})
SIGN_IN = Answer(303, "Who has no session is sent to sign in.", headers=("Location",))
DONE = Answer(303, "Done, or to sign in.", headers=("Location",))
TEXT: Schema = {"type": "string"}
DONE_NOW = Parameter("done", "query", TEXT, "The act that was done just now.")


def operations() -> tuple[Operation, ...]:
    """In the order in which people should read them."""
    return (*_sessions(), *_overview(), *_acts(), *_events(), *_orders(), *_doors())


def _sessions() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            "/operator/sign-in",
            "showSignIn",
            "Operators' pages",
            "The way in",
            parameters=(
                Parameter("left", "query", TEXT, "`here`: signed out just now, here only so far."),
            ),
            answers=(PAGE,),
        ),
        Operation(
            "POST",
            "/operator/sign-in",
            "signIn",
            "Operators' pages",
            "Begin a session",
            body=Body(FORM, "SignInForm", {"token": "{token}"}),
            answers=(Answer(303, "Signed in.", headers=("Location", "Set-Cookie")),),
            codes=(*OPERATOR, "unsupported-media-type"),
        ),
        Operation(
            "POST",
            "/operator/sign-out",
            "signOut",
            "Operators' pages",
            "End the session",
            body=Body(FORM, "SignOutForm", {"csrf": "{csrf}"}),
            answers=(Answer(303, "Signed out.", headers=("Location", "Set-Cookie")),),
            codes=("form-expired", "unsupported-media-type"),
            keys=({}, OPERATOR_SESSION),
        ),
    )


def _overview() -> tuple[Operation, ...]:
    minutes = Parameter("minutes", "query", TEXT, "How far back: 5, 15 or 30.")
    log = (
        Parameter("level", "query", {"type": "string", "enum": ["", *LEVELS]}, "And worse ones."),
        Parameter("source", "query", TEXT, "A process."),
        Parameter("since", "query", {"type": "string", "pattern": DURATION}, "As `10m`."),
        Parameter("text", "query", TEXT, "What stands in the entry."),
        Parameter("order", "query", TEXT, "What the entry is about."),
    )
    return (
        _board("/operator", "showBoard", "How everything is, live", (), (minutes, DONE_NOW)),
        Operation(
            "GET",
            "/operator/live",
            "showFigures",
            "Operators' pages",
            "The part of the board that changes",
            parameters=(minutes,),
            answers=(PAGE,),
            codes=("unauthorized",),
            keys=(OPERATOR_SESSION,),
        ),
        _board("/operator/log", "showLog", "The log", ("invalid", "refused"), log),
    )


def _acts() -> tuple[Operation, ...]:
    act = Parameter(
        "name", "path", {"type": "string", "enum": list(acts())}, "What is to be done.", "restart"
    )
    asked = tuple(
        Parameter(name, "query", schema, schema["description"])
        for name, schema in ACT_FIELDS.items()
    )
    return (
        _board(
            "/operator/act/<name>",
            "askAct",
            "What an act would do",
            ("not-found", "invalid", "refused"),
            (act, *asked),
        ),
        _posted(
            "/operator/act/<name>",
            "doAct",
            "Do it",
            Body(FORM, "ActForm", {**YES, "name": "worker-1"}),
            ("not-found", "invalid", "refused"),
            (act,),
        ),
    )


def _events() -> tuple[Operation, ...]:
    zone = Parameter("zone", "query", TEXT, "By whose clock times are written.")
    return (
        _board("/operator/events", "listEvents", "The events", ("refused",), ()),
        _board(
            "/operator/events/<name>",
            "showEvent",
            "An event",
            ("no-such-event", "refused"),
            (EVENT, DONE_NOW),
        ),
        _board(
            "/operator/new-event", "askEvent", "The form for a new event", ("refused",), (zone,)
        ),
        _posted(
            "/operator/new-event",
            "createEvent",
            "Make it, or have a file fill in the form",
            EVENT_FORM,
            ("invalid", "refused"),
            answers=(PAGE, DONE),
        ),
        _board(
            "/operator/events/<name>/edit",
            "askEdit",
            "The form of an event",
            ("no-such-event", "refused"),
            (EVENT, zone),
        ),
        _posted(
            "/operator/events/<name>/edit",
            "editEvent",
            "Change it",
            EVENT_FORM,
            ("no-such-event", "invalid", "refused"),
            (EVENT,),
        ),
    )


def _orders() -> tuple[Operation, ...]:
    find = Parameter("find", "query", TEXT, "A buyer's name, or an order's id.")
    return (
        _board("/operator/orders", "findOrders", "Orders of a buyer", ("refused",), (find,)),
        _board(
            "/operator/orders/<order_id>",
            "explainOrder",
            "An order's life",
            ("no-such-order", "refused"),
            (ORDER_ID, DONE_NOW),
        ),
        _board(
            "/operator/orders/<order_id>/cancel",
            "askCancel",
            "What cancelling would do",
            ("no-such-order", "refused"),
            (ORDER_ID,),
        ),
        _posted(
            "/operator/orders/<order_id>/cancel",
            "doCancel",
            "Cancel it",
            Body(FORM, "YesForm", YES),
            ("refused", "not-valid", "already-checked-in", *AMEND),
            (ORDER_ID,),
        ),
    )


def _doors() -> tuple[Operation, ...]:
    return (
        _board("/operator/check-in", "showDoor", "The page at the doors", ("refused",), ()),
        _posted(
            "/operator/check-in",
            "scan",
            "Let the holder of a ticket in",
            Body(FORM, "ScanForm", {"csrf": "{csrf}", "scan": "1", "order": "{order}"}),
            ("invalid", "refused"),
            answers=(
                Answer(200, "Let in.", (HTML,)),
                SIGN_IN,
                Answer(404, "There is no such order.", (HTML,)),
                Answer(409, "It lets nobody in, or has done so.", (HTML,)),
                Answer(500, "The ticket's record can't be read.", (HTML,)),
                Answer(503, "Nobody knows yet: send the same scan again.", (HTML,)),
            ),
        ),
    )


def _posted(
    path: str,
    name: str,
    summary: str,
    body: Body,
    codes: tuple[str, ...],
    parameters: tuple[Parameter, ...] = (),
    answers: tuple[Answer, ...] = (DONE,),
) -> Operation:
    return Operation(
        "POST",
        path,
        name,
        "Operators' pages",
        summary,
        parameters=parameters,
        body=body,
        answers=answers,
        codes=("form-expired", "unsupported-media-type", *codes),
        keys=(OPERATOR_SESSION,),
    )


def _board(
    path: str, name: str, summary: str, codes: tuple[str, ...], parameters: tuple[Parameter, ...]
) -> Operation:
    return Operation(
        "GET",
        path,
        name,
        "Operators' pages",
        summary,
        parameters=parameters,
        answers=(PAGE, SIGN_IN),
        codes=codes,
        keys=(OPERATOR_SESSION,),
    )
