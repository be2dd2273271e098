"""A mail server over SMTP, by Python's own client, in a thread: a letter of a schedule is nothing that is urgent."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from contextlib import ExitStack, suppress
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from mimetypes import guess_type
from typing import TYPE_CHECKING, Final

from application.ports.delivering import (
    MailDeferred,
    MailNotSetUp,
    MailRefused,
    MailTrouble,
    MailUnavailable,
)

if TYPE_CHECKING:
    from adapters.smtp.settings import SmtpSettings
    from application.commanding import Clock
    from application.ports.delivering import Letter

_PATIENCE: Final = 30.0
_SEVEN_BITS: Final = policy.default.clone(cte_type="7bit")
"""How letters are written: a server need not take more (RFC 6152), and whoever reads them sees no difference."""
_FOREVER: Final = 500
_TOO_LARGE: Final = 552
_CLOSING: Final = 421
"""A server that takes nothing from anybody any more."""
_UNAUTHENTICATED: Final = frozenset({530, 534, 535, 538})
"""Codes of a server that does not know us: nothing about the letter is wrong."""
_NOBODY_THERE: Final = re.compile(rb"5\.(?:1\.(?:1|2|3|6|10)|2\.1)(?![.0-9])")
"""Enhanced status codes of an address where nobody is reached, or nobody any more (RFC 3463, RFC 7505)."""


class SmtpServer:
    """Implements `MailServer`; without settings there is none."""

    def __init__(self, settings: SmtpSettings | None, clock: Clock, patience: float = _PATIENCE) -> None:
        """Reach the server by `settings`; letters are dated by `clock`. `patience`: seconds for each of its answers."""
        self._settings = settings
        self._clock = clock
        self._patience = patience

    async def send(self, letter: Letter) -> None:
        """See `MailServer.send`."""
        if self._settings is None:
            raise MailNotSetUp
        await asyncio.to_thread(self._send, self._settings, self._message(self._settings, letter), letter.to)

    def _message(self, settings: SmtpSettings, letter: Letter) -> EmailMessage:
        message = EmailMessage(_SEVEN_BITS)
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
        client = self._connected(settings)
        try:
            client.send_message(message, to_addrs=[to])
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise _of_letter(error) from None
        # The letter is taken over, whatever becomes of the farewell.
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()

    def _connected(self, settings: SmtpSettings) -> smtplib.SMTP:
        """A connection on which letters may be handed over. Raises `MailUnavailable`."""
        context = ssl.create_default_context()
        where = (settings.host, settings.port)
        with ExitStack() as stack:
            try:
                client = (
                    smtplib.SMTP_SSL(*where, timeout=self._patience, context=context)
                    if settings.encrypted
                    else smtplib.SMTP(*where, timeout=self._patience)
                )
                stack.callback(client.close)
                client.ehlo_or_helo_if_needed()
                if not settings.encrypted and not settings.in_clear:
                    if not client.has_extn("starttls"):
                        raise MailUnavailable(MailTrouble.NO_ENCRYPTION)
                    client.starttls(context=context)
                if settings.user is not None:
                    _log_in(client, settings.user, settings.password or "")
            except (smtplib.SMTPException, OSError) as error:
                raise MailUnavailable(_trouble(error)) from None
            stack.pop_all()
        return client


def _log_in(client: smtplib.SMTP, user: str, password: str) -> None:
    """Say who we are. A server that asks nobody who they are does not know us either."""
    client.ehlo_or_helo_if_needed()
    if not client.has_extn("auth"):
        raise MailUnavailable(MailTrouble.LOGIN)
    try:
        client.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        raise MailUnavailable(
            MailTrouble.LOGIN if error.smtp_code >= _FOREVER else MailTrouble.NOT_NOW
        ) from None
    except smtplib.SMTPException as error:
        # Bare, it is no answer and no broken connection: there is no way to log in that both sides know.
        if type(error) is smtplib.SMTPException:
            raise MailUnavailable(MailTrouble.LOGIN) from None
        raise


def _of_letter(error: smtplib.SMTPException | OSError) -> MailRefused | MailUnavailable:
    """What it means that a letter was not taken over, by a server that takes letters."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _judged(*max(error.recipients.values()))
        case smtplib.SMTPNotSupportedError():
            return MailRefused()  # an address with other letters than ASCII, and a server that takes none
        case smtplib.SMTPSenderRefused(smtp_code=code) if code == _TOO_LARGE:
            return MailRefused()
        case smtplib.SMTPSenderRefused() if error.smtp_code not in _UNAUTHENTICATED:
            later = error.smtp_code < _FOREVER
            return MailUnavailable(MailTrouble.NOT_NOW if later else MailTrouble.SENDER)
        case smtplib.SMTPResponseException():
            return _judged(error.smtp_code, error.smtp_error)
        case _:
            return MailUnavailable(_trouble(error))


def _judged(code: int, said: bytes | str) -> MailRefused | MailUnavailable:
    """What an answer about one letter means.

    A bare 5xx says nothing of the address: a relay that does not know us refuses everybody by it.
    """
    if code in _UNAUTHENTICATED:
        return MailUnavailable(MailTrouble.LOGIN)
    if code >= _FOREVER:
        words = said.encode(errors="replace") if isinstance(said, str) else said
        return MailRefused() if _NOBODY_THERE.match(words) else MailDeferred(MailTrouble.DENIED)
    return MailUnavailable(MailTrouble.NOT_NOW) if code == _CLOSING else MailDeferred()


def _trouble(error: smtplib.SMTPException | OSError) -> MailTrouble:
    """Why a server is of no use now, whatever the letter."""
    match error, error.__context__:
        case (ssl.SSLCertVerificationError(), _):
            return MailTrouble.CERTIFICATE
        case (ssl.SSLError(), _):
            return MailTrouble.NO_ENCRYPTION
        case (TimeoutError(), _) | (smtplib.SMTPServerDisconnected(), TimeoutError()):
            return MailTrouble.NO_ANSWER
        case (smtplib.SMTPResponseException(), _):
            return MailTrouble.NOT_NOW
        case _:
            return MailTrouble.UNREACHABLE
