"""What may import what, and who may read the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instance import ROOT

ENVIRONMENT = ("environ", "environb", "getenv", "getenvb", "putenv")
FOLDERS = ("supervisor", "web", "workers", "admin")
SOURCES = [
    ROOT / "zkticket.py",
    *sorted(path for folder in ("core", *FOLDERS) for path in (ROOT / folder).rglob("*.py")),
]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """The top-level names of every import, also inside functions."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add((node.module or "").partition(".")[0])
    return found


def without_entrypoint(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those of `if __name__ == "__main__"`, which passes the environment on."""
    for statement in tree.body:
        if not (isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test)):
            yield from ast.walk(statement)


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "os" and node.attr in ENVIRONMENT
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in ENVIRONMENT for alias in node.names)
    return False


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_the_four_folders_import_core_only(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    if own != "zkticket.py":
        assert imported(path) & {*FOLDERS, "zkticket", "tests"} <= (
            {own} if own != "core" else set()
        )


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_kazoo_stays_behind_the_client_and_its_way_of_waiting(path: Path) -> None:
    behind = (ROOT / "core/zookeeper/client.py", ROOT / "core/zookeeper/kazoo_handler.py")
    assert "kazoo" not in imported(path) or path in behind


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if path in (ROOT / "zkticket.py", ROOT / "core" / "settings.py"):
        return
    for node in without_entrypoint(tree_of(path)):
        assert not reads_environment(node), f"{path}:{getattr(node, 'lineno', '?')}"


def test_the_sources_are_found() -> None:
    assert {names(path).partition("/")[0] for path in SOURCES} == {"core", *FOLDERS, "zkticket.py"}
