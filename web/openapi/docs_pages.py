"""Serves the description to programs, and the reference to people."""

import asyncio
from collections.abc import Mapping

import bottle
import msgspec

from web.http.i18n import Languages
from web.http.replies import CachedReply, cached_json
from web.http.request import Request
from web.http.route_description import mount
from web.http.routing import Outcome
from web.openapi.document import document
from web.openapi.routes import DESCRIPTION
from web.pages.rendering import PageRenderer


class Printed(msgspec.Struct, frozen=True):
    """The description as it is sent, and its long page in each language, by its tag."""

    reply: CachedReply
    pages: Mapping[str, str]


class Manual:
    """Makes the description when somebody asks for the first time, then serves it from memory.

    Buyers would notice how long that takes, so a thread does it, beside the event loop.
    """

    def __init__(self, renderer: PageRenderer, languages: Languages, public_url: str) -> None:
        self._public_url = public_url
        self._renderer = renderer
        self._languages = languages
        self._making = asyncio.Lock()
        self._printed: Printed | None = None

    def mount(self, app: bottle.Bottle) -> None:
        mount(app, self)
        app.route("/docs", "GET", self.get_page)

    @DESCRIPTION
    async def get_description(self, request: Request) -> Outcome:
        return (await self._made()).reply.to(request.headers.get("if-none-match"))

    async def get_page(self, request: Request) -> Outcome:
        visit = self._renderer.visit(request)
        reference = (await self._made()).pages[visit.language.tag]
        return self._renderer.page(visit, "docs", None, box=request.base, reference=reference)

    async def _made(self) -> Printed:
        """The description, made once for all who ask at the same time."""
        async with self._making:
            if self._printed is None:
                self._printed = await asyncio.to_thread(self._make)
        return self._printed

    def _make(self) -> Printed:
        body = msgspec.json.encode(document(self._languages, self._public_url or "/"))
        pages = {each.tag: self._renderer.part("reference", each) for each in self._languages.all}
        return Printed(cached_json(body, "no-cache"), pages)
