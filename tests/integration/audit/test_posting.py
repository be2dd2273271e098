"""Checkpoints posted outside: into real folders, a bucket, and by mail; and what a place tells of a changed past."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.evidence.mirror import Mirror
from adapters.mirrors.folder import FolderMirrors
from adapters.postgres.restored import start_epoch
from application.ports.mirrors import Place, PlaceTrouble, PlaceUnusable
from application.posting.running import NotSigned
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.audit.origins import LogId, LogKind
from domain.kernel.permissions import TenantRole
from tests.support.api import serving
from tests.support.buckets import BucketServer, bucket_server
from tests.support.database import Database
from tests.support.mailbox import Mailbox
from tests.support.notary import Office, office
from tests.support.posting_world import World, files, holds
from tests.support.working import MovedClock, Worker

OUTSIDE = {"title": "Outside", "frequency": "hourly", "folder": "ledger"}


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    with office(database, tmp_path / "notary") as made:
        yield made


@pytest.fixture(scope="session")
def server() -> Iterator[BucketServer]:
    with bucket_server() as made:
        yield made


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
async def world(
    database: Database,
    tmp_path: Path,
    clock: MovedClock,
    box: Mailbox,
    signing: Office,
    settings: dict[str, Any],
) -> AsyncIterator[World]:
    mail: dict[str, Any] = {"smtp_url": box.url, "mail_from": "ledger@sender.example"}
    async with serving(database, tmp_path, clock, **mail, **settings) as api:
        yield World(api, await api.tenant(), clock, signing, tmp_path)


async def test_a_folder_gets_the_tiles_and_then_only_what_is_new(world: World) -> None:
    posting = await world.posting()
    world.signing.add(world.events, 600)
    world.signing.sign()
    assert await Worker(world.api).work_off() == ["checkpoints.post"]
    first, told = world.files(), await world.shown(posting)
    size = holds(first, world, world.events)
    (one,) = told["posted"]
    assert (told["outcome"], one["size"], one["files"], one["log"]) == ("posted", size, len(first), "events")
    older = Checkpoint.read(Note.read(first["events/checkpoint"]).text)
    world.signing.add(world.events, 300)
    world.signing.sign()
    await world.post(posting)
    second = world.files()
    assert holds(second, world, world.events, (older.size, older.root)) > size
    # As `penguinmails audit verify --checkpoint MIRROR/events/checkpoint` reads it, for an older checkpoint too.
    assert Mirror(world.root / "events", older.size).root() == older.root
    added = second.keys() - first.keys()
    assert {name for name in first if first[name] != second[name]} == {"events/checkpoint"}
    assert (await world.shown(posting))["posted"][0]["files"] == len(added) + 1
    assert "events/tile/0/002" in added
    assert "events/tile/0/000" not in added
    # What reading made, in the other log, goes too once it is signed.
    await world.api.send("GET", "/v1/history", world.tenant.key)
    world.signing.sign()
    await world.post(posting)
    assert holds(world.files(), world, LogId(world.tenant.id, LogKind.ACCESS)) >= 1
    kept = world.signing.admin.execute(
        "SELECT count(*) FROM ledger.checkpoints WHERE size = %s", (size,)
    ).fetchone()
    assert kept == (1,)


async def test_broken_off_it_is_gone_on_with_and_every_kill_leaves_a_mirror_that_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting = await world.posting(logs=["events"])
    world.signing.add(world.events, 10)
    world.signing.sign()
    await world.post(posting)
    world.signing.add(world.events, 9_000)
    world.signing.sign()
    whole, done = FolderMirrors.create, list[str]()

    def dying(self: FolderMirrors, place: Place, path: str, content: bytes) -> None:
        if len(done) >= 20:
            raise PlaceUnusable(PlaceTrouble.UNREACHABLE)
        whole(self, place, path, content)
        done.append(path)

    before = world.files()
    with monkeypatch.context() as patched:
        patched.setattr(FolderMirrors, "create", dying)
        with pytest.raises(PlaceUnusable):
            await world.post(posting)
    left = world.files()
    assert left["events/checkpoint"] == before["events/checkpoint"], "its tiles are not all there yet"
    assert 20 <= len(left.keys() - before.keys()) < 30
    holds(left, world, world.events)
    world.signing.add(world.events, 7)
    world.signing.sign()
    await world.post(posting)
    assert holds(world.files(), world, world.events) == world.signing.checkpoint(world.events).size


async def test_a_place_tells_when_the_database_was_put_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    posting = await world.posting(logs=["events"])
    world.signing.sign()
    earlier = world.signing.note(world.events)
    size = world.signing.checkpoint(world.events).size
    await world.grow(5)
    await world.post(posting)
    mirror = world.files()
    tree = "UPDATE ledger.trees SET size = %s, note = %s WHERE tenant_id = %s AND log = 'events'"
    world.signing.admin.execute(tree, (size, earlier, world.tenant.id))
    with caplog.at_level(logging.ERROR):
        await world.post(posting)
    told = await world.shown(posting)
    assert (told["outcome"], told["reason"], told["log"], told["path"]) == (
        "failed",
        "place_contradicts",
        "events",
        "events/checkpoint",
    )
    assert "contradicts the database" in caplog.text
    assert world.api.parts.postings.contradicted == 1
    assert world.files() == mirror


async def test_tiles_with_other_hashes_are_left_and_told_and_so_is_what_is_no_checkpoint(
    world: World,
) -> None:
    posting = await world.posting(logs=["events"])
    world.signing.add(world.events, 300)
    world.signing.sign()
    await world.post(posting)
    tile = world.root / "events/tile/0/000"
    tile.write_bytes(tile.read_bytes()[::-1])
    # Its checkpoint is of the true tree still; without it everything would be posted anew.
    (world.root / "events/checkpoint").unlink()
    mirror = world.files()
    await world.post(posting)
    told = await world.shown(posting)
    assert (told["reason"], told["path"]) == ("place_contradicts", "events/tile/0/000")
    assert {name: content for name, content in world.files().items() if name in mirror} == mirror
    assert "events/checkpoint" not in world.files()
    for content in (b"nonsense", world.signing.note(await another_log(world))):
        (world.root / "events/checkpoint").write_bytes(content)
        await world.post(posting)
        told = await world.shown(posting)
        assert (told["reason"], told["path"]) == ("place_contradicts", "events/checkpoint")
        assert (world.root / "events/checkpoint").read_bytes() == content


async def another_log(world: World) -> LogId:
    of = world.signing.log()
    world.signing.add(of, 2)
    world.signing.sign()
    return of


async def test_tiles_of_the_database_that_were_changed_are_found_by_the_mirror(world: World) -> None:
    posting = await world.posting(logs=["events"])
    world.signing.add(world.events, 300)
    world.signing.sign()
    await world.post(posting)
    await world.grow(3)
    world.signing.admin.execute(
        "UPDATE ledger.tiles SET hashes = overlay(hashes placing '\\x00'::bytea from 40)"
        " WHERE tenant_id = %s AND log = 'events' AND level = 0 AND tile = 1",
        (world.tenant.id,),
    )
    await world.post(posting)
    assert (await world.shown(posting))["reason"] == "place_contradicts"


async def test_an_epoch_that_a_restore_opened_has_a_folder_of_its_own(world: World) -> None:
    posting = await world.posting(logs=["events"])
    world.signing.add(world.events, 300)
    world.signing.sign()
    await world.post(posting)
    before = world.files()
    raised = start_epoch(world.signing.database.maintenance, world.signing.now)
    world.signing.sign()
    await world.post(posting)
    after = world.files()
    assert {name: after[name] for name in before} == before
    assert f"events/epoch-{raised.epoch}/checkpoint" in after
    holds(after, world, world.events)


async def test_a_bucket_gets_the_same_and_its_keys_are_in_no_event(
    database: Database, tmp_path: Path, clock: MovedClock, signing: Office, server: BucketServer
) -> None:
    told = server.told(prefix="penguin")
    buckets = json.dumps({"archive": told})
    async with serving(database, tmp_path, clock, buckets=buckets) as api:
        world = World(api, await api.tenant(), clock, signing, tmp_path)
        posting = await world.posting(bucket="archive", logs=["events"])
        other = await world.posting(bucket="elsewhere")
        world.signing.add(world.events, 300)
        world.signing.sign()
        await world.post(posting)
        below = f"penguin/{world.tenant.id}/ledger/"
        objects = server.objects(told["bucket"])
        assert {name[: len(below)] for name in objects} == {below}
        holds({name[len(below) :]: content for name, content in objects.items()}, world, world.events)
        await world.grow(2)
        await world.post(posting)
        assert (await world.shown(posting))["posted"][0]["files"] == 2
        await world.post(other)
        assert (await world.shown(other))["reason"] == "bucket_not_set_up"
        history = (await api.send("GET", "/v1/history?limit=100", world.tenant.key)).text
        assert told["secret_access_key"] not in history
        assert "posting_started" in history


async def test_members_get_the_checkpoint_as_text_and_as_a_file(world: World, box: Mailbox) -> None:
    member = await member_of(world, "auditor@acme.example")
    gone = await member_of(world, "gone@acme.example")
    posting = await world.posting(folder=None, recipients=[member, gone])
    removed = await world.api.post(f"/v1/tenancy/{gone}/remove-member", world.tenant.key)
    assert removed.status_code == 200, removed.text
    world.signing.sign()
    await world.post(posting)
    ((to, letter),) = box.received
    assert to == "auditor@acme.example"
    (attached,) = letter.iter_attachments()
    note = attached.get_content()
    note = note if isinstance(note, bytes) else note.encode()
    assert note == world.signing.note(world.events)
    assert attached.get_filename() == f"events-{world.signing.checkpoint(world.events).size}.checkpoint"
    body = letter.get_body(("plain",))
    assert body is not None
    assert note.decode().strip() in body.get_content().replace("\r\n", "\n")
    told = await world.shown(posting)
    assert (told["mailed"], told["passed"]) == (1, [{"member_id": gone, "reason": "removed"}])
    box.down = True
    await world.post(posting, last=True)
    told = await world.shown(posting)
    assert (told["reason"], told["passed"][0]["reason"]) == ("mail_not_taken_over", "deferred")


async def member_of(world: World, email: str) -> str:
    body = {"email": email, "full_name": "Some One", "role": "compliance_officer"}
    invited = await world.api.post("/v1/tenancy/new/invite-member", world.tenant.key, body)
    token = invited.json()["secret"]
    accepted = await world.api.post("/v1/invitations/accept", None, {"token": token})
    assert accepted.status_code < 300, accepted.text
    told: str = invited.json()["id"]
    return told


async def test_the_platform_posts_the_logs_of_all_and_one_that_contradicts_keeps_no_other_back(
    world: World,
) -> None:
    _, staff = await world.api.staff()
    refused = await world.api.post(
        "/v1/ledger/new/post-checkpoints", world.tenant.key, {**OUTSIDE, "every_tenant": True}
    )
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "posting-every-tenant")
    posting = await world.posting(staff, every_tenant=True, logs=["events"])
    second = await world.api.tenant("Second")
    world.signing.sign()
    platform = world.signing.admin.execute(
        "SELECT tenant_id FROM log.events WHERE name = 'ledger.posting_started'"
    ).fetchone()
    assert platform is not None
    await world.post(posting, tenant_id=platform[0])
    root = world.folder / "deliveries" / str(platform[0]) / "ledger"
    mirror = files(root)
    for tenant in (world.tenant.id, second.id, platform[0]):
        below = f"{tenant}/"
        own = {name[len(below) :]: text for name, text in mirror.items() if name.startswith(below)}
        holds(own, world, LogId(tenant, LogKind.EVENTS))
    told = await world.shown(posting, staff)
    assert (told["others"], told["others_failed"], len(told["posted"])) == (2, 0, 1)
    (root / str(second.id) / "events/checkpoint").write_text("nonsense")
    await world.post(posting, tenant_id=platform[0])
    told = await world.shown(posting, staff)
    assert (told["outcome"], told["others"], told["others_failed"]) == ("posted", 1, 1)


async def test_what_is_not_signed_or_not_reached_is_tried_again_and_then_told(world: World) -> None:
    posting = await world.posting()
    world.signing.admin.execute("DELETE FROM ledger.trees")
    with pytest.raises(NotSigned):
        await world.post(posting)
    await world.post(posting, last=True)
    assert (await world.shown(posting))["reason"] == "not_signed"
    world.signing.sign()
    (world.folder / "deliveries").write_text("no folder")
    await world.post(posting)
    assert (await world.shown(posting))["reason"] == "place_denies"
    unknown = await world.api.post(
        "/v1/ledger/new/post-checkpoints",
        world.tenant.key,
        {"title": "x", "recipients": [str(uuid4())]},
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/recipients/0")
    viewer = await world.api.key(world.tenant, TenantRole.VIEWER)
    denied = await world.api.post("/v1/ledger/new/post-checkpoints", viewer, OUTSIDE)
    assert denied.status_code == 403


async def test_cosignatures_that_come_later_are_posted_and_are_not_kept_twice(world: World) -> None:
    posting = await world.posting(logs=["events"])
    await world.post(posting)
    plain = world.files()["events/checkpoint"]
    checkpoint = world.signing.checkpoint(world.events)
    line = "\u2014 witness.example/w 6nF1TvZ0x1xQZ0l5Y1N0dWZmIGFzIGEgbGluZQ==\n".encode()
    world.signing.admin.execute(
        "INSERT INTO ledger.cosignatures (tenant_id, log, epoch, size, witness, line, taken_at)"
        " VALUES (%s, 'events', %s, %s, 'w', %s, now())",
        (world.tenant.id, checkpoint.epoch, checkpoint.size, line),
    )
    world.signing.admin.execute("DELETE FROM ledger.checkpoints")
    signed = world.api.parts.ledger
    tree = await signed.tree(world.events)
    assert tree is not None
    assert tree.note == plain + line
    # The event of the posting itself is in the log by now, and is not signed yet: of that size it is the same tree.
    await world.post(posting)
    assert world.files()["events/checkpoint"] == plain + line
    kept = world.signing.admin.execute("SELECT note FROM ledger.checkpoints").fetchall()
    assert [bytes(note) for (note,) in kept] == [plain]
    await world.post(posting)
    assert (await world.shown(posting))["posted"][0]["files"] == 0
