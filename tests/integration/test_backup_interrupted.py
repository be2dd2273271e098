"""A backup, or a restore, that is interrupted or killed leaves nothing that is taken for a whole one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from adapters.backup import errors, manifest
from adapters.backup.files import untold
from adapters.postgres.embedded import EmbeddedPostgres
from api.ops import backups
from api.ops.database import HalfRestored, schema_of
from tests.support.api import serving
from tests.support.backed_up import later, restored, settings_for, taken
from tests.support.commands import run
from tests.support.database import Database, empty_database
from tests.support.serving import ROOT, eventually


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with empty_database(postgres) as made:
        yield made


def half_restored(database: Database) -> None:
    """Nothing serves from it, and nothing is in it."""
    with pytest.raises(HalfRestored, match="penguinmails restore"):
        schema_of(database.admin)
    with psycopg.connect(database.admin) as connection:
        assert connection.execute("SELECT to_regclass('log.events')").fetchone() == (None,)


def killed_in_the_middle(arguments: list[str], empty: Database, environment: dict[str, str]) -> None:
    """It comes as far as its first schema, and waits there for whoever makes the same."""
    command = [sys.executable, "-m", "api.cli", *arguments]
    with psycopg.connect(empty.admin) as holding:
        holding.execute("CREATE SCHEMA log")
        with subprocess.Popen(command, cwd=ROOT, env=environment) as restoring:
            for _ in eventually("it waits", 60):
                with psycopg.connect(empty.admin) as connection:
                    waiting = connection.execute(
                        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                        " AND wait_event_type = 'Lock' AND query LIKE 'CREATE SCHEMA%'"
                    )
                    if waiting.rowcount:
                        break
            restoring.kill()
        holding.rollback()


async def test_a_restore_that_was_killed_is_marked_and_begun_anew(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    good = await taken(database, tmp_path)
    environment = {**os.environ, "DATABASE_URL": empty.admin, "PENGUINMAILS_DATA": str(tmp_path)}
    killed_in_the_middle(["restore", str(good)], empty, environment)
    half_restored(empty)
    refused = run(("migrate",), environment, 60)
    assert refused.returncode == 4, refused.stderr
    assert "penguinmails restore" in refused.stderr
    done = run(("restore", str(good)), environment, 60)
    assert done.returncode == 0, done.stderr
    assert schema_of(empty.admin) == "current"


async def test_a_restore_that_was_interrupted_is_marked_and_begun_anew(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    good = await taken(database, tmp_path)
    settings = settings_for(empty, tmp_path)
    told = manifest.read(good, manifest.Events)

    class Interrupted(Exception):
        pass

    @dataclass
    class Stop:
        """Interrupts when a file is read the second time: first all are checked, then loaded."""

        at: str
        begun: int = 0

        def __call__(self, name: str, _: int, total: int | None = None) -> None:
            self.begun += name == self.at and total is not None
            if self.begun > 1:
                raise Interrupted

    for at in ("log.events.copy.gz", "ops.webhook_runs.copy.gz", "blobs.tar"):
        with pytest.raises(Interrupted):
            restored(settings, good, later(), Stop(at))
        half_restored(empty)
    done = restored(settings, good, later())
    assert done.events == sum(head.position for head in told.logs)
    assert schema_of(empty.admin) == "current"


async def test_a_backup_that_was_interrupted_has_no_name_and_is_begun_anew(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        await api.tenant()
    settings, folder = settings_for(database, tmp_path), tmp_path / "backup"

    def stop(name: str, _: int, __: int | None = None) -> None:
        if name == "log.receipts":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.take_events(settings, folder, stop)
    assert not folder.exists()
    assert not folder.with_name("backup.part").exists()
    # A killed one leaves its part; what is somebody's own is left alone.
    part = folder.with_name("backup.part")
    part.mkdir()
    (part / "thesis.txt").write_text("mine")
    with pytest.raises(errors.FolderTaken):
        backups.take_events(settings, folder, untold)
    (part / "thesis.txt").rename(part / ".writing")
    (part / "log.events.copy.gz").write_text("half")
    assert backups.take_events(settings, folder, untold).logs
    assert backups.verify(folder, untold) == manifest.read(folder, manifest.Events)
    assert not part.exists()
