"""The file's way in: taken whole or not at all, the same answer for the same key, every refusal with its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.http.app import create_app
from domain.kernel.permissions import TenantRole
from tests.support.importing import CSV, Importing, content, people


async def test_a_file_is_looked_into_and_its_columns_guessed(importing: Importing) -> None:
    rows = [(*row[:4], f"K-{number}") for number, row in enumerate(people(3))]
    file = content(*rows, header=("E-Mail", "Vorname", "Land", "Opt-in", "Kundennummer"))
    answer = await importing.upload(file, penguin_file_name="UTF-8''Kontakte%20M%C3%A4rz.csv")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["status"], told["replayed"], told["file"]["rows"]) == ("ready", False, 3)
    assert (told["file"]["encoding"], told["file"]["delimiter"]) == ("utf-8", ",")
    guesses = {guess["column"]: guess for guess in told["file"]["columns"]}
    assert list(guesses) == ["E-Mail", "Vorname", "Land", "Opt-in", "Kundennummer"]
    assert guesses["E-Mail"]["target"] == "email"
    assert guesses["Kundennummer"]["target"].startswith("attribute:")
    assert guesses["Kundennummer"]["confidence"] < guesses["E-Mail"]["confidence"]
    shown = (await importing.get(f"/v1/audience/imports/{told['id']}/progress")).json()["data"]
    assert (shown["status"], shown["rows"], shown["rows_done"]) == ("ready", 3, 0)


async def test_a_new_import_is_at_version_0_and_no_other_is_taken_for_it(
    importing: Importing, tmp_path: Path
) -> None:
    refused = await importing.upload(content(*people(2)), if_match='"3"')
    assert refused.status_code == 409
    assert (refused.json()["type"], refused.json()["current"]) == ("/problems/stale-version", 0)
    assert importing.files(tmp_path) == []
    assert (await importing.upload(content(*people(2)), if_match='"0"')).status_code == 201


async def test_a_form_with_one_file(importing: Importing, tmp_path: Path) -> None:
    file = content(*people(2))
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={"workspace_id": str(importing.tenant.workspace_id)},
        headers={"authorization": f"Bearer {importing.tenant.key}"},
        files={"file": ("C:\\lists\\März.csv", file, "text/csv")},
    )
    assert answer.status_code == 201, answer.text
    state = await importing.run(UUID(answer.json()["id"]))
    assert (state.tally.imported, state.size) == (2, len(file))
    assert importing.files(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"a": ("a.csv", b"Email\na@b.example\n"), "b": ("b.csv", b"x")}},
        {"data": {"name": "no file"}, "files": {}},
    ],
)
async def test_a_form_of_another_shape(importing: Importing, tmp_path: Path, form: dict[str, Any]) -> None:
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={"workspace_id": str(importing.tenant.workspace_id)},
        headers={"authorization": f"Bearer {importing.tenant.key}"},
        **form,
    )
    assert answer.status_code in {415, 422}, answer.text
    assert importing.files(tmp_path) == []


async def test_a_form_that_breaks_off(importing: Importing, tmp_path: Path) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\nEmail\r\na@b.example\r\n'
    )
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={"workspace_id": str(importing.tenant.workspace_id)},
        headers={
            "authorization": f"Bearer {importing.tenant.key}",
            "content-type": "multipart/form-data; boundary=x",
        },
        content=body,
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "form-invalid")
    assert importing.files(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "code", "place"),
    [
        (b"", "import-file-empty", {}),
        (b"Email\r\n", "import-file-without-rows", {}),
        (b"PK\x03\x04....", "import-file-not-text", {"byte_offset": 0}),
        ("Email,Name\na@b.example,Zoë\n".encode("latin-1"), "import-encoding-unknown", {"row": 1, "line": 2}),
        ("Email\na@b.example\n".encode("utf-16-le"), "import-encoding-unknown", {"byte_offset": 1}),
        (b"Em\0ail\na@b.example\n", "import-header-broken", {"line": 1}),
        (b",".join(b"c%d" % n for n in range(5000)) + b"\n1\n", "import-too-many-columns", {"line": 1}),
        (b'"Email\na@b.example\n', "import-header-broken", {}),
    ],
)
async def test_a_file_that_cannot_be_read(
    importing: Importing, file: bytes, code: str, place: dict[str, int]
) -> None:
    key = str(uuid4())
    answer = await importing.upload(file, idempotency_key=key)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (422, f"/problems/{code}"), answer.text
    assert told["remedy"]
    assert place.items() <= told.items()
    shown = (await importing.get(f"/v1/audience/imports/{told['import_id']}/progress")).json()["data"]
    assert (shown["status"], shown["failure"]) == ("failed", code)
    again = await importing.upload(file, idempotency_key=key)
    assert {**again.json(), "request_id": ""} == {**told, "request_id": ""}


async def test_a_file_broken_at_its_end_is_refused_before_any_row(importing: Importing) -> None:
    file = content(*people(5_000)) + b"z@people.example,\xff\xfe,,,\n"
    answer = await importing.upload(file)
    told = answer.json()
    assert (answer.status_code, told["row"]) == (422, 5_001), answer.text
    assert (await importing.command(UUID(told["import_id"]), "start-import")).status_code == 409
    assert await importing.contacts() == {}


async def test_a_named_encoding(importing: Importing) -> None:
    file = content(("zoe@people.example", "Zoë")).decode().encode("windows-1252")
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={
            "workspace_id": str(importing.tenant.workspace_id),
            "encoding": "latin-1",
            "delimiter": "comma",
        },
        headers={**CSV, "authorization": f"Bearer {importing.tenant.key}"},
        content=file,
    )
    assert answer.status_code == 201, answer.text
    await importing.run(UUID(answer.json()["id"]))
    assert (await importing.contacts())["zoe@people.example"].first_name == "Zoë"


async def test_a_column_that_nobody_could_guess_is_named_at_the_start(importing: Importing) -> None:
    import_id = await importing.ready(content(("", "x"), ("", "y"), header=("Wohin", "Wer")))
    refused = await importing.command(import_id, "start-import")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/import-mapping-email-missing")
    state = await importing.run(import_id, {"columns": {"Wohin": "email"}})
    assert (state.tally.rejected, state.problems) == (2, {"email-missing": 2})


async def test_the_same_key_gives_the_same_import(importing: Importing, tmp_path: Path) -> None:
    file, key = content(*people(3)), str(uuid4())
    first = await importing.upload(file, idempotency_key=key)
    again = await importing.upload(file, idempotency_key=key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["file"] == first.json()["file"]
    state = await importing.run(UUID(first.json()["id"]))
    assert state.tally.imported == 3
    late = await importing.upload(file, idempotency_key=key)
    assert (late.status_code, late.json()["status"]) == (201, "completed")
    other = await importing.upload(content(*people(4)), idempotency_key=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    assert importing.files(tmp_path) == ["file"]


async def test_two_files_race_for_one_key(importing: Importing, tmp_path: Path) -> None:
    key, files = str(uuid4()), [content(*people(40, start)) for start in (1, 1001, 2001)]
    answers = await asyncio.gather(*(importing.upload(_slowly(file), idempotency_key=key) for file in files))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 201)
    state = await importing.run(UUID(answers[won].json()["id"]))
    assert state.tally.imported == 40
    assert f"p{[1, 1001, 2001][won]}@people.example" in await importing.contacts()
    assert importing.files(tmp_path) == ["file"]


async def _slowly(file: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(file), 100):
        await asyncio.sleep(0)
        yield file[start : start + 100]


@pytest.mark.parametrize("form", [False, True])
async def test_a_file_that_is_too_large(importing: Importing, tmp_path: Path, form: bool) -> None:  # noqa: FBT001 - a parameter of the test
    limit = importing.api.parts.settings.max_upload_bytes
    object.__setattr__(importing.api.parts.settings, "max_upload_bytes", 10_000)
    try:
        sent: dict[str, Any] = (
            {"files": {"f": ("a.csv", b"x" * 20_000)}} if form else {"content": _slowly(b"x" * 20_000)}
        )
        answer = await importing.http.post(
            "/v1/audience/imports",
            params={"workspace_id": str(importing.tenant.workspace_id)},
            headers={**({} if form else CSV), "authorization": f"Bearer {importing.tenant.key}"},
            **sent,
        )
    finally:
        object.__setattr__(importing.api.parts.settings, "max_upload_bytes", limit)
    assert (answer.status_code, answer.json()["limit"]) == (413, 10_000)
    assert importing.files(tmp_path) == []
    assert not [row for row in await importing.history() if row.name.startswith("audience.import")]


async def test_a_client_that_goes_away_leaves_nothing(importing: Importing, tmp_path: Path) -> None:
    app = create_app(importing.api.parts)
    sent = iter([b"Email\n", b"a@people.example\n" * 50_000])
    seen: list[str] = []

    async def receive() -> dict[str, Any]:
        piece = next(sent, None)
        if piece is None:
            seen.extend(importing.files(tmp_path))
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: Any) -> None:
        raise AssertionError(f"nobody is there for {message['type']}")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/audience/imports",
        "raw_path": b"/v1/audience/imports",
        "root_path": "",
        "query_string": f"workspace_id={importing.tenant.workspace_id}".encode(),
        "headers": [
            (b"content-type", b"text/csv"),
            (b"authorization", f"Bearer {importing.tenant.key}".encode()),
        ],
    }
    await app(scope, receive, send)
    assert [name.endswith(".part") for name in seen] == [True], "it was there while it came in"
    assert importing.files(tmp_path) == []
    assert not [row for row in await importing.history() if row.name.startswith("audience.import")]


@pytest.mark.parametrize(
    ("params", "headers", "status", "problem"),
    [
        ({}, {}, 422, "parameter-invalid"),
        ({"workspace_id": "x"}, {}, 422, "parameter-invalid"),
        ({"workspace_id": str(uuid4())}, {}, 404, "no-such-workspace"),
        ({"encoding": "klingon"}, {}, 422, "parameter-invalid"),
        ({"delimiter": "x"}, {}, 422, "parameter-invalid"),
        ({"colour": "red"}, {}, 422, "parameter-invalid"),
        ({}, {"content-type": "application/json"}, 415, "unsupported-media-type"),
        ({}, {"penguin-file-name": "a%00b.csv"}, 422, "parameter-invalid"),
        ({}, {"penguin-file-name": "%FF"}, 400, "header-invalid"),
        ({}, {"authorization": "Bearer pm_live_no"}, 401, "unauthenticated"),
    ],
)
async def test_a_request_that_cannot_be_used(
    importing: Importing,
    tmp_path: Path,
    params: dict[str, str],
    headers: dict[str, str],
    status: int,
    problem: str,
) -> None:
    named = {"workspace_id": str(importing.tenant.workspace_id)} if params or headers else {}
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={**named, **params},
        headers={**CSV, "authorization": f"Bearer {importing.tenant.key}", **headers},
        content=content(*people(1)),
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}"), answer.text
    assert importing.files(tmp_path) == []


async def test_only_who_may_import_does(importing: Importing) -> None:
    viewer = await importing.api.key(importing.tenant, TenantRole.VIEWER)
    refused = await importing.upload(content(*people(1)), viewer)
    assert (refused.status_code, refused.json()["permission"]) == (403, "contacts.import")
    import_id = await importing.ready(content(*people(1), ("broken",)))
    await importing.run(import_id)
    assert (await importing.get(f"/v1/audience/imports/{import_id}/progress", viewer)).status_code == 200
    assert (await importing.get(f"/v1/audience/imports/{import_id}/errors", viewer)).status_code == 403


async def test_things_of_other_tenants_are_not_there(importing: Importing) -> None:
    import_id = await importing.ready(content(*people(1), ("broken",)))
    await importing.run(import_id)
    other = (await importing.api.tenant("Other")).key
    for path in ("progress", "errors"):
        assert (await importing.get(f"/v1/audience/imports/{import_id}/{path}", other)).status_code == 404
    preview = await importing.http.post(
        f"/v1/audience/imports/{import_id}/preview", headers={"authorization": f"Bearer {other}"}
    )
    assert preview.status_code == 404
    into_ours = await importing.upload(content(*people(1)), other)
    assert into_ours.status_code == 404
