"""The buyers' pages as they are printed, and for whom."""

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
    """Who looks at a page: in which language, and at what `address` of ours."""

    language: Language
    address: str


class PageRenderer:
    """Prints templates of `views`."""

    def __init__(self, languages: Languages, assets: Assets) -> None:
        self._languages = languages
        self._templates = Templates(assets.address)

    def visit(self, request: Request, address: str = "") -> Visit:
        """`address` where that is another one than was asked for."""
        return Visit(self._languages.of(request.headers), address or _address(request))

    def page(self, visit: Visit, template: str, found: Problem | None, **values: Any) -> Reply:
        """The page; with a problem's status where one is on it."""
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
        """Of a page."""
        return self._templates.render(template, say=language.say, **values)

    def trouble(self, visit: Visit, found: Problem, back: str = "") -> Reply:
        """The small page of a problem; `back` is an order's address, if it is about one."""
        return self.page(visit, "problem", found, problem=found, back=back)


def _address(request: Request) -> str:
    """Where the visitor is, or can go back to: what was posted can't be had by a link."""
    if request.method == "POST":
        return "/"
    path = quote(request.path)
    return f"{path}?{request.query_string}" if request.query_string else path
