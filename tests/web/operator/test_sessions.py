"""Operators' sessions: their ends, tampering, guessing, and no trace of the token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock as core_clock
from core.cluster.ended_sessions import MOST, SKEW_S, EndedSessionsZnode, merged
from core.errors import Unavailable
from core.schema.records import EndedSessions
from web.auth.ended_sessions import Ended
from web.auth.guess_throttle import BURST, MOST_KEPT, GuessThrottle
from web.auth.known_tokens import KnownTokens
from web.auth.operator import OperatorGuard
from web.auth.roles import OPERATOR, Area
from web.auth.sessions import COOKIE, LASTS_S, Session, Sessions, set_cookie
from web.http.problems import Problem
from web.http.request import Request

TOKEN = "0123456789abcdef" * 2
NOW = 1_750_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class FakeRegister(EndedSessionsZnode):
    """ZooKeeper's record, which web servers share as long as they reach it."""

    def __init__(self) -> None:
        self.ended = EndedSessions()
        self.away = False

    async def load(self) -> EndedSessions:
        if self.away:
            raise Unavailable("no connection to ZooKeeper")
        return self.ended

    async def add(self, ended: EndedSessions, now: float) -> EndedSessions:
        self.ended = merged(await self.load(), ended, now)
        return self.ended


def sessions_of(
    token: str = TOKEN, clock: Clock | None = None, register: FakeRegister | None = None
) -> Sessions:
    """Returns the sessions of a web server that has just started."""
    clock = clock or Clock()
    return Sessions(token, clock, Ended(register or FakeRegister(), clock), KnownTokens(clock))


def guard_of(clock: Clock) -> OperatorGuard:
    known = KnownTokens(clock)
    known.note(())
    return OperatorGuard(TOKEN, core_clock.Clock(clock, clock), Ended(FakeRegister(), clock), known)


async def renew(sessions: Sessions) -> None:
    """Reads which sessions the others have ended."""
    await sessions._ended.renew()


def find(sessions: Sessions, header: str) -> Session | None:
    """Finds the session of the request's `Cookie` header."""
    request = Request(method="GET", path="/operator", headers={"cookie": header})
    return sessions.find(request.cookies(COOKIE))


def cookies(value: str) -> str:
    return f"language=en; operator={value}; other=1"


def begun(sessions: Sessions) -> tuple[str, Session]:
    value = sessions.begin()
    found = find(sessions, cookies(value))
    assert found is not None
    return value, found


def test_a_session_is_found_again_also_by_the_web_servers_successor() -> None:
    value, session = begun(sessions_of(TOKEN))
    assert find(sessions_of(TOKEN), cookies(value)) == session


async def test_of_several_cookies_of_that_name_any_may_be_the_session() -> None:
    """Another path of the host, or another program there, may have set one as well."""
    sessions = sessions_of(TOKEN)
    value, session = begun(sessions)
    ended, other = begun(sessions)
    await sessions.end(other)
    for header in (
        f"operator=0; operator={value}",
        f"operator={value}; operator=0",
        f"operator={ended}; operator=; operator={value}; operator={ended}",
        f'operator="{value}"',
        "; ".join(["operator=0"] * 50 + [f"operator={value}"]),
    ):
        assert find(sessions, header) == session, header


def test_each_session_has_an_id_and_a_form_token_of_its_own() -> None:
    sessions = sessions_of(TOKEN)
    (_, one), (_, other) = begun(sessions), begun(sessions)
    assert one.id != other.id
    assert one.csrf != other.csrf


def test_a_session_ends_after_a_shift() -> None:
    clock = Clock()
    sessions = sessions_of(TOKEN, clock)
    value, session = begun(sessions)
    clock.now += LASTS_S - 1
    assert find(sessions, cookies(value)) == session
    clock.now += 1
    assert find(sessions, cookies(value)) is None


async def test_a_signed_out_operator_is_not_let_in_again_with_the_old_cookie() -> None:
    sessions = sessions_of(TOKEN)
    (one, session), (other, _) = begun(sessions), begun(sessions)
    assert await sessions.end(session)
    assert find(sessions, cookies(one)) is None
    assert find(sessions, cookies(other)) is not None


async def test_what_was_ended_stays_ended_when_the_web_server_is_another_one() -> None:
    clock, register = Clock(), FakeRegister()
    before = sessions_of(TOKEN, clock, register)
    (ended, session), (other, _) = begun(before), begun(before)
    assert await before.end(session)
    clock.now += 60
    after = sessions_of(TOKEN, clock, register)
    await renew(after)
    assert find(after, cookies(ended)) is None
    assert find(after, cookies(other)) is not None


async def test_what_was_ended_at_one_web_server_is_ended_at_the_others() -> None:
    clock, register = Clock(), FakeRegister()
    here, there = (sessions_of(TOKEN, clock, register) for _ in range(2))
    value, session = begun(here)
    assert find(there, cookies(value)) == session
    assert await here.end(session)
    await renew(there)
    assert find(there, cookies(value)) is None


async def test_a_web_server_that_can_read_nothing_lets_only_those_in_who_have_signed_in_since() -> (
    None
):
    clock, register = Clock(), FakeRegister()
    before, _ = begun(sessions_of(TOKEN, clock, register))
    clock.now += 60
    register.away = True
    after = sessions_of(TOKEN, clock, register)
    await renew(after)
    assert find(after, cookies(before)) is None
    since, _ = begun(after)
    assert find(after, cookies(since)) is not None
    register.away = False
    await renew(after)
    assert find(after, cookies(before)) is not None


