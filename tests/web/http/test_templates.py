"""Templates import their helpers when they are rendered: those have to exist."""

import importlib
import re
from pathlib import Path

import pytest

from web.http.templates import VIEWS

IMPORT = re.compile(r"^% from (\S+) import ([\w, ]+)$", re.MULTILINE)
TEMPLATES = sorted(VIEWS.rglob("*.tpl"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_a_template_imports_is_there(path: Path) -> None:
    for module, names in IMPORT.findall(path.read_text(encoding="utf-8")):
        found = importlib.import_module(module)
        for name in names.split(", "):
            assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")


def test_the_imports_of_templates_are_found() -> None:
    assert any(IMPORT.search(path.read_text(encoding="utf-8")) for path in TEMPLATES)
