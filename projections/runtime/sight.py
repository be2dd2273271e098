"""What the projector saw of the logs, and when to look at all of them again."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from projections.runtime.positions import find_behind, heads_since

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from psycopg import Connection

    from projections.runtime.builds import Build
    from projections.runtime.positions import Behind, Head

EVERYTHING_EVERY: Final = 1.0
_EVERYTHING_SHARE: Final = 50
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_OVERLAP: Final = timedelta(seconds=0.5)


@dataclass(slots=True)
class Sight:
    """What was seen of the logs.

    A look at every log is the truth. It costs more the more tenants there are, so it takes a fiftieth of the time at
    most, and after the first one each asks for the next build alone: builds that are well move together. In between,
    quick looks ask for logs written to since shortly before the last look, less those `done` at their heads, and for
    those left `open` by the last batch.
    """

    everything_at: float = -math.inf
    everything_took: float = 0.0
    turn: int | None = None
    since: datetime = _NEVER
    done: dict[UUID, Head] = field(default_factory=dict)
    open: dict[UUID, Head] = field(default_factory=dict)
    builds_at: float = -math.inf
    builds: list[Build] = field(default_factory=list)

    def everything_due(self, now: float) -> bool:
        """Whether the next look should be at everything."""
        return now - self.everything_at >= max(EVERYTHING_EVERY, _EVERYTHING_SHARE * self.everything_took)

    def everything(self, connection: Connection[Any], builds: Sequence[Build]) -> list[Behind]:
        """A look at every log."""
        now = time.monotonic()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        if self.turn is None:
            behind = find_behind(connection, builds)
        else:
            self.turn += 1
            found = find_behind(connection, [builds[self.turn % len(builds)]])
            behind = find_behind(connection, builds, [one.tenant_id for one in found]) if found else []
        self.everything_at = time.monotonic()
        self.everything_took = self.everything_at - now
        self.done.clear()
        self.since = _NEVER if row is None else row[0] - _OVERLAP
        return behind

    def heads(self, connection: Connection[Any]) -> dict[UUID, Head]:
        """A quick look: logs that may be behind. Moves `since` on."""
        seen = heads_since(connection, self.since)
        self.since = max((self.since, *(head.recorded_at - _OVERLAP for head in seen)))
        fresh = {head.tenant_id: head for head in seen if self.done.get(head.tenant_id) != head}
        return self.open | fresh

    def took(self, heads: dict[UUID, Head], unfinished: set[UUID]) -> None:
        """Remember what a batch did about the logs of a quick look."""
        self.open = {tenant: head for tenant, head in heads.items() if tenant in unfinished}
        self.done.update({tenant: head for tenant, head in heads.items() if tenant not in unfinished})
