"""Two languages with the same texts, chosen by the browser or by the reader."""

import re
import string
from itertools import chain
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes.fake_web import FakeWeb
from tests.support.instance import ROOT
from web.http.i18n import Forms, Language, Languages, preferences
from web.http.problems import STATUS

WEB = ROOT / "web"
LANGUAGES = Languages()
GROUPS = "|".join(sorted({key.partition(".")[0] for key in LANGUAGES.default.texts}))
# A text's key in the source; one that is completed there ends in a dot.
SAID = re.compile(rf"""["'`]((?:{GROUPS})\.(?!js|ics|css)[a-z.-]*)""")


def placeholders(text: str | Forms) -> set[str]:
    forms = (text.one, text.two, text.other) if isinstance(text, Forms) else (text,)
    fields = chain.from_iterable(string.Formatter().parse(form) for form in forms)
    names = {re.split(r"[.\[]", field)[0] for _, field, _, _ in fields if field}
    return names - {"count"}  # the singular may spell it out


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda language: language.tag)
def test_every_language_has_the_same_texts_with_the_same_placeholders(language: Language) -> None:
    english = LANGUAGES.default.texts
    assert language.texts.keys() == english.keys()
    for key, text in language.texts.items():
        assert placeholders(text) == placeholders(english[key]), key


def test_every_problem_has_a_heading_and_a_detail() -> None:
    for code in STATUS:
        assert {f"problem.{code}", f"heading.{code}"} <= LANGUAGES.default.texts.keys()


def test_the_texts_that_the_web_says_are_those_there_are() -> None:
    paths = [path for path in WEB.rglob("*") if path.suffix in (".py", ".tpl", ".js")]
    sources = [path.read_text() for path in paths]
    used = {key for source in sources for key in SAID.findall(source)}
    keys = LANGUAGES.default.texts.keys()
    begun = tuple(key for key in used if key.endswith("."))
    assert {key for key in keys if key not in used and not key.startswith(begun)} == set()
    assert {key for key in used if key not in keys and key not in begun} == set()


def test_a_text_follows_its_number() -> None:
    english, chinese = LANGUAGES.default, LANGUAGES.named("zh-TW")
    assert chinese is not None
    one, two = {"type": "A", "wanted": 3, "count": 1}, {"type": "A", "wanted": 3, "count": 2}
    assert english.say("detail.only", **one).startswith("Only 1 A ticket is left")
    assert english.say("detail.only", **two).startswith("Only 2 A tickets are left")
    assert chinese.say("detail.only", **two) == "「A」僅剩 2 張，而您要購買 3 張。"


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-TW"),
        ("zh-Hant-HK", "zh-TW"),
        ("en-GB,en;q=0.9,zh-TW;q=0.8", "en"),
        ("en;q=0.5,ZH-tw;q=0.8", "zh-TW"),
        ("fr, zh;q=0.1", "zh-TW"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense, en", "en"),
        (",;q=,zh-tw;;", "en"),
    ],
)
def test_the_browsers_languages_choose(accepted: str, tag: str) -> None:
    assert LANGUAGES.of({"accept-language": accepted}).tag == tag


def test_the_readers_own_choice_comes_first() -> None:
    for cookie, tag in (
        ("language=zh-TW", "zh-TW"),
        ("a=b; language=zh-TW; c=d", "zh-TW"),
        ("language=xx", "en"),
        ("my-language=zh-TW", "en"),
    ):
        asked = {"cookie": cookie, "accept-language": "en"}
        assert LANGUAGES.of(asked).tag == tag


@given(st.text(max_size=200))
def test_whatever_a_browser_accepts_it_is_answered(accepted: str) -> None:
    assert LANGUAGES.of({"accept-language": accepted}) in LANGUAGES.all
    assert preferences("zh;q=0.2," * 5000) == ("zh",) * 20


