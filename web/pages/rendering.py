"""Renders the buyers' pages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from web.http.i18n import Language, Languages
from web.http.problems import Problem, extra_headers
from web.http.replies import HTML, Reply
from web.http.request import Request
from web.http.static_files import Assets
from web.http.templates import Templates


@dataclass(frozen=True)
class Visit:
    """A visit of a page: its language, and its `address` on our site."""

    language: Language
    address: str


class PageRenderer:
    """Renders templates of `views`."""

    def __init__(self, languages: Languages, assets: Assets) -> None:
        self._languages = languages
        self._templates = Templates(assets.address)

    def visit(self, request: Request, address: str = "") -> Visit:
        """The visit of a request; `address` if it is not the request's own."""
        return Visit(self._languages.of(request.headers), address or _address(request))

    def page(self, visit: Visit, template: str, found: Problem | None, **values: Any) -> Reply:
        """The page, with the status of the problem on it, if there is one."""
        language = visit.language
        text = self._templates.render(
            template,
            say=language.say,
            language=language,
            languages=self._languages.all,
            spoken=language.for_scripts,
            address=visit.address,
            **values,
        )
        headers = [*HTML, ("content-language", language.tag)]
        if found is None:
            return Reply(200, headers, text.encode())
        return Reply(found.status, headers + extra_headers(found), text.encode())

    def part(self, template: str, language: Language, **values: Any) -> str:
        """The text of a template that is a part of a page."""
        return self._templates.render(template, say=language.say, **values)

    def trouble(self, visit: Visit, found: Problem, back: str = "") -> Reply:
        """The small page of a problem; `back` is the order's address if it is about one."""
        return self.page(visit, "problem", found, problem=found, back=back)


def _address(request: Request) -> str:
    """The address to come back to; a post has none, so it is the sale's page."""
    if request.method == "POST":
        return "/"
    path = quote(request.path)
    return f"{path}?{request.query_string}" if request.query_string else path
