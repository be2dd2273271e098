"""What somebody asks an evidence bundle for."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.audit.notes import MOST_BYTES
from domain.audit.origins import LogKind
from domain.kernel.moments import Moment

MOST_COMPARED: Final = 20
MOST_NAMES: Final = 50


class EvidenceAsked(BaseModel):
    """Which events of which logs. Without filters: every event of the period."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logs: list[LogKind] = Field(
        default=[LogKind.EVENTS], min_length=1, max_length=2, description="`events`, `access`, or both."
    )
    after: Moment | None = Field(default=None, description="From this moment on (with its offset).")
    before: Moment | None = Field(default=None, description="Until before this moment (with its offset).")
    about: UUID | None = Field(
        default=None,
        description="Events whose stream or content names this id: of a person, a campaign, a message, an import.",
    )
    names: list[str] = Field(default=[], max_length=MOST_NAMES, description="Events of these names alone.")
    actor: UUID | None = Field(default=None, description="Events that this member, key or staff made.")
    compare: list[str] = Field(
        default=[],
        max_length=MOST_COMPARED,
        description="Older checkpoints that somebody keeps: the bundle can be compared with each of them.",
    )
    checkpoints: dict[LogKind, str] = Field(
        default={},
        description="The checkpoints that all is proven against: to get the same bytes again. The latest unless given.",
    )
    from_byte: int = Field(default=0, ge=0, description="Leave out what came before the connection broke.")

    @model_validator(mode="after")
    def _is_well_formed(self) -> EvidenceAsked:
        if len(set(self.logs)) != len(self.logs):
            raise ValueError("name each log once")
        if any(len(note) > MOST_BYTES for note in (*self.compare, *self.checkpoints.values())):
            raise ValueError("a checkpoint is a text of some hundred characters")
        return self

    def told(self) -> dict[str, object]:
        """The question as the bundle tells it."""
        told = self.model_dump(mode="json", exclude={"compare", "checkpoints", "from_byte"})
        return {name: value for name, value in told.items() if value not in (None, [])}
