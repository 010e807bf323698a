"""The command `zkticket`, from any directory, and what Tab gives after it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.instance import ROOT

COMMAND = ROOT / "supervisor" / "zkticket.sh"
# bash does this at a Tab, once it has read the script of `--show-completion`.
AT_TAB = """
source <(zkticket --show-completion)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_zkticket_completion "$1" && printf '%s\\n' "${COMPREPLY[@]}"
"""
LINES = [
    ("ord", {"order"}),
    ("order ", {"show", "explain", "cancel", "find", "export"}),
    ("up --p", {"--port", "--public-url"}),
    ("event create --type A:100:48 --tit", {"--title"}),
    ("admin log --level ", {"debug", "info", "warning", "error"}),
    ("drill lea", {"leader"}),
]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with the command on the path, as a link to the link that set-up makes."""
    (tmp_path / "tree's .venv").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "tree's .venv" / "zkticket").symlink_to(COMMAND)
    (tmp_path / "bin" / "zkticket").symlink_to(tmp_path / "tree's .venv" / "zkticket")
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def run(arguments: list[str], environ: dict[str, str]) -> str:
    done = subprocess.run(
        arguments, env=environ, cwd="/", capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_the_command_runs_from_any_directory(environ: dict[str, str]) -> None:
    assert run(["zkticket", "--help"], environ).startswith("Usage: zkticket [OPTIONS] COMMAND")


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_bash_completes(line: str, offered: set[str], environ: dict[str, str]) -> None:
    words = ["zkticket", *line.split(" ")]
    assert set(run(["bash", "-c", AT_TAB, "bash", *words], environ).split()) == offered


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_zsh_completes(line: str, offered: set[str], environ: dict[str, str]) -> None:
    """It asks as its script of `--show-completion` does."""
    asked = {"_ZKTICKET_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"zkticket {line}"}
    said = run(["zkticket"], environ | asked)
    assert said.startswith("_arguments '*: :((")
    words = said.removeprefix("_arguments '*: :((").splitlines()
    assert {word.split('"')[1] for word in words} == offered


def test_completion_installs_itself(environ: dict[str, str], tmp_path: Path) -> None:
    run(["bash", "-c", "zkticket --install-completion; true"], environ)
    installed = tmp_path / ".bash_completions" / "zkticket.sh"
    assert "complete -o default -F _zkticket_completion zkticket" in installed.read_text()
    assert str(installed) in (tmp_path / ".bashrc").read_text()