async def test_a_sign_out_while_zookeeper_is_away_counts_and_others_hear_of_it_later() -> None:
    clock, register = Clock(), FakeRegister()
    here, there = (sessions_of(TOKEN, clock, register) for _ in range(2))
    await renew(there)
    value, session = begun(here)
    register.away = True
    assert not await here.end(session)
    assert find(here, cookies(value)) is None
    register.away = False
    await renew(here)
    await renew(there)
    assert find(there, cookies(value)) is None


async def test_of_many_that_were_ended_all_stay_ended_and_the_record_is_bounded() -> None:
    clock, register = Clock(), FakeRegister()
    sessions = sessions_of(TOKEN, clock, register)
    values = []
    for _ in range(MOST + 50):
        clock.now += 1
        value, session = begun(sessions)
        values.append(value)
        await sessions.end(session)
    clock.now += 1
    latest, _ = begun(sessions)
    assert len(register.ended.sessions) <= MOST
    after = sessions_of(TOKEN, clock, register)
    await renew(after)
    assert [value for value in values if find(after, cookies(value)) is not None] == []
    assert find(after, cookies(latest)) is not None


def test_what_has_had_its_time_is_no_longer_kept() -> None:
    kept = merged(EndedSessions(sessions={"a": 1000, "b": 2000}), EndedSessions(), 1001 + SKEW_S)
    assert kept == EndedSessions(sessions={"b": 2000})


def test_another_token_ends_every_session() -> None:
    value, _ = begun(sessions_of(TOKEN))
    assert find(sessions_of(TOKEN[::-1]), cookies(value)) is None


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_cookie_that_was_changed_in_one_place_is_no_session(place: int, which: int) -> None:
    """Sessions differ from run to run: what is drawn must not depend on them."""
    sessions = sessions_of(TOKEN)
    value, _ = begun(sessions)
    place %= len(value)
    others = [letter for letter in "0123456789abcdefA.é" if letter != value[place]]
    changed = value[:place] + others[which % len(others)] + value[place + 1 :]
    assert find(sessions, cookies(changed)) is None


@given(st.text(max_size=300))
def test_whatever_is_sent_as_a_cookie_is_no_session(text: str) -> None:
    assert find(sessions_of(TOKEN), f"operator={text}") is None


def test_the_cookie_tells_nothing_of_the_token_and_is_kept_from_scripts_and_other_sites() -> None:
    value, session = begun(sessions_of(TOKEN))
    assert TOKEN not in value + session.csrf
    name, header = set_cookie(value, secure=True)
    assert name == "set-cookie"
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/operator", "Secure", f"={LASTS_S}"):
        assert attribute in header
    assert "Secure" not in set_cookie(value, secure=False)[1]
    assert "Max-Age=0" in set_cookie("", secure=False)[1]


# --- guessing ------------------------------------------------------------------------


ADDRESS = "192.0.2.1"


def bringing(authorization: str) -> Request:
    headers = {"authorization": authorization}
    return Request(method="GET", path="/", headers=headers, client=ADDRESS)


@pytest.mark.parametrize(
    "authorization",
    ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", "Bearer é"],
)
def test_a_request_without_the_token_is_refused(authorization: str) -> None:
    refusal = guard_of(Clock()).refusal(bringing(authorization), Area.MACHINE)
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("unauthorized", 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_request_with_the_token_passes(scheme: str) -> None:
    assert guard_of(Clock()).refusal(bringing(f"{scheme} {TOKEN}"), Area.MACHINE) is None


def test_guesses_are_bounded_by_address_and_the_right_token_never_waits_for_them() -> None:
    clock = Clock()
    guard = guard_of(clock)
    codes = []
    for _ in range(20):
        refusal = guard.try_token("wrong", ADDRESS)
        assert isinstance(refusal, Problem)
        codes.append(refusal.code)
    assert codes == ["unauthorized"] * int(BURST) + ["too-many-attempts"] * 10
    assert guard.try_token(TOKEN, ADDRESS) == OPERATOR
    assert guard.refusal(bringing(f"Bearer {TOKEN}"), Area.MACHINE) is None
    late = guard.try_token("wrong", ADDRESS)
    assert isinstance(late, Problem)
    assert isinstance(late.retry_after, int)
    elsewhere = guard.try_token("wrong", "192.0.2.2")
    assert isinstance(elsewhere, Problem)
    assert elsewhere.code == "unauthorized"
    clock.now += late.retry_after
    again = guard.try_token("wrong", ADDRESS)
    assert isinstance(again, Problem)
    assert again.code == "unauthorized"


def test_right_tokens_are_never_counted() -> None:
    guard = guard_of(Clock())
    assert all(guard.try_token(TOKEN, ADDRESS) == OPERATOR for _ in range(100))


def test_neighbours_in_one_ipv6_network_share_their_guesses() -> None:
    attempts = GuessThrottle(Clock())
    for number in range(int(BURST)):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff") > 0
    assert attempts.wait_s("2001:db8:0:1::1") == 0


def test_the_table_of_guesses_is_bounded_and_keeps_the_latest() -> None:
    attempts = GuessThrottle(Clock())
    for number in range(3 * MOST_KEPT):
        attempts.failed(f"10.{number >> 8}.{number & 255}.1")
    for _ in range(int(BURST)):
        attempts.failed("192.0.2.7")
    assert attempts.wait_s("192.0.2.7") > 0
    assert len(attempts._left) <= MOST_KEPT
