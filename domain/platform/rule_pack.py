"""Rule packs that the product came with, each version once: what a decision of then was made by stays at hand.

A stream for each law, in the platform's own log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from domain.kernel.commands import Command, Decider
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, derived_id
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID


class RulePackAdopted(Event, name="platform.rule_pack_adopted", version=1):
    """From here on decisions were made by this version of a law's pack; `text` is the whole of its file."""

    law: str
    pack_version: str
    text: str


@dataclass(frozen=True, slots=True)
class RulePackHistory:
    """The versions of a law's pack, in the order of their adoption."""

    versions: tuple[str, ...] = ()


class AdoptRulePack(
    Command, context="platform", stream="rule_pack", permission=Permission.INTERNAL, internal=True
):
    """Enter the version of a law's pack that is in use now; nothing where it is in use already."""

    law: Annotated[str, Field(max_length=40)]
    pack_version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    text: Annotated[str, Field(max_length=400_000)]


def pack_stream_id(law: str) -> UUID:
    """The id of a law's stream."""
    return derived_id(PLATFORM, "rule pack", law)


def evolve(state: RulePackHistory, event: RulePackAdopted) -> RulePackHistory:
    """The history after `event`."""
    return replace(state, versions=(*state.versions, event.pack_version))


def decide(command: AdoptRulePack, state: RulePackHistory) -> tuple[RulePackAdopted, ...]:
    """The adoption, unless this version is the one in use."""
    if state.versions[-1:] == (command.pack_version,):
        return ()
    return (RulePackAdopted(law=command.law, pack_version=command.pack_version, text=command.text),)


RULE_PACK: Final[Decider[RulePackHistory]] = Decider(
    category="rule_pack", initial=RulePackHistory(), evolve=evolve, decide=decide
)
