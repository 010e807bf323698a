"""The one file's directory, and command lines that mean the same in all of its versions."""

from pathlib import Path

from core.machine.program import unversioned, version_directory


def unpacked(cache: Path, version: str) -> Path:
    """Returns the program of a version as the launcher unpacks it."""
    script = cache / version / "app" / "zkticket.py"
    script.parent.mkdir(parents=True)
    script.touch()
    (cache / version / "complete").touch()
    return script


def test_versions_of_the_one_file_have_the_same_command_line(tmp_path: Path) -> None:
    new, old = unpacked(tmp_path, "aa"), unpacked(tmp_path, "bb")
    assert version_directory(new) == tmp_path / "aa"
    assert unversioned(str(old), new) == unversioned(str(new), new) == "app/zkticket.py"


def test_words_that_lead_elsewhere_stay_as_they_are(tmp_path: Path) -> None:
    script = unpacked(tmp_path / "cache", "aa")
    for word in ("worker", "--name", str(tmp_path / "data" / "bb"), f"{tmp_path}/cached/x/y"):
        assert unversioned(word, script) == word


def test_a_checkout_is_no_one_file(tmp_path: Path) -> None:
    script = tmp_path / "tree" / "zkticket.py"
    assert version_directory(script) is None
    assert unversioned(f"{tmp_path}/other/zkticket.py", script) == f"{tmp_path}/other/zkticket.py"
