"""Rejected rows: kept with their reasons, counted, given back as a file that can be sent again, in little room."""

from __future__ import annotations

import csv
import io
import random
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest

from application.importing.running import ROWS_A_CHUNK, NoAddresses
from application.importing.service import Interrupted
from domain.audience import contact_import
from domain.audience.contact_import import ImportStatus, Tally
from domain.audience.intake import RowProblem, error_rows
from tests.support.importing import HEADER, Importing, content, people


async def test_the_error_file_is_recorded_before_it_is_shown(importing: Importing) -> None:
    import_id = await importing.ready(content(("broken",)))
    await importing.run(import_id)
    assert (await importing.get(f"/v1/audience/imports/{import_id}/errors")).status_code == 200
    with psycopg.connect(importing.database.admin) as connection:
        (payload,) = connection.execute("SELECT payload FROM log.access_events").fetchone() or (b"{}",)
    told = orjson.loads(payload)
    assert (told["kind"], told["query"], told["rows"]) == ("export", "audience.import_errors", 1)


async def test_no_chunk_is_counted_whose_rejected_rows_are_not_kept(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails under a chunk while the one before is on its way and those behind it are decided."""
    chunks, rows = 7, people(7 * ROWS_A_CHUNK)
    broken = [row if number % ROWS_A_CHUNK else ("broken",) for number, row in enumerate(rows)]
    import_id = await importing.ready(content(*broken))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    write = importing.api.parts.blobs.write

    def failing(tenant_id: UUID, owner: UUID, name: str, lines: Any) -> None:
        if name.endswith("3"):
            raise OSError("no space left")
        write(tenant_id, owner, name, lines)

    with monkeypatch.context() as patched:
        patched.setattr(importing.api.parts.blobs, "write", failing)
        with pytest.raises(OSError, match="no space left"):
            await importing.work(import_id)
    stopped = await importing.api.parts.imports.existing(importing.tenant.id, import_id)
    assert (stopped.chunks, stopped.tally) == (2, Tally(imported=2 * ROWS_A_CHUNK - 2, rejected=2))
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (
        ImportStatus.COMPLETED,
        Tally(imported=len(rows) - chunks, rejected=chunks),
    )
    errors = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert len(errors.text.splitlines()) == 1 + chunks
    assert len(await importing.contacts()) == len(rows) - chunks


async def test_rejected_rows_beyond_the_limit_are_counted(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit lies within the second of three chunks, and the work is stopped between all of them."""
    kept = ROWS_A_CHUNK + 10
    monkeypatch.setattr(contact_import, "REJECTED_KEPT", kept)
    count = 3 * ROWS_A_CHUNK
    rows = [(f"p{n}@people.example", "", "", "03/04/2025") for n in range(count)]
    import_id = await importing.ready(content(*rows))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    for _ in range(2):
        with pytest.raises(Interrupted):
            await importing.work(import_id, partial(next, iter((False, True))))
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(rejected=count))
    assert state.problems == {"date-ambiguous": count}
    told = (await importing.get(f"/v1/audience/imports/{import_id}/progress")).json()["data"]
    assert (told["rejected"], told["rejected_kept"]) == (count, kept)
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert answer.headers["penguin-truncated"] == "true"
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [line[0] for line in lines[1:]] == [row[0] for row in rows[:kept]]
    assert all(line[-1] for line in lines[1:]), "each that is given back is explained"
    with psycopg.connect(importing.database.admin) as connection:
        (payload,) = connection.execute("SELECT payload FROM log.access_events").fetchone() or (b"{}",)
    assert orjson.loads(payload)["rows"] == kept


async def test_a_file_without_an_address_is_not_read_to_its_end(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{contact_import.READ_IN_VAIN:,}" in NoAddresses.rule()
    monkeypatch.setattr(contact_import, "READ_IN_VAIN", ROWS_A_CHUNK)
    import_id = await importing.ready(content(*[("x",)] * 5 * ROWS_A_CHUNK, *people(1)))
    state = await importing.run(import_id)
    assert (state.status, state.failure) == (ImportStatus.FAILED, NoAddresses.code)
    assert (state.last_row, state.tally) == (ROWS_A_CHUNK, Tally(rejected=ROWS_A_CHUNK))
    told = (await importing.get(f"/v1/audience/imports/{import_id}/progress")).json()["data"]
    assert "mapping" in told["remedy"]
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert len(answer.text.splitlines()) == 1 + ROWS_A_CHUNK
    assert answer.headers["penguin-truncated"] == "false"


async def test_rejected_rows_take_little_room(importing: Importing, tmp_path: Path) -> None:
    """A row of one letter is given back with a sentence: kept as it is read, 70 times its own size and more."""
    file = b"email,first name,company\n" + b"x\n" * 20_000
    import_id = await importing.ready(file)
    state = await importing.run(import_id)
    assert state.tally == Tally(rejected=20_000)
    folder = tmp_path / "blobs" / str(importing.tenant.id)
    kept = sum(path.stat().st_size for path in folder.rglob("errors-*"))
    assert 0 < kept < 4 * len(file)
    given_back = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).content
    assert len(given_back) > 50 * len(file)
    assert given_back.count(b"row-too-few-cells") == 20_000


