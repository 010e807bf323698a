"""What organisers tell of an event: whatever they write, pages show it as text."""

from html import unescape

import msgspec
import pytest

from core.schema.records import EventTexts
from tests.support.fakes.fake_site import GALA
from web.http.i18n import Languages
from web.http.static_files import Assets
from web.pages.event_about import event_about
from web.pages.event_rows import event_rows
from web.pages.rendering import PageRenderer, Visit
from web.pages.sale_view import sale_view
from web.reads.catalog import Snapshot

LANGUAGES = Languages()
NOW = 1_800_000_000.0
STARTS_AT = GALA.starts_at or 0.0
TOLD = msgspec.structs.replace(
    GALA,
    description='Bring <b>a coat</b>.\nIt is cold.\n\nSee https://example.org/a?b=1&c="2". Bye',
    organiser="Friends & Co",
    doors_at=STARTS_AT - 3600,
    translations={"zh-TW": EventTexts(title="夏日晚會", description="請帶外套。")},
)


def shown(tag: str = "en") -> str:
    """Returns the sale's page of the event."""
    language = LANGUAGES.named(tag) or LANGUAGES.default
    page = sale_view(language, TOLD, Snapshot(events=(TOLD,), as_of=NOW), NOW, {})
    renderer = PageRenderer(LANGUAGES, Assets())
    return renderer.page(Visit(language, "/", ""), "sale", None, page=page).body.decode()


def test_a_description_is_text_in_paragraphs_with_links() -> None:
    page = shown()
    assert "<p>Bring &lt;b&gt;a coat&lt;/b&gt;.\nIt is cold.</p>" in page
    link = 'href="https://example.org/a?b=1&amp;c=" rel="nofollow noopener"'
    assert link in page
    assert "&quot;2&quot;. Bye</p>" in page
    for text in ("Organised by Friends & Co", "Doors open 15:00", "1 June 2096, 16:00 (Taipei)"):
        assert text in unescape(page)


def test_an_event_is_told_in_the_readers_language_where_it_has_texts_in_it() -> None:
    page = shown("zh-TW")
    for text in ("夏日晚會", "請帶外套。", "主辦單位：Friends & Co", "15:00 開放入場"):
        assert text in unescape(page)
    assert "coat" not in page


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("at https://a.example/x.", "https://a.example/x"),
        ("（https://a.example/票）", "https://a.example/票"),
        ("javascript:alert(1)", None),
        ("https://", None),
    ],
)
def test_only_whole_addresses_of_the_web_are_links(text: str, address: str | None) -> None:
    event = msgspec.structs.replace(GALA, description=text)
    [pieces] = event_about(LANGUAGES.default, event).paragraphs
    assert "".join(piece.text for piece in pieces) == text
    assert next((piece.text for piece in pieces if piece.is_link), None) == address


def test_doors_that_open_on_another_day_say_which() -> None:
    early = msgspec.structs.replace(GALA, doors_at=STARTS_AT - 86_400)
    assert "31 May 2096, 16:00" in event_about(LANGUAGES.default, early).doors


def test_events_are_listed_by_their_start_and_drafts_are_not() -> None:
    later = msgspec.structs.replace(GALA, name="later", starts_at=STARTS_AT + 60, ends_at=None)
    none = msgspec.structs.replace(GALA, name="some-day", starts_at=None, ends_at=None)
    draft = msgspec.structs.replace(GALA, name="draft", hidden=True)
    over = msgspec.structs.replace(GALA, name="over", starts_at=NOW - 9e6, ends_at=NOW - 8e6)
    snapshot = Snapshot(events=(none, draft, later, over, GALA), as_of=NOW)
    rows = event_rows(LANGUAGES.default, snapshot, NOW)
    assert [row.name for row in rows] == ["gala", "later", "some-day"]
    assert {row.left for row in rows} == {"37 tickets left"}
