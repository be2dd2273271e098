"""Every export says what it left out: whatever is entered as one has its certificate, and as many rows as that says."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.exports.forms import FILES
from application.completeness import FORMAT, HEADER
from application.ports.positions import Position
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from tests.support.api import analytics_of
from tests.support.database import Database
from tests.support.exported import rows_of, text_of
from tests.support.looked_at import Furnished, looked_at, reads
from tests.support.notary import office

if TYPE_CHECKING:
    from httpx import Response

SUPPRESSIONS = "/v1/audience/suppressions/export"
PAGES = ("/v1/history", "/v1/access")
"""Recorded as reads of history, and certified all the same."""
EXPORT = "export"


@pytest.fixture
async def furnished(database: Database, tmp_path: Path) -> AsyncIterator[Furnished]:
    async with looked_at(database, tmp_path) as made:
        yield made


def with_form(path: str, form: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}format={form}"


def rows_in(path: str, answer: Response) -> int | None:
    """How many rows an answer has, counted by others; None where only people count them."""
    media = answer.headers["content-type"].partition(";")[0]
    form = next((name for name, file in FILES.items() if file.media == media), None)
    if path.startswith(SUPPRESSIONS):
        _, *rows, _ = csv.reader(io.StringIO(answer.text))
        return len(rows)
    if path.startswith("/v1/sql"):
        return len(answer.json()["data"])
    if path.endswith("/disclosure"):
        told = answer.json()
        return sum(len(one["history"]) for one in (told, *told.get("kept_after_erasure", ())))
    if media == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
            return len(bundle.read("events/events.jsonl").splitlines())
    if form is not None:
        return len(rows_of(answer.content, form))
    return len(answer.json()["data"]) if media == "application/json" and "/packs/" not in path else None


async def test_whatever_leaves_as_an_export_is_certified_and_has_as_many_rows(furnished: Furnished) -> None:
    api, key = furnished.api, furnished.tenant.key
    exports, pages = list[dict[str, Any]](), list[str]()
    mine = [one for one in reads() if not one.path.startswith("/v1/platform/")]
    with office(api.database, furnished.folder / "notary") as notary, analytics_of(api):
        await furnished.cite()
        await furnished.certify()
        notary.sign()
        asked = [(one, furnished.filled(one.path)) for one in mine]
        asked += [(one, with_form(path, "csv")) for one, path in asked if one.as_file == "export"]
        report = next(one for one in mine if one.path == "/v1/reports/activity")
        asked += [(report, with_form(report.path, form)) for form in FILES]
        expected = {one.path for one, path in asked if EXPORT in (one.recorded, one.as_file)}
        for one, path in asked:
            before = await furnished.entries()
            answer = await api.send(one.method, path, key, one.body, one.headers)
            if HEADER not in answer.headers or not answer.is_success:
                continue
            told = json.loads(answer.headers[HEADER])
            assert told["format"] == FORMAT, path
            assert told["tenant"] == str(furnished.tenant.id), path
            counted = rows_in(path, answer)
            assert told["rows"] in (counted, None) or counted is None, path
            assert told["checkpoint"]["covers"] == (
                told["checkpoint"]["size"] >= told["positions"]["last"]
            ), path
            if path.partition("?")[0] in PAGES:
                pages.append(path)
            else:
                assert await furnished.entries() == before + 1, path
                exports.append({"route": one.path, **told})
    assert set(pages) == set(PAGES)
    assert {one["route"] for one in exports} == expected, "as the document says"
    entered = [one["payload"] async for one in entries(furnished) if one["payload"]["kind"] == "export"]
    assert [one["rows"] for one in entered] == [one["rows"] for one in exports], "none without a certificate"
    assert any(one["checkpoint"]["covers"] for one in exports)
    kept = (await api.send("GET", "/v1/ledger/events/checkpoints", key)).json()["data"]
    latest = await api.send("GET", "/v1/ledger/events/checkpoint", key)
    notes = [*(one["note"].encode() for one in kept), latest.content]
    signed = [Checkpoint.read(Note.read(note).text) for note in notes]
    known = {(one.origin, one.size, base64.b64encode(one.root).decode()) for one in signed}
    for export in exports:
        checkpoint = export["checkpoint"]
        assert (checkpoint["origin"], checkpoint["size"], checkpoint["root"]) in known, export["route"]


async def entries(furnished: Furnished) -> AsyncIterator[dict[str, Any]]:
    path = "/v1/access?limit=100"
    cursor: str | None = path
    while cursor:
        page = (await furnished.api.send("GET", cursor, furnished.tenant.key)).json()
        for one in page["data"]:
            yield one
        cursor = page["next"] and f"{path}&cursor={page['next']}"


async def test_the_certificate_stands_where_each_form_has_a_place_for_it(furnished: Furnished) -> None:
    api, key = furnished.api, furnished.tenant.key
    with analytics_of(api):
        path = "/v1/reports/activity?from=2020-01-01&to=2020-01-31"
        told = (await api.send("GET", path, key)).json()["completeness"]
        assert (told["rows"], told["complete"]) == (0, True)
        assert [one["filter"] for one in told["hidden"]] == ["from", "to"]
        for form in FILES:
            answer = await api.send("GET", f"{path}&format={form}", key)
            assert json.loads(answer.headers[HEADER]) == told, form
            if form != "csv":
                assert told["checkpoint"]["root"] in text_of(answer.content, form), form
        asked = await api.send("POST", "/v1/sql", key, {"sql": "SELECT 1"})
        assert asked.json()["completeness"] == json.loads(asked.headers[HEADER])
    last = list(csv.reader(io.StringIO((await api.send("GET", SUPPRESSIONS, key)).text)))[-1][0]
    assert f"root {told['checkpoint']['root']}" in last
    page = await api.send("GET", "/v1/history?name=audience.list_created&limit=100", key)
    made = json.loads(page.headers[HEADER])
    hid = made["positions"]["last"] - len(page.json()["data"])
    assert made["hidden"] == [{"filter": "name", "asked": "see the address", "rows": hid}]
    assert Position.parse(made["position"]).n == made["positions"]["last"]
