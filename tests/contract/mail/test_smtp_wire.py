"""What a real SMTP server says, or does not say, and what becomes of it: tried again, or given up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from application.ports.delivering import Attachment, MailDeferred, MailRefused, MailTrouble, MailUnavailable
from tests.support.mailbox import HOST, PASSWORD, USER, Mailbox, certified, mailbox
from tests.support.posts import letter, smtp

TO = "anna@acme.example"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


def serving(
    scheme: str, context: ssl.SSLContext, *, login: bool = False
) -> AbstractAsyncContextManager[Mailbox]:
    """A server that encrypts as an address of this scheme says."""
    if scheme == "smtp":
        return mailbox(starttls=context, login=login)
    return mailbox(encrypted=context, login=login)


@asynccontextmanager
async def saying(*said: str, then_hangs: bool = False) -> AsyncIterator[str]:
    """A server in the clear that answers line by line, whatever it is told; its address."""
    held: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        for line in said:
            writer.write(line.encode() + b"\r\n")
            if not await reader.readline():
                break
            if line.startswith("354"):
                await reader.readuntil(b"\r\n.\r\n")
        if not then_hangs:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in held:
            writer.close()
        server.close()
        await server.wait_closed()


async def trouble_with(url: str, patience: float = 5) -> MailTrouble:
    """Why a letter was not taken over, which nothing is wrong with."""
    with pytest.raises(MailUnavailable) as raised:
        await smtp(url, patience).send(letter(TO))
    said = raised.value.__context__ is not None and not raised.value.__suppress_context__
    assert not said, "nothing of what the server said is told"
    assert not isinstance(raised.value, MailDeferred)
    return raised.value.trouble


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_only_a_certificate_that_is_trusted_of_that_name_and_in_time_is_taken(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, trusted = certified(tmp_path, HOST)
    other, others = certified(tmp_path, "other.example")
    (tmp_path / "old").mkdir()
    old, olds = certified(tmp_path / "old", HOST, days=-1)
    for context, file in ((right, others), (other, others), (old, olds)):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        async with serving(scheme, context) as box:
            assert await trouble_with(f"{scheme}://{HOST}:{box.port}") is MailTrouble.CERTIFICATE
            assert box.received == []
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with serving(scheme, right) as box:
        await smtp(f"{scheme}://{HOST}:{box.port}").send(letter(TO))
        assert len(box.to(TO)) == 1


async def test_nothing_goes_in_the_clear_to_another_machine() -> None:
    async with mailbox() as box:
        assert await trouble_with(f"smtp://{LOGIN}{HOST}:{box.port}") is MailTrouble.NO_ENCRYPTION
        assert await trouble_with(f"smtps://{LOGIN}{HOST}:{box.port}") is MailTrouble.NO_ENCRYPTION
        assert box.received == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_does_not_know_us_refuses_no_letter(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certified(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with serving(scheme, context, login=True) as box:
        here = f"{HOST}:{box.port}"
        for who in ("penguin:wrong@", ""):
            assert await trouble_with(f"{scheme}://{who}{here}") is MailTrouble.LOGIN
        assert box.received == []
        await smtp(f"{scheme}://{LOGIN}{here}").send(letter(TO))
        assert len(box.to(TO)) == 1
    async with serving(scheme, context) as box:
        known_by_nobody = await trouble_with(f"{scheme}://{LOGIN}{HOST}:{box.port}")
        assert known_by_nobody is MailTrouble.LOGIN


async def test_no_letter_needs_more_than_every_server_takes() -> None:
    """Eight bits a character are for servers that say so (8BITMIME), and a server need not."""
    async with mailbox() as box:
        attached = Attachment("a.csv", "Größe;1\r\n".encode())
        await smtp(box.url).send(replace(letter(TO), attachments=(attached,)))
        (came,) = box.to(TO)
        parts = [part["content-transfer-encoding"] for part in came.walk() if not part.is_multipart()]
        assert parts
        assert set(parts) <= {"7bit", "quoted-printable", "base64"}
        body = came.get_body()
        assert body is not None
        assert body.get_content().replace("\r\n", "\n") == letter(TO).text


async def test_a_server_that_asks_for_a_login_of_another_kind_does_not_know_us() -> None:
    hello = "250-mail.example\r\n250 AUTH GSSAPI XOAUTH2"
    async with saying("220 mail.example", hello) as url:
        assert await trouble_with(url.replace("//", f"//{LOGIN}")) is MailTrouble.LOGIN


@pytest.mark.parametrize(
    ("where", "answer", "becomes"),
    [
        ("sender", "451 later", MailTrouble.NOT_NOW),
        ("sender", "550 not from you", MailTrouble.SENDER),
        ("sender", "530 who are you", MailTrouble.LOGIN),
        ("sender", "552 too large", MailRefused),
        ("recipient", "450 mailbox busy", MailDeferred),
        ("recipient", "450 4.1.1 nobody is known yet", MailDeferred),
        ("recipient", "421 closing", MailTrouble.NOT_NOW),
        ("recipient", "530 who are you", MailTrouble.LOGIN),
        ("data", "451 greylisted", MailDeferred),
        ("data", "421 closing", MailTrouble.NOT_NOW),
        *(
            (where, f"{code} {status} no", MailRefused)
            for where in ("recipient", "data")
            for code, status in (
                (550, "5.1.1"),
                (550, "5.1.2"),
                (553, "5.1.3"),
                (551, "5.1.6"),
                (556, "5.1.10"),
                (550, "5.2.1"),
            )
        ),
    ],
)
async def test_each_answer_is_about_the_letter_the_address_or_the_server(
    where: str, answer: str, becomes: type[Exception] | MailTrouble
) -> None:
    async with mailbox() as box:
        if where == "recipient":
            box.refused[TO] = answer
        else:
            setattr(box, where, answer)
        if isinstance(becomes, MailTrouble):
            assert await trouble_with(box.url) is becomes
        else:
            with pytest.raises(becomes) as raised:
                await smtp(box.url).send(letter(TO))
            assert raised.value.__suppress_context__
        assert box.received == []


@pytest.mark.parametrize("where", ["recipient", "data"])
@pytest.mark.parametrize(
    "answer",
    [
        "550 no such person",
        "550 5.7.1 relaying denied",
        "554 5.7.1 looks like spam, see 5.1.1",
        "552 5.2.2 mailbox full",
        "552 5.3.4 too large",
        "550 5.1.8 sender's domain is unknown",
        "550 5.1.12 another code that begins alike",
        "550 5.2.1.9 no code",
    ],
)
async def test_a_refusal_that_is_not_about_the_address_is_tried_again(where: str, answer: str) -> None:
    async with mailbox() as box:
        if where == "recipient":
            box.refused[TO] = answer
        else:
            box.data = answer
        with pytest.raises(MailDeferred) as raised:
            await smtp(box.url).send(letter(TO))
        assert raised.value.trouble is MailTrouble.DENIED
        assert raised.value.__suppress_context__
        box.refused.clear()
        box.data = None
        await smtp(box.url).send(letter(TO))
        assert len(box.to(TO)) == 1


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("220 mail.example",),
        ("220 mail.example", "250 hello", "250 sender"),
        ("220 mail.example", "250 hello", "250 sender", "250 you", "354 go on"),
    ],
)
async def test_a_server_that_hangs_is_asked_again(said: tuple[str, ...]) -> None:
    async with saying(*said, then_hangs=True) as url:
        assert await trouble_with(url, patience=0.3) is MailTrouble.NO_ANSWER


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (("220 mail.example", "250 hello", "250 sender"), MailTrouble.UNREACHABLE),
        (("421 too busy",), MailTrouble.NOT_NOW),
        (("554 no mail here",), MailTrouble.NOT_NOW),
        (("HTTP/1.1 400 Bad Request",), MailTrouble.NOT_NOW),
    ],
)
async def test_a_server_that_breaks_off_or_takes_no_mail_is_asked_again(
    said: tuple[str, ...], trouble: MailTrouble
) -> None:
    async with saying(*said) as url:
        assert await trouble_with(url) is trouble


async def test_a_server_that_does_not_shake_hands_is_asked_again() -> None:
    async with saying(then_hangs=True) as url:
        hanging = url.replace("smtp://127.0.0.1", f"smtps://{HOST}")
        assert await trouble_with(hanging, patience=0.3) is MailTrouble.NO_ANSWER


@pytest.mark.parametrize("farewell", ["500 what", "421 closing", None])
async def test_what_was_taken_over_is_not_sent_again_for_a_farewell_that_fails(farewell: str | None) -> None:
    said = ["220 mail.example", "250 hello", "250 sender", "250 you", "354 go on", "250 taken"]
    async with saying(*said, *([farewell] if farewell else []), then_hangs=farewell is None) as url:
        await smtp(url, patience=0.3).send(letter(TO))
