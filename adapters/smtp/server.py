"""A mail server over SMTP, by Python's own client, in a thread: a letter of a schedule is nothing that is urgent."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from mimetypes import guess_type
from typing import TYPE_CHECKING, Final

from application.ports.delivering import MailNotSetUp, MailRefused, MailUnavailable

if TYPE_CHECKING:
    from adapters.smtp.settings import SmtpSettings
    from application.commanding import Clock
    from application.ports.delivering import Letter

_PATIENCE: Final = 30.0
_FOREVER: Final = 500
_UNAUTHENTICATED: Final = frozenset({530, 534, 535, 538})
"""Codes of a server that does not know us: nothing about the letter is wrong."""


class SmtpServer:
    """Implements `MailServer`; without settings there is none."""

    def __init__(self, settings: SmtpSettings | None, clock: Clock) -> None:
        """Reach the server by `settings`; letters are dated by `clock`."""
        self._settings = settings
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        """See `MailServer.send`."""
        if self._settings is None:
            raise MailNotSetUp
        await asyncio.to_thread(self._send, self._settings, self._message(self._settings, letter), letter.to)

    def _message(self, settings: SmtpSettings, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = f"<{letter.message_id}@{settings.sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        for one in letter.attachments:
            kind = (guess_type(one.name)[0] or "application/octet-stream").partition("/")
            message.add_attachment(one.content, maintype=kind[0], subtype=kind[2], filename=one.name)
        return message

    def _send(self, settings: SmtpSettings, message: EmailMessage, to: str) -> None:
        # Whatever the server said may repeat the address: neither logs nor events are to hold it.
        try:
            with self._connected(settings) as client:
                client.send_message(message, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as answer:
            raise _judged(max(code for code, _ in answer.recipients.values())) from None
        except smtplib.SMTPResponseException as answer:
            raise _judged(answer.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise MailRefused from None  # an address with other letters than ASCII, and a server that takes none
        except (smtplib.SMTPException, OSError):
            raise MailUnavailable from None

    def _connected(self, settings: SmtpSettings) -> smtplib.SMTP:
        context = ssl.create_default_context()
        client = (
            smtplib.SMTP_SSL(settings.host, settings.port, timeout=_PATIENCE, context=context)
            if settings.encrypted
            else smtplib.SMTP(settings.host, settings.port, timeout=_PATIENCE)
        )
        try:
            if not settings.encrypted and not settings.in_clear:
                client.starttls(context=context)
            if settings.user is not None:
                client.login(settings.user, settings.password or "")
        except smtplib.SMTPNotSupportedError:
            client.close()
            raise MailUnavailable from None
        except BaseException:
            client.close()
            raise
        return client


def _judged(code: int) -> MailRefused | MailUnavailable:
    return MailRefused() if code >= _FOREVER and code not in _UNAUTHENTICATED else MailUnavailable()
