"""The ledger as somebody from outside verifies it: bytes over HTTP, checked by the test's own small verifiers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from application.completeness import Checkpoints
from application.ports.positions import Position
from domain.audit.origins import LogId, LogKind
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.database import Database
from tests.support.naive_tree import mth, path, proof
from tests.support.notary import Office, office
from tests.support.note_verifier import verified

LEDGER = "/v1/ledger/events"


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    """The notary of the API's database."""
    with office(database, tmp_path / "notary") as made:
        yield made


async def read(api: Api, tenant: TestTenant, where: str) -> bytes:
    answer = await api.send("GET", where, tenant.key)
    assert answer.status_code == 200, answer.text
    return answer.content


async def entries_of(api: Api, tenant: TestTenant, size: int) -> list[bytes]:
    """What the tree is made over, from the envelopes as they are handed out."""
    return [
        sha256(await read(api, tenant, f"{LEDGER}/envelopes/{position}")).digest()
        for position in range(1, size + 1)
    ]


async def contact(api: Api, tenant: TestTenant, email: str) -> str:
    body = {"workspace_id": str(tenant.workspace_id), "email": email}
    made = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def lines(checkpoint: bytes) -> tuple[str, int, bytes]:
    origin, size, root, *_ = checkpoint.decode().split("\n")
    return origin, int(size), base64.b64decode(root)


async def test_what_is_handed_out_is_verified_from_outside(api: Api, signing: Office) -> None:
    tenant, other = await api.tenant(), await api.tenant()
    nothing = await api.send("GET", f"{LEDGER}/checkpoint", tenant.key)
    assert (nothing.status_code, nothing.json()["type"]) == (404, "/problems/nothing-signed")
    made = [await contact(api, tenant, f"{n}@people.example") for n in range(3)]
    signing.sign()
    old = await read(api, tenant, f"{LEDGER}/checkpoint")
    origin, first, old_root = lines(old)
    assert origin == f"penguinmails.test/ledger/{tenant.id}/events/1"
    keys = (await read(api, tenant, f"{LEDGER}/verifier-keys")).decode().split()
    assert verified(old, *keys) == {origin: None}
    # The person is forgotten, and the log goes on.
    erased = await api.post(f"/v1/audience/{made[0]}/erase-contact", tenant.key)
    assert erased.is_success, erased.text
    signing.sign()
    _, size, root = lines(await read(api, tenant, f"{LEDGER}/checkpoint"))
    entries = await entries_of(api, tenant, size)
    assert size > first
    assert (mth(entries), mth(entries[:first])) == (root, old_root)
    told = json.loads(await read(api, tenant, f"{LEDGER}/consistency?from={first}"))["data"]
    assert [base64.b64decode(one) for one in told["hashes"]] == proof(first, entries)
    told = json.loads(await read(api, tenant, f"{LEDGER}/inclusion?position=2&size={first}"))["data"]
    assert (told["leaf"], told["size"]) == (1, first)
    assert [base64.b64decode(one) for one in told["hashes"]] == path(1, entries[:first])
    file = (await read(api, tenant, f"{LEDGER}/proofs/2")).decode()
    head, _, note = file.partition("\n\n")
    assert head.split("\n")[:2] == ["c2sp.org/tlog-proof@v1", "index 1"]
    assert [base64.b64decode(line) for line in head.split("\n")[2:]] == path(1, entries)
    assert lines(note.encode())[1:] == (size, root)
    leaves = b"".join(sha256(b"\0" + entry).digest() for entry in entries)
    assert await read(api, tenant, f"{LEDGER}/tile/0/000.p/{size}") == leaves
    assert await read(api, tenant, f"{LEDGER}/tile/0/000.p/{first}") == leaves[: 32 * first]
    bundle = await read(api, tenant, f"{LEDGER}/tile/entries/000.p/{size}")
    assert bundle == b"".join(b"\0\x20" + entry for entry in entries)
    # Another tenant's log is another tree, and neither is reached from the other.
    theirs = lines(await read(api, other, f"{LEDGER}/checkpoint"))
    assert theirs[0] == f"penguinmails.test/ledger/{other.id}/events/1"
    assert theirs[2] != root
    signing.sign()
    access = lines(await read(api, tenant, "/v1/ledger/access/checkpoint"))
    assert access[0] == f"penguinmails.test/ledger/{tenant.id}/access/1"
    kept: dict[str, Any] = json.loads(await read(api, tenant, f"{LEDGER}/checkpoints"))
    assert (kept["data"], kept["next"]) == ([], None)
    # Exports name the first checkpoint that is kept for ever and holds their position, else the latest.
    latest, of = lines(await read(api, tenant, f"{LEDGER}/checkpoint")), Checkpoints(api.parts.ledger)
    signing.connection.execute(
        "INSERT INTO ledger.checkpoints (tenant_id, log, epoch, size, note, signed_at)"
        " VALUES (%s, 'events', 1, %s, %s, now())",
        (tenant.id, first, old),
    )
    for position, size_named in (
        (1, first),
        (first, first),
        (first + 1, latest[1]),
        (latest[1] + 9, latest[1]),
    ):
        named = await of.of(tenant.id, Position(1, position))
        assert named is not None
        assert (named.origin, named.size) == (origin, size_named)
        assert base64.b64decode(named.root) == (old_root if size_named == first else latest[2])
    (key,) = json.loads(await read(api, tenant, "/v1/ledger/keys"))["data"]
    assert base64.b64decode(keys[0].split("+", 2)[2])[1:] == base64.b64decode(key["public_key"])


