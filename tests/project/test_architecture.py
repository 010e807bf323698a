"""Which module may import which, how large a room may be, and which may read the environment."""

import ast
import subprocess
import sys
from collections import Counter
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

# The rooms of each folder, and its modules outside rooms, from the bottom up. Those in one line do
# not import each other; each may import those in the lines above it.
ROOMS = {
    "core": (
        "client_addresses clock errors gc_tuning version",
        "text",
        "schema",
        "machine quantiles zookeeper",
        "cluster_secret eventlog settings",
        "store",
        "cluster events receipts transport",
    ),
    "web": (
        "http operator_actions",
        "auth reads requests",
        "dispatch server",
        "metrics",
        "checkout load_shedding",
        "handler_context",
        "api pages",
        "operator",
        "openapi",
        "app",
        "web_process",
        "serve",
    ),
    "workers": (
        "group_commit overload receipts unproven_connections",
        "link_server order_changes selling",
        "janitor",
        "worker_process",
    ),
    "supervisor": (
        "banner lock log_rotation readiness signals systemd_notify",
        "processes",
        "operations zookeeper",
        "onefile",
        "bootstrap orphans successor",
        "daemon preflight",
        "supervisor",
    ),
    "admin": (
        "commandline confirm printable zookeeper_session",
        "recovery znode_tree",
        "screen",
        "actions drill",
        "commands",
    ),
}
# Names of modules in more than two folders, and why: each holds its folder's part of a noun.
MODULES = {
    "events": "routes of the interface, operators' pages, commands",
    "orders": "the tree's, routes of the interface, operators' pages, commands",
    "status": "the instance's, its route, its command",
}
LEVELS = {
    (folder, room): level
    for folder, lines in ROOMS.items()
    for level, line in enumerate(lines)
    for room in line.split()
}
MOST_MODULES = 14


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Returns the top-level names of all imports, also inside functions."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add((node.module or "").partition(".")[0])
    return found


def modules(path: Path) -> Iterator[str]:
    """Returns the full names of all imports, also inside functions."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> tuple[str, str]:
    folder, room = path.relative_to(ROOT).with_suffix("").parts[:2]
    return folder, room


def without_entrypoint(tree: ast.Module) -> Iterator[ast.AST]:
    """Yields all nodes but those of `if __name__ == "__main__"`, which reads the environment."""
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


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent != ROOT], ids=names)
def test_no_arrow_runs_back(path: Path) -> None:
    own = room_of(path)
    if own[1] == "__init__":
        assert not imported(path)
        return
    for name in modules(path):
        folder, _, rest = name.partition(".")
        used = (folder, rest.partition(".")[0])
        if folder == own[0] and used != own:
            assert LEVELS[used] < LEVELS[own], f"{own[1]} may not import {name}"


def test_the_rooms_are_those_that_there_are() -> None:
    found = {room_of(path) for path in SOURCES if path.parent != ROOT}
    assert {each for each in found if each[1] != "__init__"} == set(LEVELS)


def test_no_folder_holds_too_many_modules() -> None:
    modules = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    sizes = Counter(path.parent for path in modules if path.name != "__init__.py")
    assert {names(path): size for path, size in sizes.items() if size > MOST_MODULES} == {}


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_kazoo_stays_behind_its_adapter(path: Path) -> None:
    behind = ("client", "kazoo_adapter", "kazoo_handler", "tree_setup")
    allowed = [ROOT / f"core/zookeeper/{name}.py" for name in behind]
    assert "kazoo" not in imported(path) or path in allowed


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if path in (ROOT / "zkticket.py", ROOT / "core" / "settings.py"):
        return
    for node in without_entrypoint(tree_of(path)):
        assert not reads_environment(node), f"{path}:{getattr(node, 'lineno', '?')}"


def deferred(path: Path) -> dict[str, int]:
    """Counts the imports inside each function."""
    found = {}
    for function in ast.walk(tree_of(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = [isinstance(each, ast.Import | ast.ImportFrom) for each in ast.walk(function)]
            if any(inside):
                found[function.name] = sum(inside)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_imports_wait_for_a_command_and_for_nothing_else(path: Path) -> None:
    """This keeps `--help` and completion quick: each command loads only what it needs."""
    if path == ROOT / "zkticket.py" or path.parent == ROOT / "admin" / "commands":
        assert all(count == 1 for count in deferred(path).values())
    else:
        assert deferred(path) == {}


def test_what_commands_take_is_known_without_what_they_do() -> None:
    slow = "{'asyncio', 'kazoo', 'msgspec', 'psutil', 'rich'}"
    code = f"import sys, zkticket; print(*(set(sys.modules) & {slow}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == [], done.stderr


def test_the_name_of_a_class_is_defined_once() -> None:
    """A search for it finds only the class that is meant."""
    found = Counter(
        node.name
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    )
    twice = {name for name, times in found.items() if times > 1}
    assert twice == set(), "rename one of them after what it is here"


def test_the_name_of_a_module_stands_in_two_folders_at_the_most() -> None:
    found = Counter(path.stem for path in SOURCES if path.stem != "__init__")
    assert {name for name, times in found.items() if times > 2} - MODULES.keys() == set()


def test_the_sources_are_found() -> None:
    assert {names(path).partition("/")[0] for path in SOURCES} == {"core", *FOLDERS, "zkticket.py"}
