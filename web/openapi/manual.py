"""The routes of the description: for programs, and for people."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bottle
import msgspec

from web.http.i18n import Languages
from web.http.replies import BASE, Headers, Reply
from web.http.routing import Outcome
from web.pages.rendering import Paper, Visit


@dataclass(frozen=True)
class Printed:
    """The description as it is sent, and its long page in each language, by its tag."""

    body: bytes
    etag: str
    pages: Mapping[str, str]

    @property
    def full(self) -> Reply:
        content = [("content-type", "application/json"), ("x-content-type-options", "nosniff")]
        return Reply(200, [*content, *self._caching], self.body)

    @property
    def unchanged(self) -> Reply:
        return Reply(304, self._caching)

    @property
    def _caching(self) -> Headers:
        return [("etag", self.etag), ("cache-control", "no-cache")]


class Manual:
    """Made, and its parts imported, when somebody asks for the first time; then from memory.

    So nobody waits for it when the web starts. It takes long enough for buyers to notice:
    a thread does it, beside the event loop.
    """

    def __init__(self, paper: Paper, languages: Languages, public_url: str) -> None:
        self._public_url = public_url
        self._paper = paper
        self._languages = languages
        self._making = asyncio.Lock()
        self._printed: Printed | None = None

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/openapi.json", "GET", self.get_description)
        app.route("/docs", "GET", self.get_page)

    def get_description(self) -> Any:
        return self._described(bottle.request.environ.get("HTTP_IF_NONE_MATCH", ""))

    async def _described(self, known: str) -> Outcome:
        printed = await self._made()
        return printed.unchanged if printed.etag in known else printed.full

    def get_page(self) -> Any:
        visit = self._paper.visit(bottle.request.environ)
        return self._shown(visit, bottle.request.environ[BASE])

    async def _shown(self, visit: Visit, box: str) -> Outcome:
        reference = (await self._made()).pages[visit.language.tag]
        return self._paper.page(visit, "docs", None, box=box, reference=reference)

    async def _made(self) -> Printed:
        """Once, however many ask at the same time."""
        async with self._making:
            if self._printed is None:
                self._printed = await asyncio.to_thread(self._make)
        return self._printed

    def _make(self) -> Printed:
        from web.openapi.document import document
        from web.openapi.reference import reference_page

        description = document(self._languages, self._public_url or "/")
        body = msgspec.json.encode(description)
        pages = {
            language.tag: self._paper.part(
                "reference", language, page=reference_page(description, language)
            )
            for language in self._languages.all
        }
        return Printed(body, f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"', pages)
