"""The report is one page for people, made of the events, that can do nothing and shows no ciphertext."""

import json
from html.parser import HTMLParser

import pytest

from adapters.evidence import report
from adapters.evidence.source import Hidden
from tests.support.evidence import Log, contents, envelope, log_of, written

EVIL = "<script>alert(1)</script>\u202e&amp;\"'\x07"


class Page(HTMLParser):
    """What is on a page."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(log: Log, **other: object) -> Page:
    return Page(contents(written(log.part(), **other))["report.html"])


def test_it_says_what_is_proven_what_was_asked_and_what_happened() -> None:
    log = log_of(250)
    hidden = [Hidden("kind", "audience.*", 200), Hidden("actor", "<anyone>", 45)]
    part = log.part(range(1, 6), hidden=hidden)
    shown = Page(
        contents(written(part, question={"period": {"from": "2026-11-01"}, "subject": None}))["report.html"]
    )
    for said in (
        "holds 5 events",
        "from: 2026-11-01",
        "penguinmails audit verify",
        "positions 1 to 250 were looked at",
        "audience.*",
        "<anyone>",
        "2026-11-01 00:00:00",
        f"member {json.loads(envelope(1))['metadata']['actor']['id']}",
        "first_name: sealed",
        "note: number 5",
    ):
        assert said in shown.text, said
    assert (shown.open, shown.tags.count("h1"), shown.tags.count("html")) == ([], 1, 1)
    assert shown.tags.count("table") == shown.tags.count("caption") > 4


def test_nothing_in_it_does_anything_or_comes_from_outside() -> None:
    log = Log([envelope(1, text=EVIL), envelope(2, text="x" * 5000)])
    shown = page(log, question={EVIL: EVIL}, installation="mail.example")
    assert not {"script", "img", "link", "iframe", "object", "a", "form"} & set(shown.tags)
    assert {name for name, _ in shown.attributes} <= {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "scope",
        "class",
    }
    assert "<script>alert(1)</script>[U+202E]&amp;\"'[U+0007]" in shown.text
    assert "x" * 200 not in shown.text
    assert "http" not in shown.text.replace("http-equiv", "")


def test_ciphertext_is_nowhere() -> None:
    log = log_of(30)
    shown = page(log)
    assert "AAECAwQFBgcICQoL" in written(log.part()).decode(errors="replace")
    assert "AAECAwQFBgcICQoL" not in shown.text
    assert "r7qi5cbz" not in shown.text


def test_of_many_events_it_counts_all_and_shows_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_EVENTS", 10)
    shown = page(log_of(120))
    assert "Here are the first 10; all are in events.jsonl" in shown.text
    assert "number 10" in shown.text
    assert "number 11" not in shown.text
    assert "120 events" in shown.text


def test_what_is_no_event_is_shown_without_what_it_lacks() -> None:
    event = json.loads(envelope(1))
    odd = [{"metadata": []}, {"payload": 7}, {"metadata": {"actor": "x"}}]
    log = Log([json.dumps(event | {"position": n} | one).encode() for n, one in enumerate(odd, 1)])
    assert "unknown" in page(log).text
