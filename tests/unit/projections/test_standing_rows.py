"""What standings are made from is kept whole, and the version of the view goes with the packs that it judges by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.audience.addressee_state import Addressee, Asked, Said
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import Person
from domain.law.packs import load_packs
from projections.operational.standings.facts import Facts, restored
from projections.operational.standings.handler import PACKS
from tests.property.test_judging import clients, moments, of_clients

ANN = AddresseeId(UUID(int=7))
words = st.none() | st.sampled_from(["FR", "DE", "individual"])
said = st.dictionaries(
    st.none() | st.integers(1, 3).map(lambda n: WorkspaceId(UUID(int=n))), st.builds(Said, words, words)
)


@given(
    of_clients,
    said,
    st.dictionaries(st.integers(1, 99), st.builds(Asked, st.booleans(), moments, clients)),
    st.dictionaries(clients, moments, max_size=2),
)
def test_a_state_is_kept_and_restored(
    person: Person,
    said: dict[WorkspaceId | None, Said],
    asked: dict[int, Asked],
    ends: dict[str | None, datetime],
) -> None:
    state = Addressee(
        ANN,
        9,
        said=said,
        generic_address=person.generic_address,
        could_object=person.could_object,
        told=person.told,
        consents=person.consents,
        relations=person.relations,
        suppressions=person.suppressions,
        asked=asked,
        collected=person.collected,
        lapses_at=ends,
        lapsed_at=ends,
    )
    kept = Facts(state)
    assert restored(ANN, 9, orjson.loads(orjson.dumps(kept))) == state
    assert restored(ANN, 4, kept) == state._replace(version=4)


def test_what_is_not_known_takes_no_room() -> None:
    assert Facts(Addressee(ANN)) == {}
    assert Facts(Addressee(ANN, lapsed_at={None: datetime.now(UTC) - timedelta(1)})).keys() == {"lapsed_at"}


def test_other_packs_are_another_version_of_the_view() -> None:
    """Where this fails, packs changed: standings are judged anew by a new `version`; enter the new hash beside it."""
    told = "".join(f"{pack.law}={pack.version};" for pack in load_packs())
    assert sha256(told.encode()).hexdigest()[:16] == PACKS
