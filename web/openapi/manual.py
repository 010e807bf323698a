"""The routes of the description: for programs, and for people."""

import hashlib
import re
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult

import bottle
import msgspec

from web.language import Language, Languages
from web.paper import Paper
from web.replies import Headers, Reply

HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


class Manual:
    """Made, and its parts imported, when somebody asks for the first time; then from memory.

    So nobody waits for it when the web starts.
    """

    def __init__(self, paper: Paper, languages: Languages) -> None:
        self._paper = paper
        self._languages = languages
        self._printed: dict[str, str] = {}

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/openapi.json", "GET", self.get_description)
        app.route("/docs", "GET", self.get_page)

    def get_description(self) -> Reply:
        known = bottle.request.environ.get("HTTP_IF_NONE_MATCH", "")
        return self._unchanged if self._etag in known else self._full

    def get_page(self) -> Reply:
        visit = self._paper.visit(bottle.request.environ)
        box, reference = _box(bottle.request.urlparts), self._reference(visit.language)
        return self._paper.page(visit, "docs", None, box=box, reference=reference)

    @cached_property
    def _description(self) -> dict[str, Any]:
        from web.openapi.document import document

        return document(self._languages)

    @cached_property
    def _body(self) -> bytes:
        return msgspec.json.encode(self._description)

    @cached_property
    def _etag(self) -> str:
        return f'"{hashlib.blake2b(self._body, digest_size=9).hexdigest()}"'

    @property
    def _caching(self) -> Headers:
        return [("etag", self._etag), ("cache-control", "no-cache")]

    @cached_property
    def _full(self) -> Reply:
        content = [("content-type", "application/json"), ("x-content-type-options", "nosniff")]
        return Reply(200, [*content, *self._caching], self._body)

    @cached_property
    def _unchanged(self) -> Reply:
        return Reply(304, self._caching)

    def _reference(self, language: Language) -> str:
        """The long part of the page, which is the same for all who read that language."""
        from web.openapi.reference import reference_page

        if language.tag not in self._printed:
            page = reference_page(self._description, language)
            self._printed[language.tag] = self._paper.part("reference", language, page=page)
        return self._printed[language.tag]


def _box(parts: SplitResult) -> str:
    """Our address, as the examples' shell may have it."""
    host = parts.netloc if HOST.fullmatch(parts.netloc) else "localhost"
    return f"{parts.scheme}://{host}"
