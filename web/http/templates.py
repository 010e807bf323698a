"""The pages' templates, compiled once; they escape all values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bottle

from web.http.i18n import Language, Languages
from web.http.problems import Problem, extra_headers
from web.http.replies import HTML, Headers, Reply

VIEWS = Path(__file__).parents[1] / "views"


class Templates:
    """The templates of one folder. `asset` gives a static file's address."""

    def __init__(self, asset: Callable[[str], str], languages: Languages, folder: str = "") -> None:
        self._asset = asset
        self._languages = languages
        self._templates = {
            path.stem: bottle.SimpleTemplate(name=path.name, lookup=[str(VIEWS / folder)])
            for path in (VIEWS / folder).glob("*.tpl")
        }

    def render(self, name: str, **values: Any) -> str:
        page: str = self._templates[name].render(asset=self._asset, **values)
        return page

    def page(
        self,
        name: str,
        language: Language,
        address: str,
        found: Problem | None = None,
        /,
        *,
        code: int = 200,
        headers: Headers = HTML,
        **values: Any,
    ) -> Reply:
        """A whole page, at that address, with the status of the problem on it, if there is one."""
        text = self.render(
            name,
            say=language.say,
            language=language,
            languages=self._languages.all,
            address=address,
            **values,
        )
        headers = [*headers, ("content-language", language.tag)]
        if found is None:
            return Reply(code, headers, text.encode())
        return Reply(found.status, headers + extra_headers(found), text.encode())
