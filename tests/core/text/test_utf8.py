"""Files as editors on other systems write them."""

from pathlib import Path

import pytest

from core.cluster_secret import load_secret
from core.errors import StartupError, WrongUsage
from core.text.utf8 import text_of
from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import running
from tests.support.signed_in import sign_in

SECRET = "5a" * 32


def kept(tmp_path: Path, data: bytes) -> Path:
    tmp_path.chmod(0o700)
    (path := tmp_path / "secret").write_bytes(data)
    path.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\r\n"])
def test_a_secret_that_went_through_an_editor_is_read(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    home = kept(tmp_path, before + SECRET.encode() + after)
    assert load_secret(home).value == bytes.fromhex(SECRET)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_secret_in_utf_16_says_what_to_do(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(StartupError, match="save it as UTF-8"):
        load_secret(kept(tmp_path, SECRET.encode(encoding)))


def test_a_byte_order_mark_is_taken_off_only_at_the_beginning() -> None:
    assert text_of(b"\xef\xbb\xbfa\xef\xbb\xbfb") == "a\ufeffb"
    with pytest.raises(WrongUsage, match="byte 2 is no UTF-8; save it as UTF-8"):
        text_of(b"a\xff")


def test_a_token_that_was_pasted_with_marks_around_it_opens_the_pages() -> None:
    with running("open") as web:
        for token in (f"\ufeff{TOKEN}\r\n", f"\u200e{TOKEN}\u200f "):
            answer = sign_in(web, token)
            assert (answer.status, answer.headers["location"]) == (303, "/operator")
