"""Renders the operators' pages, for operators only."""

import hmac
from collections.abc import Awaitable
from typing import Any

import msgspec

from core.cluster import operator_requests
from core.errors import BadRequest, NoSuchEvent, NoSuchOrder, ZkticketError
from web.auth.operator import OperatorGuard
from web.auth.roles import Access, Area
from web.auth.sessions import Session
from web.handler_context import Context
from web.http.body import form_fields
from web.http.i18n import Language, Languages, remember
from web.http.problems import Problem, problem
from web.http.replies import HTML, Reply, see_other
from web.http.request import Request
from web.http.routing import Handler, Outcome
from web.http.static_files import Assets
from web.http.templates import Templates
from web.operator.fields import Fields
from web.operator.form_actions import HOME, Confirmation

SIGN_IN = "/operator/sign-in"


class OperatorVisit(msgspec.Struct, frozen=True):
    """An operator's visit of a page; `address` is where they can come back to."""

    request: Request
    session: Session
    language: Language
    address: str
    # The form was posted to be shown in this language, as it is.
    spoken: bool = False

    @property
    def access(self) -> Access:
        """Who visits, and what is open to them."""
        return self.session.access

    def check_form(self, fields: Fields) -> None:
        """Raises `BadRequest` for a form that this session was not given."""
        given = fields.get("csrf", "").encode(errors="replace")
        if not hmac.compare_digest(given, self.session.csrf.encode()):
            raise BadRequest("form-expired", "problem.form-expired")


class OperatorRenderer:
    """Renders templates of `views/operator`."""

    def __init__(self, guard: OperatorGuard, languages: Languages) -> None:
        self._guard = guard
        self._languages = languages
        self._templates = Templates(Assets().address, languages, "operator")

    def visit(self, request: Request) -> OperatorVisit | None:
        """The visit, or None without a session."""
        session = self._guard.session(request)
        if session is None:
            return None
        language = self._languages.of(request.headers)
        return OperatorVisit(request, session, language, request.address(HOME))

    def for_operators(self, area: Area, page: Handler) -> Handler:
        """A handler that calls `page` with the visit of those to whom the area is open.

        It sends all without a session to sign in.
        """

        async def handler(request: Request, **parts: str) -> Outcome:
            visit = self.visit(request)
            if visit is None:
                return see_other(SIGN_IN)
            return visit.access.refusal(area) or await _told(page(visit, **parts))

        return handler

    def for_forms(self, area: Area, page: Handler, most: int = 16) -> Handler:
        """A handler like `for_operators`, for a page that takes up to `most` posted fields too."""

        async def checked(visit: OperatorVisit, **parts: str) -> Outcome:
            fields = form_fields(visit.request, most)
            visit.check_form(fields)
            return await page(self._in_language(visit, fields), fields, **parts)

        return self.for_operators(area, checked)

    def _in_language(self, visit: OperatorVisit, fields: Fields) -> OperatorVisit:
        """The visit in the language that a posted form is to be shown in, if it says one."""
        language = self._languages.named(fields.get("language", ""))
        return msgspec.structs.replace(visit, language=language, spoken=True) if language else visit

    def page(self, visit: OperatorVisit, template: str, **values: Any) -> Reply:
        """A page; `keeps` names its form, which is posted there where the language is changed."""
        headers = [*HTML, remember(visit.language)] if visit.spoken else HTML
        return self._templates.page(
            template, visit.language, visit.address, visit=visit, **{"headers": headers, **values}
        )

    def ask(self, visit: OperatorVisit, action: str, back: str, question: Confirmation) -> Reply:
        """The page of a question: yes is posted to `action`, no leads `back`."""
        return self.page(
            visit,
            "confirm",
            action=action,
            back=back,
            question=question,
            id=operator_requests.new_id(),
        )

    def sign_in(self, request: Request, refusal: Problem | None, left: str = "") -> Reply:
        """The page to sign in, with the refusal of the last try.

        `left` is "here" after signing out if other web servers may not know that yet.
        """
        language = self._languages.of(request.headers)
        here_only = left == "here"
        return self._templates.page(
            "sign-in", language, SIGN_IN, refusal, visit=None, refusal=refusal, here_only=here_only
        )

    def trouble(self, request: Request, found: Problem) -> Reply:
        """The page of a problem, which tells strangers nothing else."""
        language, visit = self._languages.of(request.headers), self.visit(request)
        return self._templates.page(
            "problem-page", language, HOME, found, visit=visit, problem=found
        )


class OperatorPages:
    """Some of the operators' pages. Each public method is a route."""

    def __init__(self, context: Context, renderer: OperatorRenderer) -> None:
        self._context = context
        self._renderer = renderer


async def _told(outcome: Awaitable[Outcome]) -> Outcome:
    """The outcome, or the problem for an error, in its own words."""
    try:
        return await outcome
    except BadRequest:
        raise
    except NoSuchOrder:
        return problem("no-such-order")
    except NoSuchEvent:
        return problem("no-such-event")
    except ZkticketError as error:
        return problem("refused", "detail.as-told", told=str(error))
