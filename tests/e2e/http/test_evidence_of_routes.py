"""Every route leaves its evidence: one entry for a read of personal data, an export, a replay; events for a change.

The routes come from the OpenAPI document. What a read leaves is declared there and held against what happens; a route
that shows a personal value, or gives a file, and declares nothing is found by its answer.
"""

from __future__ import annotations

from pathlib import Path

from httpx import Response

from adapters.exports.forms import FILES
from application.credentials import parse_api_key
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole
from projections.olap.reports import REPORTS
from tests.support.api import analytics_of
from tests.support.database import Database
from tests.support.looked_at import EMAIL, WORD, Furnished, looked_at, reads

FORMS = tuple(FILES)
WHY = {"penguin-reason": "The auditor asked"}


async def kinds(furnished: Furnished, since: int) -> list[str]:
    """The kinds of entries after a place, each with who, whence and why; asking for them is one more."""
    key, parsed = furnished.tenant.key, parse_api_key(furnished.tenant.key)
    assert parsed is not None
    path = "/v1/access?direction=backward&limit=3"
    told = (await furnished.api.send("GET", path, key)).json()["data"]
    entries = [entry for entry in told if entry["position"] > since]
    for entry in entries:
        assert entry["payload"]["reader_id"] == entry["actor"]["id"] == str(parsed.key_id)
        assert (entry["ip"], entry["reason"]) == ("127.0.0.1", WHY["penguin-reason"])
    return [entry["payload"]["kind"] for entry in entries]


def shows_people(answer: Response) -> bool:
    """Whether an answer holds what is known of somebody, or is a file to take away."""
    text = answer.content.decode("utf-8", "replace").lower()
    attached = answer.headers.get("content-disposition", "").startswith("attachment")
    return attached or EMAIL.lower() in text or WORD.lower() in text or "zoë" in text


async def test_each_read_of_a_tenants_own_leaves_the_entry_that_it_declares(
    database: Database, tmp_path: Path
) -> None:
    async with looked_at(database, tmp_path) as furnished:
        api, key = furnished.api, furnished.tenant.key
        await furnished.certify()
        _, boss = await api.staff(StaffRole.SUPER_ADMIN)
        await furnished.look_up("platform", boss)
        with analytics_of(api):
            await furnished.cite()
            for read in reads():
                at_platform = read.path.startswith("/v1/platform/")
                log, who = (PLATFORM, boss) if at_platform else (furnished.tenant.id, key)
                path, before = furnished.filled(read.path), await furnished.entries(log)
                answer = await api.send(read.method, path, who, read.body, {**WHY, **read.headers})
                assert answer.status_code == 200, f"{path}: {answer.text}"
                added = await furnished.entries(log) - before
                assert added == int(read.recorded is not None), f"{path}: {added} entries, {read.recorded}"
                if not at_platform:
                    assert read.recorded or not shows_people(answer), f"{path} shows people and says nothing"
                    told = await kinds(furnished, before)
                    assert told == [read.recorded] * added, path
                    assert read.recorded != "staff"
            files = [read for read in reads() if read.as_file is not None]
            assert len(files) > len(REPORTS)
            for number, read in enumerate(files):
                at_platform = read.path.startswith("/v1/platform/")
                log, who = (PLATFORM, boss) if at_platform else (furnished.tenant.id, key)
                path, before = furnished.filled(read.path), await furnished.entries(log)
                path += f"{'&' if '?' in path else '?'}format={FORMS[number % len(FORMS)]}"
                answer = await api.send(read.method, path, who, None, WHY)
                assert answer.status_code == 200, f"{path}: {answer.text}"
                assert shows_people(answer), path
                assert await furnished.entries(log) == before + 1, path
                if not at_platform:
                    assert await kinds(furnished, before) == [read.as_file], path
