"""What a standing is made from, as JSON: of an addressee's state what a law looks at, and what was announced."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.audience.addressee_state import Addressee, Asked, Said, Word
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import (
    Collected,
    Consent,
    ConsentKind,
    Relation,
    RelationKind,
    Scope,
    Suppression,
    SuppressionKind,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projections.runtime.facts import Fact

_PLAIN = ("generic_address", "could_object", "told")


class Facts(dict[str, Any]):
    """What is kept of a state, and in the batch that made it the state itself.

    `waiting`: clients towards whom nobody was judged yet, since an event of this batch makes the rows anew; and by
    which event, and as of when.
    """

    __slots__ = ("state", "waiting")

    def __init__(self, state: Addressee, waiting: Mapping[str, tuple[Fact, datetime]] | None = None) -> None:
        """Nothing is kept of what is not known; nor where something waits, since that is written over."""
        if waiting is None:
            super().__init__((name, value) for name, value in _kept(state).items() if value not in (None, []))
        self.state = state
        self.waiting = waiting or {}


def _kept(state: Addressee) -> dict[str, Any]:
    return {
        "said": [[who, one.country, one.subscriber_type] for who, one in state.said.items()],
        "consents": [
            [
                one.on,
                one.kind,
                one.documented,
                one.position,
                one.withdrawn_at,
                one.at,
                one.workspace,
                one.asks_since,
            ]
            for one in state.consents
        ],
        "relations": [
            [one.kind, one.on, one.position, one.ended_on, one.refused, one.in_writing, one.workspace]
            for one in state.relations
        ],
        "suppressions": [
            [one.kind, one.scope, one.since, one.position, one.within, one.ended_at]
            for one in state.suppressions
        ],
        "asked": [[entry, *one] for entry, one in state.asked.items()],
        "confirmed": [[entry, *one] for entry, one in state.confirmed.items()],
        "collected": [list(one) for one in state.collected],
        "said_last": [[*what, *word] for what, word in state.said_last.items()],
        "lapses_at": [list(one) for one in state.lapses_at.items()],
        "lapsed_at": [list(one) for one in state.lapsed_at.items()],
        **{name: getattr(state, name) for name in _PLAIN},
    }


def restored(addressee_id: UUID, version: int, facts: dict[str, Any]) -> Addressee:
    """The state again, at a version of its stream, as far as it was kept."""
    if isinstance(facts, Facts):
        return facts.state._replace(version=version)
    return Addressee(
        AddresseeId(addressee_id),
        version,
        said={
            None if who is None else WorkspaceId(UUID(who)): Said(country, subscriber)
            for who, country, subscriber in facts.get("said", ())
        },
        consents=tuple(
            Consent(
                date.fromisoformat(on),
                ConsentKind(kind),
                documented,
                entry,
                _moment(withdrawn_at),
                _moment(at),
                client,
                _moment(asks_since),
            )
            for on, kind, documented, entry, withdrawn_at, at, client, asks_since in facts.get("consents", ())
        ),
        relations=tuple(
            Relation(
                RelationKind(kind),
                date.fromisoformat(on),
                entry,
                None if ended_on is None else date.fromisoformat(ended_on),
                refused,
                in_writing,
                client,
            )
            for kind, on, entry, ended_on, refused, in_writing, client in facts.get("relations", ())
        ),
        suppressions=tuple(
            Suppression(
                SuppressionKind(kind),
                Scope(scope),
                datetime.fromisoformat(since),
                entry,
                within,
                _moment(ended_at),
            )
            for kind, scope, since, entry, within, ended_at in facts.get("suppressions", ())
        ),
        asked=_asked(facts.get("asked", ())),
        confirmed=_asked(facts.get("confirmed", ())),
        collected=tuple(Collected(*one) for one in facts.get("collected", ())),
        said_last={
            (kind, scope, within): Word(datetime.fromisoformat(at), entry)
            for kind, scope, within, at, entry in facts.get("said_last", ())
        },
        lapses_at=_moments(facts.get("lapses_at", ())),
        lapsed_at=_moments(facts.get("lapsed_at", ())),
        generic_address=facts.get("generic_address"),
        could_object=facts.get("could_object"),
        told=facts.get("told"),
    )


def _asked(values: Sequence[tuple[int, bool, str, str | None]]) -> dict[int, Asked]:
    return {
        entry: Asked(documented, datetime.fromisoformat(at), client)
        for entry, documented, at, client in values
    }


def _moments(values: Sequence[Sequence[str]]) -> dict[str | None, datetime]:
    return {client: datetime.fromisoformat(moment) for client, moment in values}


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
