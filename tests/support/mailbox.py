"""A real SMTP server: what it took in, and what it is to refuse; in the clear, or under a certificate of its own."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "mail.example"
USER, PASSWORD = "penguin", "s:cret/of tests"


@dataclass(slots=True)
class Mailbox:
    """What came in, in order. `refused`: the answer to a recipient, by address; `down`: to everything.

    `sender`, `data`: the answer to whoever sends, and to a letter.
    """

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    sender: str | None = None
    data: str | None = None
    down: bool = False
    url: str = ""
    port: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by its name
        self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any
    ) -> str:
        """Whether it takes mail from somebody."""
        envelope.mail_from = address
        return self.sender or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by its name
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        """Whether it takes mail for somebody."""
        if self.down:
            return "451 come again"
        answer = self.refused.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 - the same
        """Take a letter in."""
        if self.data is not None:
            return self.data
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received += [(to, message) for to in envelope.rcpt_tos]
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for an address."""
        return [message for to, message in self.received if to == address]


@asynccontextmanager
async def mailbox(
    *, starttls: ssl.SSLContext | None = None, encrypted: ssl.SSLContext | None = None, login: bool = False
) -> AsyncIterator[Mailbox]:
    """The server, on a port of its own: in the clear, `starttls` alone, or `encrypted` from the first byte.

    `login`: it takes nothing from anybody but `USER`, with `PASSWORD`.
    """
    box = Mailbox()
    loop = asyncio.get_running_loop()

    def talk() -> SMTP:
        with warnings.catch_warnings():
            # It asks for a login in the clear only where everything is encrypted: from the first byte, unseen by it.
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return SMTP(
                box,
                hostname=HOST,
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=login,
                auth_require_tls=encrypted is None,
                authenticator=_authenticated if login else None,
            )

    server = await loop.create_server(talk, "127.0.0.1", 0, ssl=encrypted)
    box.port = server.sockets[0].getsockname()[1]
    box.url = f"smtp://127.0.0.1:{box.port}"
    async with server:
        yield box


def _authenticated(_: SMTP, __: Session, ___: Envelope, ____: str, told: Any) -> AuthResult:
    known = isinstance(told, LoginPassword) and told == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=known)


def certified(folder: Path, *names: str, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """What a server of these names shows, signed by itself for so many days, and the file that whoever trusts it needs.

    `days` below zero: it has expired.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
