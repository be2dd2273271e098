"""Erasures of before they said when they were, as logs hold them: what follows from them is no older than they are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from application.ports.log import Recorded
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_state import Addressee
from domain.audience.carrying import carried
from domain.audience.consent import Consented, consented
from domain.audience.consent_events import OptedOut
from domain.audience.erasure_events import LAST_UNDATED
from domain.audience.intake.vocabularies import Source
from domain.kernel.ids import AddresseeId
from tests.support.given import TENANT, uid

ID, OTHER = AddresseeId(uid(30)), AddresseeId(uid(31))
BY_THEN = datetime.fromisoformat(LAST_UNDATED)
PERIODS = {"evidence_ends": "2029-12-31T23:00:00Z", "evidence_until": "2029-12-31T23:00:00Z"}
STOPPED = {
    "occurred_at": "2026-03-01T10:00:00Z",
    "channel": "page",
    "scope": "tenant",
    "kind": "unsubscribe",
    "within": None,
}


def stored(*told: tuple[str, int, dict[str, Any]]) -> Addressee:
    """The stream, read from its bytes."""
    rows = [
        Recorded(
            TENANT,
            version,
            f"addressee:{ID}",
            version,
            f"audience.{name}",
            schema,
            orjson.dumps({"addressee_id": str(ID), **payload}),
            b"{}",
            datetime(2026, 11, 20, tzinfo=UTC),
        )
        for version, (name, schema, payload) in enumerate(told, 1)
    ]
    state = ADDRESSEE.fold(JsonCodec(MemoryKeyStore()).decode(rows))
    assert isinstance(state, Addressee)
    return state


def anew(former: Addressee) -> Addressee:
    """Whoever has the address next."""
    state = ADDRESSEE.fold(list(carried(former, OTHER)))
    assert isinstance(state, Addressee)
    return state


def asked_for(state: Addressee, *, on: date | None = None, at: datetime | None = None) -> Addressee:
    """They consent explicitly, in writing; it is entered a year later."""
    day = at.astimezone(UTC).date() if at is not None else on
    assert day is not None
    consent = Consented(day, Source.EVENT, "api", wording="Write to me", explicit=True, occurred_at=at)
    events = consented(OTHER, state, consent, BY_THEN + timedelta(days=365))
    for event in events:
        after = ADDRESSEE.evolve(state, event)
        assert isinstance(after, Addressee)
        state = after
    return state


@pytest.mark.parametrize(
    "erased",
    [("addressee_erased", 1, {}), ("addressee_erased", 2, PERIODS)],
    ids=["version 1", "version 2, undated"],
)
@pytest.mark.parametrize("stopped", [(), (("opted_out", 2, STOPPED),)], ids=["said nothing", "said stop"])
def test_nothing_of_before_brings_them_back(
    erased: tuple[str, int, dict[str, Any]], stopped: tuple[tuple[str, int, dict[str, Any]], ...]
) -> None:
    former = stored(("addressee_registered", 1, {"email": "b@x.example"}), *stopped, erased)
    next_one = anew(former)
    (stop,) = (event for event in carried(former, OTHER) if isinstance(event, OptedOut))
    assert (stop.occurred_at, next_one.contactable) == (BY_THEN, False)
    assert not asked_for(next_one, on=date(2015, 3, 1)).contactable
    assert not asked_for(next_one, at=BY_THEN - timedelta(hours=1)).contactable
    assert asked_for(next_one, at=BY_THEN + timedelta(hours=1)).contactable, (
        "what they asked for since counts"
    )


def test_one_that_says_when_counts_from_then() -> None:
    at = "2026-06-01T10:00:00Z"
    former = stored(("addressee_erased", 2, {**PERIODS, "erased_at": at}))
    (stop,) = (event for event in carried(former, OTHER) if isinstance(event, OptedOut))
    assert stop.occurred_at == datetime.fromisoformat(at)
