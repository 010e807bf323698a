"""Renders the buyers' pages."""

from typing import Any

import msgspec

from web.http.i18n import Language, Languages
from web.http.problems import Problem
from web.http.replies import Reply
from web.http.request import Request
from web.http.static_files import Assets
from web.http.templates import Templates


class Visit(msgspec.Struct, frozen=True):
    """A visit of a page: its language, its `address` on our site, and our site's, `base`."""

    language: Language
    address: str
    base: str


class PageRenderer:
    """Renders templates of `views`."""

    def __init__(self, languages: Languages, assets: Assets) -> None:
        self._languages = languages
        self._templates = Templates(assets.address, languages)

    def visit(self, request: Request, address: str = "") -> Visit:
        """The visit of a request; `address` if it is not the request's own."""
        language = self._languages.of(request.headers)
        return Visit(language, address or request.address("/"), request.base)

    def page(self, visit: Visit, template: str, found: Problem | None, **values: Any) -> Reply:
        """The page, with the status of the problem on it, if there is one."""
        return self._templates.page(template, visit.language, visit.address, found, **values)

    def part(self, template: str, language: Language) -> str:
        """The text of a template that is a part of a page."""
        return self._templates.render(template, say=language.say)

    def trouble(self, visit: Visit, found: Problem, back: str = "") -> Reply:
        """The small page of a problem; `back` is the order's address if it is about one."""
        return self.page(visit, "problem", found, problem=found, back=back)
