"""Where a tenant's log stands, for answers that say no: docs/adr/positions-of-refusals.md.

What an answer was made from is known to whoever made it, and goes with it. A refusal before anything was decided has
nothing of the kind: it says where the log stood, which is read at most once a second for a tenant, so that nobody makes
the database work by being refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from api.http.kinds import LOG_UNAVAILABLE, OUTCOME_UNKNOWN
from application.ports.log import LogError
from application.ports.positions import Position

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from starlette.types import Scope

    from api.http.problems import Problem
    from application.ports.log import TenantLog

CALLER: Final = "penguin.caller"
"""In the scope: the tenant whose key was found good. Nobody else is told where its log stands."""
PRINCIPAL: Final = "penguin.principal"
"""In the scope: who asks, as they were found."""
KNOWN: Final = "penguin.position"
"""In the scope: the token of a position that the door read before it decided anything."""

_FRESH_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 1.0
_KEPT: Final = 10_000
_AWAY: Final = (LOG_UNAVAILABLE, OUTCOME_UNKNOWN)


class Standing:
    """The last known positions of the logs that refusals are about."""

    def __init__(self, log: TenantLog, clock: Callable[[], float] = time.monotonic) -> None:
        """Read from `log`; `clock` counts seconds."""
        self._log = log
        self._clock = clock
        self._kept: OrderedDict[UUID, tuple[float, str]] = OrderedDict()

    async def position_of(self, problem: Problem, scope: Scope) -> str | None:
        """The token that a problem is answered with; None where no tenant is known, or nothing of its log."""
        tenant_id: UUID | None = scope.get(CALLER)
        if tenant_id is None:
            return None
        told: str | None = problem.position or scope.get(KNOWN)
        return told or await self._of(tenant_id, ask=problem.kind not in _AWAY)

    async def _of(self, tenant_id: UUID, *, ask: bool) -> str | None:
        then, token = self._kept.get(tenant_id, (float("-inf"), None))
        if not ask or self._clock() - then < _FRESH_SECONDS:
            return token
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                head = await self._log.head(tenant_id)
        except (LogError, TimeoutError):
            return token
        found = Position(head.epoch, head.position).token() if head else Position(1, 0).token()
        self._kept[tenant_id] = (self._clock(), found)
        self._kept.move_to_end(tenant_id)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found
