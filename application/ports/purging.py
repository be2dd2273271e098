"""Purging the stores that hold people's values in the clear: the views' tables, once nothing in them is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class NotPurgedYet(Exception):
    """A store still holds, or may hold, what is to be gone. Its words name the store; look again in a while."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far each view has read a tenant's log, all of them past what was asked.

    `builds`: of the views whose tables hold values of people, the number of the one build there is.
    """

    positions: Mapping[str, int]
    builds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UploadsLeft:
    """Uploads of a tenant whose files are still there: how many, and by when the last of them is destroyed."""

    count: int
    gone_by: datetime | None


@dataclass(frozen=True, slots=True)
class RequestsKept:
    """Requests of a person about their data whose words are still kept: how many, and until when.

    `until` None: one is not answered yet, and it is kept from its end on.
    """

    count: int
    until: datetime | None


class Purge(Protocol):
    """What a certificate waits for. Every method may raise what its database does; then it is tried again."""

    async def reached(self, tenant_id: UUID, position: int) -> Reached:
        """Raises `NotPurgedYet` while any build of a view may still show what was before `position`."""

    async def rewrite(self, since: datetime) -> Mapping[str, datetime]:
        """Write every table that holds people's values anew, less what was deleted; tables and when it was begun.

        A table that was written anew after `since` already is left alone. Raises `NotPurgedYet` while somebody still
        looks at old rows, or where a large table was written anew less than a day ago.
        """

    async def uploads_left(self, tenant_id: UUID, before: datetime) -> UploadsLeft:
        """The uploads that were made before a moment and are still kept."""

    async def requests_kept(self, tenant_id: UUID, addressee_id: UUID) -> RequestsKept:
        """The requests that were made for a person."""
