"""The pages' templates, compiled once; they escape all values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bottle

VIEWS = Path(__file__).parents[1] / "views"


class Templates:
    """The templates of one folder. `asset` gives a static file's address."""

    def __init__(self, asset: Callable[[str], str], folder: str = "") -> None:
        self._asset = asset
        self._templates = {
            path.stem: bottle.SimpleTemplate(name=path.name, lookup=[str(VIEWS / folder)])
            for path in (VIEWS / folder).glob("*.tpl")
        }

    def render(self, name: str, **values: Any) -> str:
        page: str = self._templates[name].render(asset=self._asset, **values)
        return page
