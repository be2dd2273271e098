"""A database put back from its dump as docs/operations.md says, and what is then made of what was told before."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.policies import policies_for_view
from adapters.postgres.restored import EarlierRestore, Raised, epoch_of, start_epoch
from application.ports.positions import Position
from domain.kernel.personal import KeyKind
from projections.operational.views import VIEWS
from projections.runtime.compare import compare
from projections.runtime.projector import ProjectorSettings
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.database import Database, empty_database, fresh_database
from tests.support.serving import ROOT
from tests.support.working import Worker

CONTACTS = "/v1/audience/contacts"


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A database with nothing in it, on the same server."""
    with empty_database(postgres) as made:
        yield made


def run_block(holding: str, database: Database, server: EmbeddedPostgres, folder: Path) -> None:
    """Run the block of docs/operations.md that holds a command, on a database and a data folder."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = (one for one in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if holding in one)
    command(block, database, server, folder)


def command(block: str, database: Database, server: EmbeddedPostgres, folder: Path) -> str:
    """Run commands of a shell on a database and a data folder; what they told."""
    programs = (str(Path(sys.executable).parent), str(server.binaries.folder), os.environ["PATH"])
    environment = {
        "PATH": os.pathsep.join(programs),
        "DATABASE_URL": database.admin,
        "PENGUINMAILS_DATA": str(folder),
    }
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def contact(api: Api, tenant: TestTenant, email: str) -> str:
    """Make a contact; the position that the log has then."""
    body = {"workspace_id": str(tenant.workspace_id), "email": email}
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["position"]
    return token


async def test_what_was_told_before_a_restore_is_known_from_what_is_told_since(
    database: Database, empty: Database, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        await contact(api, tenant, "kept@people.example")
        assert (await api.send("GET", "/v1/history", tenant.key)).status_code == 200
        await api.project()
    run_block("pg_dump", database, postgres, tmp_path)
    async with serving(database, tmp_path) as api:
        await contact(api, tenant, "gone@people.example")
        await contact(api, tenant, "away@people.example")
        lost = await contact(api, tenant, "lost@people.example")
        walk = (await api.send("GET", "/v1/history?limit=1", tenant.key)).json()["next"]
        with analytics_of(api):
            seen = await api.send("GET", f"/v1/reports/activity?min_position={lost}", tenant.key)
            assert seen.status_code == 200, seen.text

    run_block("pg_restore", empty, postgres, tmp_path)
    async with serving(empty, tmp_path) as api:
        with psycopg.connect(empty.admin) as connection:
            ((epoch, access_logs),) = connection.execute(
                "SELECT min(epoch), count(*) FILTER (WHERE access) FROM (SELECT epoch, false AS access FROM log.heads "
                "UNION ALL SELECT epoch, true FROM log.access_heads) AS heads"
            ).fetchall()
        assert epoch > 1
        assert access_logs >= 1
        await api.project()
        listed = await api.send("GET", f"{CONTACTS}?min_position={lost}", tenant.key)
        assert listed.status_code == 200, listed.text
        assert len(listed.json()["data"]) == 1, (
            "a token of the lost tail waits for nothing that will never come"
        )
        gone_on = await api.send("GET", f"/v1/history?limit=1&cursor={walk}", tenant.key)
        assert gone_on.json()["type"] == "/problems/cursor-mismatch"
        since = await contact(api, tenant, "since@people.example")
        assert Position.parse(lost) < Position.parse(since)
        assert Position.parse(since).epoch == epoch
        assert Position.parse(since).n < Position.parse(lost).n
        await api.project()
        assert len((await api.send("GET", CONTACTS, tenant.key)).json()["data"]) == 2
        with analytics_of(api):
            counted = await api.send("GET", f"/v1/reports/activity?min_position={since}", tenant.key)
            assert counted.status_code == 200, counted.text
            assert Position.parse(counted.json()["position"]) == Position.parse(since)
        settings = ProjectorSettings(empty.projector, api.parts.codec, VIEWS, policies_for_view)
        with psycopg.connect(empty.projector, autocommit=True) as connection:
            assert compare(settings, connection, "contacts").equal


async def test_a_restore_is_told_once_and_each_of_one_backup_has_its_own_epoch(
    postgres: EmbeddedPostgres, database: Database, tmp_path: Path
) -> None:
    first = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        await api.send("GET", "/v1/history", tenant.key)
        raised = start_epoch(database.maintenance, first)
        assert raised.epoch == epoch_of(first)
        assert raised.logs >= 1
        assert raised.access_logs >= 1
        begun_since = await api.tenant("Since")
        assert start_epoch(database.maintenance, first) == Raised(raised.epoch, 0, 0)
        head = await api.parts.log.head(begun_since.id)
        assert head is not None
        assert head.epoch == 1
        with pytest.raises(EarlierRestore):
            start_epoch(database.maintenance, first - timedelta(hours=1))
        again = start_epoch(database.maintenance, first + timedelta(hours=1))
        assert again.epoch > raised.epoch
        assert again.logs > raised.logs
    with fresh_database(postgres) as untouched:
        assert start_epoch(untouched.maintenance, first) == Raised(raised.epoch, 0, 0)


async def test_keys_that_were_destroyed_are_destroyed_again_when_an_old_copy_of_them_came_back(
    database: Database, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async def first_names(api: Api) -> set[str]:
        events = (await api.send("GET", "/v1/history?name=audience.contact_created", tenant.key)).json()[
            "data"
        ]
        return {event["payload"]["first_name"] for event in events}

    keys, copy = tmp_path / "keys", tmp_path / "old-copy"
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        made = {}
        for name in ("Ann", "Ben"):
            body = {
                "workspace_id": str(tenant.workspace_id),
                "email": f"{name}@x.example",
                "first_name": name,
            }
            made[name] = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()["id"]
    shutil.copytree(keys, copy)
    async with serving(database, tmp_path) as api:
        answer = await api.post(f"/v1/audience/{made['Ann']}/erase-contact", tenant.key)
        assert answer.status_code == 200, answer.text
        assert "subject.shred" in await Worker(api).work_off()
        assert await first_names(api) == {"[erased]", "Ben"}
    shutil.rmtree(keys)
    copy.rename(keys)
    async with serving(database, tmp_path) as api:
        assert await first_names(api) == {"Ann", "Ben"}, "the control: an old copy brings her back"
    told = command("penguinmails restored 2026-11-20T10:00 --json", database, postgres, tmp_path)
    assert json.loads(told)["keys_destroyed_again"] == 1
    async with serving(database, tmp_path) as api:
        assert await first_names(api) == {"[erased]", "Ben"}
    told = command("penguinmails restored 2026-11-20T10:00 --json", database, postgres, tmp_path)
    assert json.loads(told)["keys_destroyed_again"] == 0


async def test_who_was_erased_after_both_backups_stays_unreadable_by_the_list_of_destroyed_keys(
    database: Database, empty: Database, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Neither the log nor the keys that are put back know of the erasure; the list, which stayed, does."""
    keys, copy = tmp_path / "keys", tmp_path / "old-copy"
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        body = {"workspace_id": str(tenant.workspace_id), "email": "ann@x.example", "first_name": "Ann"}
        ann = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()["id"]
    run_block("pg_dump", database, postgres, tmp_path)
    shutil.copytree(keys, copy)
    async with serving(database, tmp_path) as api:
        assert (await api.post(f"/v1/audience/{ann}/erase-contact", tenant.key)).status_code == 200
        assert "subject.shred" in await Worker(api).work_off()
    listed = (keys / "destroyed.list").read_bytes()
    shutil.rmtree(keys)
    shutil.copytree(copy, keys)
    (keys / "destroyed.list").write_bytes(listed)
    run_block("pg_restore", empty, postgres, tmp_path)
    async with serving(empty, tmp_path) as api:
        path = "/v1/history?name=audience.contact_created"
        ((event,)) = (await api.send("GET", path, tenant.key)).json()["data"]
        assert event["payload"]["first_name"] == "[erased]"
        erased = await api.send("GET", "/v1/history?name=audience.addressee_erased", tenant.key)
        assert erased.json()["data"] == [], "the control: the log knows nothing of it"


async def test_who_was_erased_after_the_backup_is_erased_again(database: Database, tmp_path: Path) -> None:
    """The log knows nothing of it, and the key is gone all the same."""
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        body = {"workspace_id": str(tenant.workspace_id), "email": "ann@x.example", "first_name": "Ann"}
        made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
        (who,) = {one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")}
        subject = who.partition(":")[2]
        api.parts.keys.destroy([(tenant.id, subject, KeyKind.PROFILE)])
        await api.project()
        assert len((await api.send("GET", CONTACTS, tenant.key)).json()["data"]) == 1
        answer = await api.post(f"/v1/audience/{made['id']}/erase-contact", tenant.key)
        assert answer.status_code == 200, answer.text
        assert "subject.certify" in await Worker(api).work_off()
        assert (await api.send("GET", CONTACTS, tenant.key)).json()["data"] == []
