"""Problems (RFC 9457): a stable code, and what went wrong in the client's language."""

import random
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from core.errors import BadRequest, BadZnode, NoSuchOrder, Unavailable, ZkticketError
from core.schema.json_types import Natural, described
from core.schema.records import OrderView
from core.transport.link import Answer, Code
from web.http.i18n import Language
from web.http.replies import NO_STORE, Reply, content

RETRY_S = (1, 5)

_CODES = {
    400: ("malformed",),
    401: ("bad-signature", "unauthorized"),
    402: ("payment-required",),
    403: ("cross-site", "forbidden", "form-expired"),
    404: ("not-found", "no-such-event", "no-such-type", "no-such-order"),
    405: ("method-not-allowed",),
    408: ("too-slow",),
    409: (
        *("admission-undone", "already-admitted", "already-checked-in"),
        *("ambiguous-number", "hold-expired"),
        *("limit-reached", "no-more-extensions", "not-cancellable", "not-held", "not-on-sale"),
        *("not-valid", "paid-already", "payment-used", "price-changed", "refused", "sold-out"),
        *("undo-too-late", "wrong-amount", "wrong-event", "wrong-type"),
    ),
    413: ("too-large",),
    414: ("target-too-long",),
    415: ("unsupported-media-type",),
    422: ("invalid", "key-reused"),
    429: ("too-many-attempts", "too-many-holds"),
    431: ("headers-too-large",),
    500: ("damaged", "internal"),
    503: ("halted", "no-quorum", "no-worker", "outcome-unknown", "overloaded"),
}
STATUS = {code: status for status, codes in _CODES.items() for code in codes}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem in no language yet: `values` fill the text named `text`. `retry_after` is in s."""

    code: str
    status: int
    text: str
    values: Mapping[str, str | int]
    field: str | UnsetType = UNSET
    remaining: int | UnsetType = UNSET
    allowance: int | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET
    order: OrderView | UnsetType = UNSET

    def detail(self, language: Language) -> str:
        return language.say(self.text, **self.values)


class ProblemJson(msgspec.Struct, frozen=True, kw_only=True):
    """A problem's members; `retry_after` is also sent as a header."""

    type: str = "about:blank"
    title: Annotated[str, described("The status in words.")]
    status: int
    detail: Annotated[str, described("What went wrong, in the language of `Content-Language`.")]
    code: Annotated[
        str, described("What went wrong, for programs. A code never changes its meaning.")
    ]
    field: Annotated[str | UnsetType, described("The field or header at fault.")] = UNSET
    remaining: Annotated[Natural | UnsetType, described("How many tickets are left.")] = UNSET
    allowance: Annotated[
        Natural | UnsetType, described("How many tickets this buyer may still have.")
    ] = UNSET
    retry_after: Annotated[
        int | UnsetType, described("In seconds, as the header `Retry-After`.", minimum=1)
    ] = UNSET
    order: Annotated[OrderView | UnsetType, described("The order as it is, unchanged.")] = UNSET


def problem(
    code: str,
    text: str = "",
    *,
    field: str | None = None,
    remaining: int | None = None,
    rng: random.Random | None = None,
    **values: str | int,
) -> Problem:
    """The problem of that code; `text` names a text that says more than the code's own.

    With `rng` it says when to come back, at random: clients should not all come at once.
    """
    return Problem(
        code=code,
        status=STATUS[code],
        text=text or f"problem.{code}",
        values=values,
        field=UNSET if field is None else field,
        remaining=UNSET if remaining is None else remaining,
        retry_after=UNSET if rng is None else rng.randint(*RETRY_S),
    )


def from_bad_request(error: BadRequest) -> Problem:
    found = problem(error.code, error.text, field=error.field)
    return msgspec.structs.replace(found, values=error.values)


def from_read_error(error: ZkticketError, rng: random.Random) -> Problem:
    """The problem for an error while reading ZooKeeper."""
    match error:
        case BadRequest():
            return from_bad_request(error)
        case NoSuchOrder():
            return problem("no-such-order")
        case Unavailable():
            return problem("no-quorum", "detail.no-lookup", rng=rng)
        case BadZnode():
            return problem("damaged")
    raise error


def from_answer(answer: Answer, label: str, quantity: int, rng: random.Random) -> Problem:
    """The problem for a purchase that made no order; `label` is its type's."""
    match answer.code:
        case Code.SOLD_OUT:
            left = answer.remaining or 0
            found = problem("sold-out", "detail.only" if left else "", remaining=left)
            values = {"type": label, "count": left, "wanted": quantity}
            return msgspec.structs.replace(found, values=values)
        case Code.OVERLOADED | Code.NO_QUORUM | Code.NO_WORKER | Code.HALTED | Code.OUTCOME_UNKNOWN:
            return problem(answer.code, rng=rng)
        case Code.DRAINING:
            return problem("no-worker", rng=rng)
        case Code.LIMIT_REACHED:
            return _over_limit(answer.allowance)
        case Code.KEY_REUSED:
            return problem("key-reused", field="Idempotency-Key")
    return problem(answer.code)


def _over_limit(allowance: int | None) -> Problem:
    """The problem of a buyer who may have so many more; `None` is from a worker that didn't say."""
    if allowance is None:
        return problem("limit-reached")
    text = "detail.allowance" if allowance else ""
    return msgspec.structs.replace(
        problem("limit-reached", text, count=allowance), allowance=allowance
    )


def from_refused_change(answer: Answer, rng: random.Random) -> Problem:
    """The problem for a change that was refused, with the order if there is one."""
    order = UNSET if answer.order is None else answer.order
    return msgspec.structs.replace(from_answer(answer, "", 0, rng), order=order)


def problem_json(trouble: Problem, language: Language) -> ProblemJson:
    """The problem's members."""
    return ProblemJson(
        title=HTTPStatus(trouble.status).phrase,
        status=trouble.status,
        detail=trouble.detail(language),
        code=trouble.code,
        field=trouble.field,
        remaining=trouble.remaining,
        allowance=trouble.allowance,
        retry_after=trouble.retry_after,
        order=trouble.order,
    )


def problem_reply(trouble: Problem, language: Language) -> Reply:
    """The problem as JSON."""
    body = msgspec.json.encode(problem_json(trouble, language))
    headers = content("application/problem+json", ("content-language", language.tag), NO_STORE)
    return Reply(trouble.status, headers + extra_headers(trouble), body)


def extra_headers(trouble: Problem) -> list[tuple[str, str]]:
    """The headers that a problem's status requires."""
    if trouble.retry_after is not UNSET:
        return [("retry-after", str(trouble.retry_after))]
    if trouble.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return [("allow", str(trouble.values["allow"]))]
    if trouble.status == HTTPStatus.UNAUTHORIZED:
        return [("www-authenticate", 'Bearer realm="zkticket operators"')]
    if trouble.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        return [("connection", "close")]
    return []
