"""Finding an order again: by its number and the name on it, and without telling strangers more."""

from urllib.parse import urlencode

import pytest

from core.schema.order_number import check_character, number_of
from tests.support.fakes.fake_web import FakeWeb, Response
from tests.support.fakes.fake_web import running as fake_running
from web.auth.guess_throttle import PER_S, GuessThrottle


def find(web: FakeWeb, number: str, buyer: str, **headers: str) -> Response:
    form = urlencode({"number": number, "buyer": buyer}).encode()
    content_type = "application/x-www-form-urlencoded"
    return web.request("POST", "/find", form, content_type=content_type, **headers)


def bought(web: FakeWeb, buyer: str) -> str:
    fields = {
        "event": "gala",
        "type": "front",
        "quantity": "1",
        "buyer": buyer,
        "key": f"f-{buyer.isascii()}-{len(buyer)}",
    }
    return web.submit(urlencode(fields)).headers["location"]


def no_order() -> str:
    return f"00000-0000{check_character('0' * 9)}"


@pytest.mark.parametrize(
    "buyer", ["Zoë Müller-Łukasz", " zoe  MULLER Lukasz ", "Ｚｏｅ Muller-Lukasz"]
)
def test_an_order_is_found_by_number_and_name_however_they_are_typed(
    web: FakeWeb, buyer: str
) -> None:
    address = bought(web, "Zoë Müller-Łukasz")
    number = number_of(address[-32:])
    for typed in (number, number.replace("-", " ").lower()):
        answer = find(web, typed, buyer)
        assert (answer.status, answer.headers["location"]) == (303, address)


def test_a_wrong_number_and_a_wrong_name_get_the_same_answer(web: FakeWeb) -> None:
    number = number_of(bought(web, "Ada")[-32:])
    wrong = [find(web, number, "Bob"), find(web, no_order(), "Bob")]
    assert {each.status for each in wrong} == {404}
    first, second = (each.text.replace(number, "?").replace(no_order(), "?") for each in wrong)
    assert first == second
    assert "no order with that number and name" in first
    assert 'value="Bob"' in first


def test_a_mistyped_number_is_told_at_its_field_and_nothing_is_lost(web: FakeWeb) -> None:
    answer = find(web, "7KX2M-4Q9TZ", "Ada")
    assert answer.status == 422
    assert 'id="number-error"' in answer.text
    assert 'value="7KX2M-4Q9TZ"' in answer.text
    assert "這不是訂單編號" in find(web, "?", "Ada", accept_language="zh-TW").text


def test_guesses_are_slowed_down_and_so_is_every_client_at_a_number_that_was_guessed() -> None:
    with fake_running("open", trusted_proxy="127.0.0.1") as web:
        address = bought(web, "Ada")
        number = number_of(address[-32:])

        def guess(client: str, name: str = "Bob") -> int:
            return find(web, number, name, x_forwarded_for=client).status

        assert [guess(f"198.51.100.{each}") for each in range(10)] == [404] * 10
        late = find(web, number, "Ada", x_forwarded_for="203.0.113.9")
        assert (late.status, "retry-after" in late.headers) == (429, True)
        for _ in range(10):
            find(web, no_order(), "Bob", x_forwarded_for="203.0.113.10")
        assert find(web, no_order(), "Ada", x_forwarded_for="203.0.113.10").status == 429
        other = number_of(bought(web, "Cy")[-32:])
        assert find(web, other, "Cy", x_forwarded_for="203.0.113.11").status == 303


def test_who_has_no_page_is_led_to_the_search(web: FakeWeb) -> None:
    assert 'href="/find"' in web.get(f"/orders/{'0' * 32}").text
    assert web.get("/find").status == 200


def test_guesses_that_come_side_by_side_count_as_many_and_a_right_one_for_nothing() -> None:
    throttle = GuessThrottle(lambda: 100.0)
    for _ in range(300):
        throttle.failed("192.0.2.1")
    assert 0 < throttle.wait_s("192.0.2.1") <= 1 / PER_S + 1
    throttle.forgive("192.0.2.1")
    assert throttle.wait_s("192.0.2.1") == 0
