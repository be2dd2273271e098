"""Mail over SMTP, to a real server: what a letter is made of, and what a refusal means."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from adapters.smtp.server import SmtpServer
from adapters.smtp.settings import smtp_settings
from application.ports.delivering import (
    Attachment,
    Letter,
    MailDeferred,
    MailNotSetUp,
    MailRefused,
    MailUnavailable,
)
from tests.support.given import uid
from tests.support.mailbox import mailbox

MOMENT = datetime(2026, 11, 27, 6, tzinfo=UTC)
FILE = Attachment("mrr_2026-10-01_2026-10-31.xlsx", b"PK\x03\x04 not really")
LETTER = Letter(
    "anna@acme.example",
    "Büro: 2026-11-01",
    "As of position 9.\n",
    uid(5),
    (FILE,),
    kind="report.delivery",
)


def server(url: str) -> SmtpServer:
    return SmtpServer(smtp_settings(url, "reports@sender.example"), lambda: MOMENT)


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with mailbox() as box:
        await server(box.url).send(LETTER)
        (letter,) = box.to("anna@acme.example")
    assert letter["from"] == "reports@sender.example"
    assert letter["subject"] == LETTER.subject
    assert letter["message-id"] == f"<{uid(5)}@sender.example>"
    assert letter["date"].datetime == MOMENT
    (attached,) = letter.iter_attachments()
    assert attached.get_filename() == FILE.name
    assert hashlib.sha256(attached.get_content()).digest() == hashlib.sha256(FILE.content).digest()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.1.1 no such person", MailRefused),
        ("550 relaying denied", MailDeferred),
        ("450 later", MailDeferred),
    ],
)
async def test_what_the_server_says_decides_whether_it_is_tried_again(
    answer: str, error: type[Exception]
) -> None:
    async with mailbox() as box:
        box.refused[LETTER.to] = answer
        with pytest.raises(error) as raised:
            await server(box.url).send(LETTER)
        assert box.received == []
    assert LETTER.to not in str(raised.value)
    assert raised.value.__suppress_context__


async def test_a_server_that_is_not_there_is_asked_again_and_none_at_all_is_said() -> None:
    async with mailbox() as box:
        url = box.url
    with pytest.raises(MailUnavailable):
        await server(url).send(LETTER)
    with pytest.raises(MailNotSetUp):
        await SmtpServer(None, lambda: MOMENT).send(LETTER)


def test_beyond_this_machine_nothing_goes_in_the_clear() -> None:
    assert smtp_settings("smtp://127.0.0.1:25", "a@b").in_clear
    assert not smtp_settings("smtp://mail.example", "a@b").in_clear
    told = smtp_settings("smtps://me%40acme:s%3Acret@mail.example", "a@b")
    assert (told.port, told.encrypted, told.user, told.password) == (465, True, "me@acme", "s:cret")
    assert smtp_settings("smtp://mail.example", "a@b").port == 587
    assert "s:cret" not in repr(told)
    for wrong in (
        "http://mail.example",
        "mail.example",
        "smtp://",
        "smtp://h:x",
        "smtp://h/?a=1",
        "smtp://h/x",
    ):
        with pytest.raises(ValueError, match="write it as"):
            smtp_settings(wrong, "a@b")


@pytest.mark.parametrize("login", ["p%C3%A4nguin:secret", "penguin:geh%C3%A4im"])
def test_a_login_that_cannot_be_sent_is_refused_when_it_is_set(login: str) -> None:
    with pytest.raises(ValueError, match="ASCII") as raised:
        smtp_settings(f"smtps://{login}@mail.example", "a@b")
    assert "geh" not in str(raised.value)
