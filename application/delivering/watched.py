"""Says in the log when the mail server begins to take nothing over, and when it takes letters again: a line each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from application.ports.delivering import MailDeferred, MailUnavailable

if TYPE_CHECKING:
    from uuid import UUID

    from application.ports.delivering import Letter, MailServer

log = logging.getLogger(__name__)

_KNOWN: Final = 10_000


class WatchedMail:
    """Implements `MailServer` by another one.

    A letter that was put off begins no second time: else one full mailbox would be told with every try between letters
    that are taken.
    """

    def __init__(self, server: MailServer) -> None:
        """Hand letters to `server`, of which nothing is known yet."""
        self._server = server
        self._takes_nothing = False
        self._put_off: dict[UUID, None] = {}

    async def send(self, letter: Letter) -> None:
        """See `MailServer.send`."""
        try:
            await self._server.send(letter)
        except MailUnavailable as error:
            self._failed(letter, error)
            raise
        self._put_off.pop(letter.message_id, None)
        if self._takes_nothing:
            self._takes_nothing = False
            log.warning("the mail server takes letters again: the first is %s", letter.kind)

    def _failed(self, letter: Letter, error: MailUnavailable) -> None:
        if isinstance(error, MailDeferred):
            if letter.message_id in self._put_off:
                return
            self._put_off[letter.message_id] = None
            if len(self._put_off) > _KNOWN:
                del self._put_off[next(iter(self._put_off))]
        if not self._takes_nothing:
            self._takes_nothing = True
            log.warning(
                "the mail server did not take %s over (%s): letters wait, and are tried again",
                letter.kind,
                type(error).__name__,
                extra={"error": error.trouble.value},
            )