@given(st.integers(0, 10**12))
def test_a_price_names_its_amount_in_every_language(hundredths: int) -> None:
    for language in LANGUAGES.all:
        shown = language.money(hundredths, "TWD", 2)
        digits = re.sub(r"[^0-9.]", "", shown)
        assert (
            shown == language.say("format.free")
            if hundredths == 0
            else float(digits) * 100 == (pytest.approx(hundredths))
        )


# --- over the web --------------------------------------------------------------------


def test_the_page_is_chinese_for_readers_of_chinese(web: FakeWeb) -> None:
    page = web.get("/?event=default", accept_language="zh-TW,zh;q=0.9")
    assert page.headers["content-language"] == "zh-TW"
    assert '<html lang="zh-TW">' in page.text
    for text in ("立即購票", "剩餘 412 張／共 1,000 張", "僅剩 7 張", "已售完", "免費"):
        assert text in page.text
    assert "English" in page.text  # the link to the other one
    assert "Buy tickets" not in page.text


def test_without_a_wish_everything_is_english(web: FakeWeb) -> None:
    page = web.get("/")
    assert page.headers["content-language"] == "en"
    assert '<html lang="en">' in page.text


def test_the_switch_is_remembered_and_leads_back(web: FakeWeb) -> None:
    switched = web.request(
        "POST",
        "/language",
        urlencode({"to": "zh-TW", "back": "/?event=gone"}).encode(),
        content_type="application/x-www-form-urlencoded",
    )
    assert (switched.status, switched.headers["location"]) == (303, "/?event=gone")
    cookie = switched.headers["set-cookie"]
    assert "SameSite=Lax" in cookie
    chosen = cookie.partition(";")[0]
    assert "票券已全數售完" in web.get("/?event=gone", cookie=chosen, accept_language="en").text


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "x", "/a\r\nb: c"]
)
def test_the_switch_leads_nowhere_else(web: FakeWeb, back: str) -> None:
    switched = web.request(
        "POST",
        "/language",
        urlencode({"to": "en", "back": back}).encode(),
        content_type="application/x-www-form-urlencoded",
    )
    assert (switched.status, switched.headers["location"]) == (303, "/")


def test_a_language_that_is_not_there_is_not_found(web: FakeWeb) -> None:
    body = urlencode({"to": "tlh", "back": "/"}).encode()
    form = "application/x-www-form-urlencoded"
    assert web.request("POST", "/language", body, content_type=form).status == 404


def test_the_switch_knows_the_page_it_stands_on(web: FakeWeb) -> None:
    for path, address in (
        ("/?event=gone", "/?event=gone"),
        ("/nope?a=1&b=%22", "/nope?a=1&amp;b=%22"),
        ("/%E7%A5%A8", "/%E7%A5%A8"),
    ):
        assert f'name="back" value="{address}"' in web.get(path).text


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"type": "A"}, "invalid", "請填寫持票人姓名。"),
        ({"type": "C", "buyer": "王小明"}, "sold-out", "「C」已售完。"),
        ({"event": "codes", "type": "overloaded", "buyer": "王小明"}, "overloaded", "人數眾多"),
    ],
)
def test_a_problems_detail_speaks_the_language_and_its_code_stays(
    web: FakeWeb, body: dict[str, str], code: str, detail: str
) -> None:
    answer = web.buy(body, accept_language="zh-TW")
    assert answer.headers["content-language"] == "zh-TW"
    assert answer.json["code"] == code
    assert detail in answer.json["detail"]


def test_a_body_that_is_too_large_is_refused_in_the_askers_language(web: FakeWeb) -> None:
    answer = web.buy(b"x" * 17 * 1024, accept_language="zh")
    assert (answer.status, answer.json["detail"]) == (413, "資料超過 16 KiB 的上限。")


def test_what_went_wrong_stands_on_the_page_in_chinese(web: FakeWeb) -> None:
    fields = {"event": "default", "type": "A", "quantity": "1", "buyer": "", "key": "k-1"}
    answer = web.submit(urlencode(fields), accept_language="zh-TW")
    assert answer.status == 422
    assert "請填寫持票人姓名。" in answer.text
