"""Problem answers (RFC 9457): what went wrong, in a stable code and in plain words."""

import random
from http import HTTPStatus

import msgspec
from msgspec import UNSET, UnsetType

from core.errors import BadRequest, BadZnode, Unavailable, ZkticketError
from core.wire import Answer, Code
from web.replies import Reply

RETRY_S = (1, 5)

STATUS = {
    "malformed": 400,
    "unauthorized": 401,
    "cross-site": 403,
    "not-found": 404,
    "no-such-event": 404,
    "no-such-type": 404,
    "no-such-order": 404,
    "method-not-allowed": 405,
    "too-slow": 408,
    "limit-reached": 409,
    "not-on-sale": 409,
    "sold-out": 409,
    "too-large": 413,
    "unsupported-media-type": 415,
    "invalid": 422,
    "key-reused": 422,
    "damaged": 500,
    "internal": 500,
    "no-quorum": 503,
    "outcome-unknown": 503,
    "overloaded": 503,
}

DETAILS = {
    "cross-site": "This request comes from another site, so it was refused.",
    "damaged": "The record of these tickets is damaged; the organiser has been told.",
    "internal": "Something went wrong on our side. If you were buying a ticket, "
    "the same request may be sent again: it can't buy twice.",
    "key-reused": "This idempotency key has bought something else already; use a new one.",
    "method-not-allowed": "This address does not take that kind of request.",
    "no-quorum": "The box office can't reach its records at the moment. Nothing was sold.",
    "no-such-event": "There is no such event.",
    "no-such-order": "There is no such order.",
    "no-such-type": "There is no such ticket type.",
    "not-found": "There is nothing at this address.",
    "not-on-sale": "These tickets are not on sale at the moment.",
    "outcome-unknown": "We can't tell yet whether your purchase went through. Send the same "
    "request with the same key again: you get the ticket, and never two.",
    "overloaded": "Too many people are buying at this moment. Nothing was sold; "
    "please try again shortly.",
    "too-large": "The request is larger than 16 KiB.",
    "too-slow": "The request took too long to arrive.",
    "unauthorized": "This is for operators: send `Authorization: Bearer` with the instance's "
    "operator token.",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem's members. `retry_after` is in seconds and also sent as a header."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    field: str | UnsetType = UNSET
    remaining: int | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET


def problem(
    code: str,
    detail: str = "",
    *,
    field: str | None = None,
    remaining: int | None = None,
    rng: random.Random | None = None,
) -> Problem:
    """The problem of that code. With `rng` it says when to come back, not all at once."""
    status = STATUS[code]
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail or DETAILS[code],
        code=code,
        field=UNSET if field is None else field,
        remaining=UNSET if remaining is None else remaining,
        retry_after=UNSET if rng is None else rng.randint(*RETRY_S),
    )


def of_request(error: BadRequest) -> Problem:
    return problem(error.code, str(error), field=error.field)


def of_read(error: ZkticketError, rng: random.Random) -> Problem:
    """Why something could not be read from ZooKeeper."""
    match error:
        case Unavailable():
            return problem("no-quorum", "We can't look that up at the moment.", rng=rng)
        case BadZnode():
            return problem("damaged")
    raise error


def of_answer(answer: Answer, type_: str, quantity: int, rng: random.Random) -> Problem:
    """Why a purchase did not end in an order."""
    match answer.code:
        case Code.SOLD_OUT:
            remaining = answer.remaining or 0
            return problem("sold-out", _sold_out(type_, quantity, remaining), remaining=remaining)
        case Code.OVERLOADED | Code.NO_QUORUM | Code.OUTCOME_UNKNOWN:
            return problem(answer.code, rng=rng)
        case Code.DRAINING:
            return problem("overloaded", rng=rng)
        case Code.KEY_REUSED:
            return problem("key-reused", field="Idempotency-Key")
    return problem(answer.code)


def problem_reply(trouble: Problem) -> Reply:
    headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")]
    headers.append(("x-content-type-options", "nosniff"))
    return Reply(trouble.status, headers + extra_headers(trouble), msgspec.json.encode(trouble))


def extra_headers(trouble: Problem) -> list[tuple[str, str]]:
    """The headers that a problem's status asks for."""
    if trouble.retry_after is not UNSET:
        return [("retry-after", str(trouble.retry_after))]
    if trouble.status == HTTPStatus.UNAUTHORIZED:
        return [("www-authenticate", 'Bearer realm="zkticket operators"')]
    if trouble.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        return [("connection", "close")]
    return []


def _sold_out(type_: str, quantity: int, remaining: int) -> str:
    if remaining == 0:
        return f"Tickets of type {type_} are sold out."
    are = "ticket of type {} is" if remaining == 1 else "tickets of type {} are"
    return f"Only {remaining} {are.format(type_)} left; you asked for {quantity}."
