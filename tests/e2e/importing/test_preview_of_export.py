"""An export with its opt-in columns, imported and previewed: by law and reason, as another query counts it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from application.replay import HistoryFilters
from domain.law.packs import load_packs
from tests.support.contact_export import FILES
from tests.support.importing import Importing

US, DE = "US", "DE"


@pytest.mark.parametrize("file", FILES)
async def test_a_preview_of_an_export_says_what_another_query_counts(
    importing: Importing, file: Callable[[], bytes]
) -> None:
    import_id = await importing.ready(file())
    mapping = {"mapping": {"date_order": "DMY", "duplicates": "update"}}
    assert (await importing.command(import_id, "start-import", mapping)).status_code == 200
    await importing.work(import_id)
    await importing.api.project()
    answer = await importing.get(f"/v1/audience/preview?workspace_id={importing.tenant.workspace_id}")
    told = json.loads(answer.text.splitlines()[-1])["preview"]

    people, stopped = await _people(importing), await _stopped(importing)
    known = {country for pack in load_packs() if pack.rules for country in pack.countries}
    expected = Counter[str]()
    for who, country in people.items():
        if who in stopped:
            expected["stopped"] += 1
        elif country is None:
            expected["unknown"] += 1
        elif country not in known:
            expected["no rules"] += 1
        else:
            expected[country] += 1
    reasons = Counter[tuple[str, str | None, str]]()
    for one in told["reasons"]:
        reasons[one["verdict"], one["law"], one["rule"]] += one["people"]

    assert told["people"] == len(people) == sum(told["verdicts"].values()) > 0
    assert reasons["deny", None, "suppressed-unsubscribe"] == expected["stopped"] > 0
    assert reasons["hold", None, "country-unknown"] == expected["unknown"] > 0
    assert reasons["hold", None, "country-without-pack"] == expected["no rules"]
    # From the United States to the United States nothing but an opt-out stands against it. Germany wants a consent
    # whose wording is kept, and an export has none.
    assert told["laws"]["us"]["deny"] == 0
    allowed_at_home = sum(
        number for (verdict, law, _), number in reasons.items() if (verdict, law) == ("allow", "us")
    )
    assert allowed_at_home >= expected[US] > 0
    in_germany = sum(1 for country in people.values() if country == DE)
    assert told["laws"].get("de", {"deny": 0})["deny"] == in_germany
    rest = sum(number for name, number in expected.items() if name not in {"stopped", "unknown", "no rules"})
    judged = told["people"] - expected["stopped"] - expected["unknown"] - expected["no rules"]
    assert judged == rest


async def _people(importing: Importing) -> dict[str, str | None]:
    """Country by addressee, from the view."""
    with psycopg.connect(importing.database.admin) as connection:
        (schema,) = connection.execute(
            "SELECT schema_name FROM ops.projection_versions WHERE name = 'contacts' AND state = 'live'"
        ).fetchone() or ("",)
        rows = connection.execute(
            f"SELECT addressee_id::text, country FROM {schema}.contacts WHERE tenant_id = %s",  # noqa: S608 - our own
            (importing.tenant.id,),
        ).fetchall()
    return {row[0]: row[1] for row in rows}


async def _stopped(importing: Importing) -> set[str]:
    """Who said stop, from the history."""
    events = importing.api.parts.replay.events(
        importing.tenant.id, HistoryFilters(name=["audience.opted_out"])
    )
    return {str(event.payload["addressee_id"]) async for event in events}
