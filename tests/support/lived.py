"""Histories of people by chance: what stands in a stream after commands that somebody may enter."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.audience import addressee, consent_commands, ledger, own_word
from domain.audience.addressee import ADDRESSEE, AddresseeCommand
from domain.audience.addressee_events import (
    AddresseeRegistered,
)
from domain.audience.addressee_state import Addressee
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from tests.support.given import stamped, uid

CLIENTS = (WorkspaceId(uid(0xC1)), WorkspaceId(uid(0xC2)))
"""What is given to one of them is given to it alone."""
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def any_command(chance: random.Random, at: datetime, last: int) -> AddresseeCommand:
    """Something somebody may enter, by whatever number; many are refused. `last`: of what stops all mail, else 1."""
    entry, past = chance.randint(1, 8), at - timedelta(days=chance.randint(0, 60), minutes=1)
    explicit = chance.random() < 0.5
    client = chance.choice((None, None, *CLIENTS))
    commands: Sequence[Any] = (
        lambda: consent_commands.RecordConsent.model_validate(
            {
                "occurred_on": past.date(),
                "source": "website_form",
                "explicit": explicit,
                "wording": "yes",
                "workspace_id": client,
            }
        ),
        lambda: consent_commands.RequestConfirmation.model_validate(
            {"source": "website_form", "wording": "yes" if explicit else None, "workspace_id": client}
        ),
        lambda: consent_commands.ConfirmConsent(request=entry),
        lambda: consent_commands.WithdrawConsent.model_validate(
            {"entry": entry if explicit else None, "channel": "page"}
        ),
        lambda: consent_commands.RecordOptOut.model_validate({"channel": "reply", "occurred_at": past}),
        lambda: ledger.RecordRelation.model_validate(
            {"kind": "contract", "occurred_on": past.date(), "workspace_id": client}
        ),
        lambda: ledger.DescribeAddressee(told=explicit, workspace_id=client),
        lambda: ledger.EndRelation(entry=entry, ended_on=at.date()),
        lambda: ledger.RetractEntry(entry=entry, reason="x"),
        lambda: ledger.SuppressAddressee.model_validate(
            {"kind": "manual", "campaign_type": "offers" if explicit else None}
        ),
        lambda: ledger.SuppressAddressee.model_validate({"kind": "manual", "workspace_id": client}),
        lambda: ledger.LiftSuppression(entry=entry, reason="x"),
        lambda: own_word.HeedConfirmation(request=entry),
        lambda: own_word.HeedOptOut.model_validate({"channel": "page"}),
        lambda: own_word.NarrowOptOut.model_validate(
            {"entry": last, "scope": "campaign_type", "within": "offers"}
        ),
    )
    made: AddresseeCommand = chance.choice(commands)()
    return made


def lived(chance: random.Random, person: AddresseeId) -> list[Event]:
    """What is in a person's stream after fifteen commands."""
    events: list[Any] = [AddresseeRegistered(addressee_id=person, email="a@example.org")]
    for day in range(15):
        at = AT + timedelta(days=day)
        state = ADDRESSEE.fold(events)
        assert isinstance(state, Addressee)
        word = own_word.narrowable(state)
        command = stamped(any_command(chance, at, 1 if word is None else word.entry), target=person, at=at)
        try:
            events += addressee.decide(command, state)
        except Refusal:
            continue
    return events
