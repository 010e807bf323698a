"""`licences`: every part of what a user has been given says what may be done with it."""

from pathlib import Path
from unittest.mock import patch

from typer.testing import CliRunner

from admin.actions import licences
from zkticket import app


def test_a_checkout_tells_its_own_licence_and_where_the_others_are() -> None:
    done = CliRunner().invoke(app, ["licences"])
    assert done.exit_code == 0
    assert "Apache License" in done.stdout
    assert ".venv" in done.stdout


def test_the_one_file_tells_all_that_it_brings(tmp_path: Path) -> None:
    (tmp_path / "zkticket").write_text("Apache License")
    (tmp_path / "libssl3").write_bytes("© 1998 The OpenSSL Project".encode("latin-1"))
    with patch.object(licences, "BROUGHT", tmp_path):
        done = CliRunner().invoke(app, ["licences"])
    assert done.exit_code == 0
    assert done.stdout.index("=== libssl3") < done.stdout.index("=== zkticket")
    assert "The OpenSSL Project" in done.stdout
