"""Connections for questions whose asker has waited long enough."""

from __future__ import annotations

from typing import Any, Final

import psycopg

_PATIENCE: Final = 1.0


class PromptConnection(psycopg.AsyncConnection[Any]):
    """A connection that is given up when its server does not even hear that a question is broken off.

    psycopg asks for that on a second connection, waits five seconds for it and five more for the answer; a server that
    stands still is then waited for by somebody who has waited their time already.
    """

    async def cancel_safe(self, *, timeout: float = _PATIENCE) -> None:  # noqa: ASYNC109 - as psycopg has it
        """Ask the server to break off. Raises what psycopg does; then the connection is closed."""
        try:
            await super().cancel_safe(timeout=min(timeout, _PATIENCE))
        except Exception:
            self.pgconn.finish()
            raise
