"""A mail server in memory, for tests of what sends letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.ports.delivering import MailDeferred, MailRefused, MailTrouble, MailUnavailable

if TYPE_CHECKING:
    from application.ports.delivering import Letter


class MemoryMail:
    """Implements `MailServer`. `refused`, `deferred`: addresses it takes nothing for; `trouble`: it takes nothing.

    `denied`: addresses it refuses without a word on them.
    """

    def __init__(self) -> None:
        """Begin with nothing taken over."""
        self.taken: list[Letter] = []
        self.refused: set[str] = set()
        self.deferred: set[str] = set()
        self.denied: set[str] = set()
        self.trouble: MailTrouble | None = None

    async def send(self, letter: Letter) -> None:
        """See `MailServer.send`."""
        if self.trouble is not None:
            raise MailUnavailable(self.trouble)
        if letter.to in self.refused:
            raise MailRefused
        if letter.to in self.deferred:
            raise MailDeferred
        if letter.to in self.denied:
            raise MailDeferred(MailTrouble.DENIED)
        self.taken.append(letter)