async def test_a_long_header_is_kept_once(importing: Importing, tmp_path: Path) -> None:
    """And not with each chunk that has a row rejected: there may be as many as rejected rows."""
    header = ("Email", random.Random(3).randbytes(30_000).hex())
    rows = [
        (f"p{n}@people.example", "") if n % ROWS_A_CHUNK else ("broken", "") for n in range(6 * ROWS_A_CHUNK)
    ]
    import_id = await importing.ready(content(*rows, header=header))
    state = await importing.run(import_id, {"columns": {header[1]: "ignore"}})
    assert (state.status, state.tally.rejected) == (ImportStatus.COMPLETED, 6)
    folder = tmp_path / "blobs" / str(importing.tenant.id)
    assert sum(path.stat().st_size for path in folder.rglob("errors-*")) < len(header[1])
    lines = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).text.splitlines()
    assert len(lines) == 1 + 6
    assert lines[0].removeprefix("\ufeff").startswith(f"Email,{header[1]},error_row")


async def test_rejected_rows_that_were_kept_as_they_are_read_are_given_back(
    importing: Importing, tmp_path: Path
) -> None:
    """Each with the header, as an import did that began before they were compressed."""
    count = 3 * ROWS_A_CHUNK
    rows = [("broken", str(n)) if n % 7 == 0 else row for n, row in enumerate(people(count))]
    import_id = await importing.ready(content(*rows))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    path = f"/v1/audience/imports/{import_id}/errors"
    expected = (await importing.get(path)).content
    parts, tenant_id = importing.api.parts, importing.tenant.id
    header, *lines = expected.splitlines(keepends=True)
    first = [line for line in lines if int(line.split(b",")[5]) <= ROWS_A_CHUNK]
    for number, part in ((1, first), (2, lines[len(first) :])):
        parts.blobs.write(tenant_id, import_id, f"errors-{number:08d}", [header, *part])
    (tmp_path / "blobs" / str(tenant_id) / str(import_id) / "errors-00000000").unlink()
    assert first
    assert (await importing.get(path)).content == expected
    await importing.work(import_id)
    whole = (await importing.get(path)).content
    assert whole.startswith(expected)
    assert len(whole.splitlines()) == 1 + len([row for row in rows if row[0] == "broken"])


async def test_rejected_rows_that_were_never_counted_are_not_given_back(importing: Importing) -> None:
    parts, tenant_id = importing.api.parts, importing.tenant.id
    import_id = await importing.ready(content(("broken",), *people(2 * ROWS_A_CHUNK)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    # A worker that was killed between its errors and its append leaves this, and so does one whose rows changed.
    problem = RowProblem(500, 501, None, "address-taken", "m", "r")
    lines = error_rows(HEADER, ",", [(["nobody@people.example"], [problem])])
    parts.blobs.write(tenant_id, import_id, "errors-00000002", lines)

    async def told() -> str:
        return (await importing.get(f"/v1/audience/imports/{import_id}/errors")).text

    assert "broken" in await told()
    assert "nobody" not in await told()
    state = await importing.work(import_id)
    assert state.tally == Tally(imported=2 * ROWS_A_CHUNK, rejected=1)
    assert "broken" in await told()
    assert "nobody" not in await told()


async def test_the_error_file_gives_columns_back_under_their_own_names(importing: Importing) -> None:
    import_id = await importing.ready(content(("broken", "@x"), header=("Email", "@handle")))
    mapping = {"columns": {"@handle": "attribute:handle"}}
    await importing.run(import_id, mapping)
    returned = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).content
    again = await importing.ready(returned.replace(b"broken", b"ann@people.example"))
    assert (await importing.run(again, mapping)).tally == Tally(imported=1)
    assert (await importing.contacts())["ann@people.example"].attributes == {"handle": "@x"}
