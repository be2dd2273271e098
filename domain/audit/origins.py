"""Which log a checkpoint is of: an installation, a tenant, one of their two logs, and the epoch that it is in.

The origin is a checkpoint's first line, and the name of the keys that sign it (C2SP tlog-checkpoint). Witnesses know
origins and not epochs, and what a restore lost makes another log of it: so the epoch is part of the name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self
from uuid import UUID

from domain.audit.errors import MalformedCheckpoint

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._:/-]{0,126}[a-z0-9])?")
"""What an installation may be called: a schema-less URL, as the specification asks, or anything of its shape."""

_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ORIGIN: Final = re.compile(rf"({NAME.pattern})/({_UUID})/(events|access)/([1-9][0-9]{{0,9}})")


class LogKind(StrEnum):
    """A tenant's two logs: what happened, and who read."""

    EVENTS = "events"
    ACCESS = "access"


class LogId(NamedTuple):
    """One log of one tenant."""

    tenant_id: UUID
    log: LogKind


@dataclass(frozen=True, slots=True)
class Origin:
    """A log in an epoch, as checkpoints name it."""

    name: str
    tenant_id: UUID
    log: LogKind
    epoch: int

    def __str__(self) -> str:
        """The line: `<installation>/<tenant>/<log>/<epoch>`."""
        return f"{self.name}/{self.tenant_id}/{self.log}/{self.epoch}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The origin that a line names. Raises `MalformedCheckpoint` for one that is no log of ours."""
        parts = _ORIGIN.fullmatch(text)
        if parts is None:
            raise MalformedCheckpoint(
                f"Its origin {text!r} names no log of an installation: name, tenant, events or access, epoch."
            )
        return cls(parts[1], UUID(parts[2]), LogKind(parts[3]), int(parts[4]))
