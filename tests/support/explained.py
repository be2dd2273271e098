"""Differences of reports as the API tells them: read to their last page, and shown to leave nothing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from application.ports.analytics import ReportInfo
from projections.olap.difference import MAX_CELLS
from tests.support.api import Api, TestTenant

Cells = dict[tuple[tuple[str | None, ...], str], Any]
"""Figures by the dimensions of their row, as texts, and the name of their measure."""


def cells_of(info: ReportInfo, rows: Sequence[Sequence[Any]]) -> Cells:
    """Every figure of a report."""
    columns = info.columns
    found: Cells = {}
    for row in rows:
        at = tuple(
            None if value is None else str(value)
            for column, value in zip(columns, row, strict=True)
            if column.kind == "dimension"
        )
        found |= {
            (at, column.name): value
            for column, value in zip(columns, row, strict=True)
            if column.kind == "measure" and value is not None
        }
    return found


async def difference(
    api: Api, tenant: TestTenant, info: ReportInfo, seen_at: str, parameters: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The cells that differ from what was seen, of all pages; each is explained by events whose sum it is."""
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    told: dict[str, Any] = {}
    while after is not None:
        given = {**parameters, "from_position": seen_at, "limit": str(MAX_CELLS), "after": after}
        path = f"/v1/reports/{info.name}/difference"
        answer = await api.http.get(path, params=given, headers={"authorization": f"Bearer {tenant.key}"})
        assert answer.status_code == 200, (info.name, answer.text)
        told = answer.json()
        found += told["data"]
        after = told["next"]
    assert len(found) == told["differing"], info.name
    for cell in found:
        _explained(info, cell)
    return found


def _explained(info: ReportInfo, cell: dict[str, Any]) -> None:
    """Events sum to what a figure moved by; what moved earlier events sums to what those moved by."""
    for one in cell["measures"]:
        where = (info.name, cell["cell"], one["measure"])
        weights = [event["after"] - event["before"] for event in one["events"]]
        assert sum(weights) + one["left_out"]["weight"] == one["difference"], where
        was, came = one["before"] or 0, one["after"] or 0
        assert round((came - was) * one["scale"]) == one["difference"], where
        assert one["events"] or one["difference"] == 0, where
        assert all(event["name"] for event in (*one["events"], *one["moved_by"])), where
        if not one["left_out"]["events"]:
            old = [
                by for event, by in zip(one["events"], weights, strict=True) if event["arrived"] == "before"
            ]
            assert sum(event["moved"] for event in one["moved_by"]) == sum(old), where
            assert bool(old) == bool(one["moved_by"]), where
    opened = {column.name for column in info.columns if column.kind == "measure" and not column.parts}
    for one in cell["not_summed"]:
        assert set(one["parts"]) <= opened, (info.name, one)


def applied(info: ReportInfo, seen: Cells, differing: Sequence[dict[str, Any]]) -> Cells:
    """What was seen with the differences on it; each starts from what was seen, under the words of then."""
    names = [column.name for column in info.columns if column.kind == "dimension"]
    rows = []
    for cell in differing:
        words = {one["dimension"]: one["before"] for one in cell["changed"]}
        now = tuple(cell["cell"][name] for name in names)
        rows.append((tuple(words.get(name, cell["cell"][name]) for name in names), now, cell))
    renamed = {was: now for was, now, _ in rows}
    found = {(renamed.get(row, row), measure): value for (row, measure), value in seen.items()}
    for was, now, cell in rows:
        for one in (*cell["measures"], *cell["not_summed"]):
            assert seen.get((was, one["measure"])) == one["before"], (info.name, was, one["measure"])
            found.pop((now, one["measure"]), None)
            if one["after"] is not None:
                found[now, one["measure"]] = one["after"]
    return found
