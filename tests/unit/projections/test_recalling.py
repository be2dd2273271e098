"""What a handler recalls: a row as it stood before the batch, and as the batch has made it since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from application.ports.log import Recorded
from projections.runtime.facts import Fact, Projection
from projections.runtime.recalling import Recall
from projections.runtime.rows import Rows
from projections.runtime.tables import Table

ONE, TWO = UUID(int=1), UUID(int=2)
KEPT = Projection(
    "kept",
    version=1,
    tables=[
        Table("things", key=("thing",), columns={"thing": "uuid", "n": "int"}),
        Table("others", key=("other",), columns={"other": "int", "n": "int"}),
    ],
    recalls=[Recall("things", ("n",), lambda event: (event.stream,))],
)
THING = str(UUID(int=9))


def rows_of(tenant: UUID) -> Rows:
    rows = Rows(KEPT)
    at(rows, tenant)
    return rows


def at(rows: Rows, tenant: UUID) -> None:
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    rows.at(Fact(Recorded(tenant, 1, "thing:9", 1, "thing.done", 1, b"{}", b"{}", moment), {}))


def test_a_row_is_recalled_as_it_stands_and_as_the_batch_changes_it() -> None:
    rows = rows_of(ONE)
    assert rows.recall("things", THING) is None
    rows.remember("things", ONE, (THING,), {"n": 3})
    assert rows.recall("things", THING) == {"n": 3}
    rows.upsert("things", {"thing": UUID(THING), "n": 4})
    assert rows.recall("things", UUID(THING)) == {"thing": UUID(THING), "n": 4}
    rows.delete("things", {"thing": THING})
    assert rows.recall("things", THING) is None
    rows.insert("things", {"thing": THING, "n": 5})
    assert (rows.recall("things", THING) or {})["n"] == 5


def test_the_same_key_of_another_tenant_is_another_row() -> None:
    rows = rows_of(ONE)
    rows.remember("things", ONE, (THING,), {"n": 3})
    rows.insert("things", {"thing": str(UUID(int=8)), "n": 1})
    at(rows, TWO)
    assert rows.recall("things", THING) is None
    assert rows.recall("things", UUID(int=8)) is None


def test_what_could_not_be_known_without_a_look_is_refused() -> None:
    rows = rows_of(ONE)
    with pytest.raises(ValueError, match="written whole"):
        rows.update("things", {"thing": THING, "n": 1})
    with pytest.raises(ValueError, match="written whole"):
        rows.add("things", {"thing": THING}, n=1)
    with pytest.raises(ValueError, match="written whole"):
        rows.delete_where("things", n=1)
    rows.update("others", {"other": 1, "n": 1})
    rows.delete_where("others", n=1)


def test_an_event_is_followed_by_one_of_its_stream_that_comes_soon_in_the_same_batch() -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def event(
        position: int, stream: str, moment: datetime = noon, tenant: UUID = ONE, name: str = "thing.done"
    ) -> Recorded:
        return Recorded(tenant, position, stream, position, name, 1, b"{}", b"{}", moment)

    kept = Projection("kept", version=1, tables=list(KEPT.tables.values()))
    kept.on("thing.done")(lambda _, __: None)
    soon, later = noon + timedelta(seconds=1), noon + timedelta(seconds=2, microseconds=1)
    batch = [
        event(1, "thing:9"),
        event(2, "thing:8"),
        event(3, "thing:9", soon),
        event(4, "thing:9", later),
        event(5, "thing:9", later, name="thing.else"),
        event(1, "thing:8", tenant=TWO),
        event(2, "thing:9", tenant=TWO),
    ]
    rows = Rows(kept)
    rows.expect(batch)
    followed = [(one.tenant_id, one.position) for one in batch if rows.is_followed(Fact(one, {}))]
    assert followed == [(ONE, 1)]
