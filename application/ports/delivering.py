"""Where deliveries go: folders of this installation, and a mail server; and how figures become files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from application.completeness import Completeness
from application.figures import Figures


class FolderUnwritable(OSError):
    """The folder cannot be written to: the disk is full, or what is there is no folder of ours."""


class MailRefused(Exception):
    """The mail server says that nobody is reached at this address, or the letter is too large for it: it stays so."""


class MailTrouble(StrEnum):
    """Why a mail server took nothing over, in a word that repeats nothing of what it said."""

    UNREACHABLE = "unreachable"
    """Nobody answers, or the connection broke."""
    NO_ANSWER = "no_answer"
    """Somebody answers the call, and then says nothing for too long."""
    CERTIFICATE = "certificate"
    """Its certificate is not to be trusted, or is another's."""
    NO_ENCRYPTION = "no_encryption"
    """It does not encrypt, and nothing goes there in the clear."""
    LOGIN = "login"
    """It does not know this user and password."""
    SENDER = "sender"
    """It takes no mail from the address that ours comes from."""
    NOT_NOW = "not_now"
    """It asks to come again later."""
    PUT_OFF = "put_off"
    """It asks to come again later with a letter to this one address."""
    DENIED = "denied"
    """It refuses a letter for another reason than its address: it relays nothing for us, or dislikes what it reads."""


class MailUnavailable(Exception):
    """The mail server cannot be reached, or takes nothing from us just now. Try again later: `trouble` says why."""

    def __init__(self, trouble: MailTrouble = MailTrouble.UNREACHABLE) -> None:
        """Say why."""
        super().__init__(trouble.value)
        self.trouble = trouble


class MailDeferred(MailUnavailable):
    """The mail server takes nothing for this one address just now; others it may. Try again later.

    Here belongs what it refuses without a word on the address: who sets the server right need not write anew.
    """

    def __init__(self, trouble: MailTrouble = MailTrouble.PUT_OFF) -> None:
        """Say why."""
        super().__init__(trouble)


class MailNotSetUp(Exception):
    """This installation has no mail server."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a letter."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one person. `message_id` is the same whenever it is sent: a receiver knows a second one by it.

    `kind`: what the log calls it, as `billing.payment_failed`.
    """

    to: str = field(repr=False)
    subject: str
    text: str
    message_id: UUID
    attachments: tuple[Attachment, ...] = ()
    kind: str = field(kw_only=True)


class MailServer(Protocol):
    """Takes mail over."""

    async def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises `MailRefused`, `MailUnavailable`, `MailNotSetUp`."""


class DeliveryFolders(Protocol):
    """Folders that files are delivered to, a tenant's apart from all others'."""

    def write(self, tenant_id: UUID, folder: str, name: str, content: bytes) -> None:
        """Put a file in place, over an older one of its name: it is there whole, or not at all. Blocks.

        Raises `FolderUnwritable`.
        """


class FigureFiles(Protocol):
    """Makes files of figures."""

    def files(
        self, figures: Figures, form: str, name: str, *, decimal: str | None
    ) -> Sequence[tuple[str, bytes]]:
        """The file in a form, and what else belongs beside it; `name` is without its ending. Takes time.

        `decimal`: of CSV, point or comma.
        """

    def beside(self, file: str, made: Completeness) -> tuple[str, bytes]:
        """What belongs beside a file that holds no certificate of its own."""