async def test_what_cannot_be_proven_is_said(api: Api, signing: Office) -> None:
    tenant = await api.tenant()
    signing.sign()
    size = lines(await read(api, tenant, f"{LEDGER}/checkpoint"))[1]
    for where, status, code in (
        (f"{LEDGER}/inclusion", 422, "parameter-invalid"),
        (f"{LEDGER}/inclusion?position=0", 422, "parameter-invalid"),
        (f"{LEDGER}/inclusion?position=2&size=1", 422, "outside-the-tree"),
        (f"{LEDGER}/consistency?from=2&to=1", 422, "outside-the-tree"),
        (f"{LEDGER}/proofs/{size + 1}", 503, "not-yet-signed"),
        (f"{LEDGER}/proofs/x", 404, "not-found"),
        (f"{LEDGER}/envelopes/{size + 1}", 404, "not-found"),
        (f"{LEDGER}/tile/0/000", 404, "tile-path-foreign"),
        (f"{LEDGER}/tile/0/../1", 404, "tile-path-foreign"),
        (f"{LEDGER}/tile/65/000", 404, "tile-path-foreign"),
        (f"{LEDGER}/checkpoints?cursor=x", 422, "parameter-invalid"),
        ("/v1/ledger/other/checkpoint", 404, "not-found"),
    ):
        answer = await api.send("GET", where, tenant.key)
        told = answer.json()
        assert (answer.status_code, told["type"].rsplit("/", 1)[1]) == (status, code), (where, told)
    analyst = await api.key(tenant, TenantRole.VIEWER)
    assert (await api.send("GET", f"{LEDGER}/checkpoint", analyst)).status_code == 403
    of = LogId(tenant.id, LogKind.EVENTS)
    signing.admin.execute("UPDATE ledger.tiles SET hashes = substr(hashes, 1, 32) WHERE log = 'events'")
    broken = await api.send("GET", f"{LEDGER}/proofs/1", tenant.key)
    assert "audit fsck" in broken.json()["detail"]
    signing.admin.execute(
        "INSERT INTO ledger.refusals VALUES (%s, 'events', now(), 'Cut off.')", (of.tenant_id,)
    )
    late = await api.send("GET", f"{LEDGER}/proofs/{size + 1}", tenant.key)
    assert "Cut off." in late.json()["detail"]
