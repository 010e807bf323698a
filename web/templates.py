"""The pages' templates, compiled once; they escape whatever they show."""

from pathlib import Path
from typing import Any

import bottle

VIEWS = Path(__file__).parent / "views"


class Templates:
    """`sheet` is the address of the style sheet."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._templates = {
            path.stem: bottle.SimpleTemplate(name=path.name, lookup=[str(VIEWS)])
            for path in VIEWS.glob("*.tpl")
        }

    def render(self, name: str, **values: Any) -> str:
        page: str = self._templates[name].render(sheet=self._sheet, **values)
        return page
