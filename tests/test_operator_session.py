"""Operators' sessions, and who may pass: ends, tampering, guessing; no trace of the token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.operator.attempts import BURST, MOST_ADDRESSES, Attempts
from web.operator.guard import Guard
from web.operator.session import LASTS_S, Session, Sessions, set_cookie

TOKEN = "0123456789abcdef" * 2
NOW = 1_750_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def cookies(value: str) -> str:
    return f"language=en; operator={value}; other=1"


def begun(sessions: Sessions) -> tuple[str, Session]:
    value = sessions.begin()
    found = sessions.find(cookies(value))
    assert found is not None
    return value, found


def test_a_session_is_found_again_also_by_the_web_servers_successor() -> None:
    value, session = begun(Sessions(TOKEN, Clock()))
    assert Sessions(TOKEN, Clock()).find(cookies(value)) == session


def test_of_several_cookies_of_that_name_any_may_be_the_session() -> None:
    """Another path of the host, or another program on it, may have set one as well."""
    sessions = Sessions(TOKEN, Clock())
    value, session = begun(sessions)
    ended, other = begun(sessions)
    sessions.end(other)
    for header in (
        f"operator=0; operator={value}",
        f"operator={value}; operator=0",
        f"operator={ended}; operator=; operator={value}; operator={ended}",
        f'operator="{value}"',
        "; ".join(["operator=0"] * 50 + [f"operator={value}"]),
    ):
        assert sessions.find(header) == session, header


def test_each_session_has_an_id_and_a_form_token_of_its_own() -> None:
    sessions = Sessions(TOKEN, Clock())
    (_, one), (_, other) = begun(sessions), begun(sessions)
    assert one.id != other.id
    assert one.csrf != other.csrf


def test_a_session_ends_after_a_shift() -> None:
    clock = Clock()
    sessions = Sessions(TOKEN, clock)
    value, session = begun(sessions)
    clock.now += LASTS_S - 1
    assert sessions.find(cookies(value)) == session
    clock.now += 1
    assert sessions.find(cookies(value)) is None


def test_who_signs_out_is_not_let_in_again_with_the_old_cookie() -> None:
    sessions = Sessions(TOKEN, Clock())
    (one, session), (other, _) = begun(sessions), begun(sessions)
    sessions.end(session)
    assert sessions.find(cookies(one)) is None
    assert sessions.find(cookies(other)) is not None


def test_another_token_ends_every_session() -> None:
    value, _ = begun(Sessions(TOKEN, Clock()))
    assert Sessions(TOKEN[::-1], Clock()).find(cookies(value)) is None


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_cookie_that_was_changed_in_one_place_is_no_session(place: int, which: int) -> None:
    """Each session is another one: what is drawn must not depend on it."""
    sessions = Sessions(TOKEN, Clock())
    value, _ = begun(sessions)
    place %= len(value)
    others = [letter for letter in "0123456789abcdefA.é" if letter != value[place]]
    changed = value[:place] + others[which % len(others)] + value[place + 1 :]
    assert sessions.find(cookies(changed)) is None


@given(st.text(max_size=300))
def test_whatever_is_sent_as_a_cookie_is_no_session(text: str) -> None:
    assert Sessions(TOKEN, Clock()).find(f"operator={text}") is None


def test_the_cookie_tells_nothing_of_the_token_and_is_kept_from_scripts_and_other_sites() -> None:
    value, session = begun(Sessions(TOKEN, Clock()))
    assert TOKEN not in value + session.csrf
    name, header = set_cookie(value, secure=True)
    assert name == "set-cookie"
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/operator", "Secure", f"={LASTS_S}"):
        assert attribute in header
    assert "Secure" not in set_cookie(value, secure=False)[1]
    assert "Max-Age=0" in set_cookie("", secure=False)[1]


# --- guessing ------------------------------------------------------------------------


def environ(authorization: str = "", address: str = "192.0.2.1") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": authorization, "REMOTE_ADDR": address}


@pytest.mark.parametrize(
    "authorization",
    ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", "Bearer é"],
)
def test_who_does_not_bring_the_token_is_refused(authorization: str) -> None:
    refusal = Guard(TOKEN, Clock(), Clock()).refusal(environ(authorization))
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("unauthorized", 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_who_brings_the_token_passes(scheme: str) -> None:
    assert Guard(TOKEN, Clock(), Clock()).refusal(environ(f"{scheme} {TOKEN}")) is None


def test_guesses_are_bounded_by_address_and_the_right_token_never_waits_for_them() -> None:
    clock = Clock()
    guard = Guard(TOKEN, clock, clock)
    codes = []
    for _ in range(20):
        refusal = guard.try_token("wrong", environ())
        assert refusal is not None
        codes.append(refusal.code)
    assert codes == ["unauthorized"] * int(BURST) + ["too-many-attempts"] * 10
    assert guard.try_token(TOKEN, environ()) is None
    assert guard.refusal(environ(f"Bearer {TOKEN}")) is None
    late = guard.try_token("wrong", environ())
    assert late is not None
    assert isinstance(late.retry_after, int)
    elsewhere = guard.try_token("wrong", environ(address="192.0.2.2"))
    assert elsewhere is not None
    assert elsewhere.code == "unauthorized"
    clock.now += late.retry_after
    again = guard.try_token("wrong", environ())
    assert again is not None
    assert again.code == "unauthorized"


def test_right_tokens_are_never_counted() -> None:
    guard = Guard(TOKEN, Clock(), Clock())
    assert all(guard.try_token(TOKEN, environ()) is None for _ in range(100))


def test_neighbours_in_one_ipv6_network_share_their_guesses() -> None:
    attempts = Attempts(Clock())
    for number in range(int(BURST)):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff") > 0
    assert attempts.wait_s("2001:db8:0:1::1") == 0


def test_the_table_of_guesses_is_bounded_and_keeps_the_latest() -> None:
    attempts = Attempts(Clock())
    for number in range(3 * MOST_ADDRESSES):
        attempts.failed(f"10.{number >> 8}.{number & 255}.1")
    for _ in range(int(BURST)):
        attempts.failed("192.0.2.7")
    assert attempts.wait_s("192.0.2.7") > 0
    assert attempts.size <= MOST_ADDRESSES
