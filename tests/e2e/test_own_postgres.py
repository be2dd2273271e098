"""docs/deploy.md: the installation on a Postgres of one's own, by DATABASE_URL."""

from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.roles import OWNER, Role
from tests.support.database import QUICK, reachable_folder
from tests.support.serving import Served, installation


def test_serve_on_a_postgres_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with reachable_folder() as folder, EmbeddedPostgres(folder / "own", settings=QUICK) as server:
        url = _prepared(server)
        with installation() as served:
            served.data.parent.chmod(0o755)
            monkeypatch.setattr(Served, "environment", {**served.environment, "DATABASE_URL": url})
            banner = served.start("--no-demo")
            assert "your own Postgres" in banner
            assert "embedded" not in banner
            assert not (served.data / "postgres").exists()
            assert served.data.stat().st_mode & 0o777 == 0o700
            checks = httpx.get(f"{served.address}/readyz", timeout=10).json()["checks"]
            assert checks["database"]["ok"]
            assert checks["migrations"]["state"] == "current"
            assert served.stop() == 0
            _lost_passwords(served, monkeypatch)


def _prepared(server: EmbeddedPostgres) -> str:
    """A database and its owner, as docs/deploy.md has them made."""
    elsewhere = make_conninfo(server.admin_dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE penguinmails_dba LOGIN CREATEROLE PASSWORD 'choose one'")
        administrator.execute(
            "CREATE DATABASE own OWNER penguinmails_dba ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
        for role in (OWNER, *Role):
            found = administrator.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            assert found is None, sql.Identifier(role)
    return make_conninfo(server.admin_dsn, dbname="own", user="penguinmails_dba", password="choose one")


def _lost_passwords(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder that has lost its passwords is told what to do; nothing is served."""
    passwords: Path = served.data / "secrets" / "postgres.json"
    passwords.rename(passwords.with_suffix(".away"))
    done = served.cli("serve", "--no-demo", "--port", "0", code=4)
    assert "--reset-passwords" in done.stderr
    monkeypatch.undo()
