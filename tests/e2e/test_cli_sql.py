"""`penguinmails sql` on a running installation."""

import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from adapters.exports.names import FileName
from application.ports.positions import Position
from tests.support.answers import sheet_of
from tests.support.serving import Served

pytestmark = pytest.mark.xdist_group("serve")
SQL = "SELECT context, count(*) AS events FROM fact_event GROUP BY context ORDER BY context"


def test_a_select_is_answered_in_every_form(demo_installation: Served, tmp_path: Path) -> None:
    cli, key = demo_installation.cli, demo_installation.key
    told = json.loads(cli("sql", SQL, "--json", key=key).stdout)
    assert [one["name"] for one in told["columns"]] == ["context", "events"]
    counted = dict(told["data"])
    assert counted["audience"] > 0
    assert Position.parse(told["position"]).n >= sum(counted.values())
    file = tmp_path / "query.sql"
    file.write_text(SQL)
    as_csv = cli("sql", "--file", str(file), "--csv", key=key)
    assert as_csv.stdout.splitlines()[0] == "context,events"
    assert "As of position" in as_csv.stderr
    for ending in FileName:
        made = tmp_path / f"made.{ending}"
        wrote = json.loads(cli("sql", SQL, "--output", str(made), "--json", key=key).stdout)
        assert (wrote["file"], wrote["truncated"]) == (str(made), False)
        assert Position.parse(wrote["position"]).n >= Position.parse(told["position"]).n
        assert made.stat().st_mode & 0o077 == 0
    made = tmp_path / "made"
    cli("sql", SQL, "--output", str(made), "--format", "xlsx", key=key)
    header, *lines = sheet_of(made.read_bytes()).iter_rows(values_only=True)
    assert header == ("context", "events")
    assert dict(lines).keys() == counted.keys()
    cli("sql", SQL, "--format", "xlsx", key=key, code=2)
    cli("sql", SQL, "--output", str(tmp_path / "made.pdf"), key=key, code=2)
    cli("sql", SQL, "--output", str(made), "--csv", key=key, code=2)
    plain = cli("sql", SQL, key=key).stdout.splitlines()
    assert plain[0] == "context\tevents"
    assert len(plain) == len(counted) + 1


def test_another_installation_is_asked_through_its_api(demo_installation: Served, tmp_path: Path) -> None:
    cli, key, here = demo_installation.cli, demo_installation.key, tmp_path / "none"
    there = ("--url", demo_installation.address, "--data", str(here))
    told = json.loads(cli("sql", SQL, *there, "--json", key=key).stdout)
    assert dict(told["data"])["audience"] > 0
    assert cli("sql", SQL, *there, key=key).stdout.splitlines()[0] == "context\tevents"
    as_csv = cli("sql", SQL, *there, "--csv", key=key)
    assert as_csv.stdout.splitlines()[0] == "context,events"
    assert "As of position" in as_csv.stderr
    made = tmp_path / "made.xlsx"
    wrote = json.loads(cli("sql", SQL, *there, "--output", str(made), "--json", key=key).stdout)
    assert (wrote["file"], wrote["truncated"], made.read_bytes()[:2]) == (str(made), False, b"PK")
    refused = json.loads(cli("sql", "DROP TABLE fact_event", *there, "--json", key=key, code=1).stderr)
    assert refused["type"].endswith("sql-not-one-select")
    assert not here.exists(), "nothing is made here"


def test_a_saved_query_is_asked_by_its_id(demo_installation: Served) -> None:
    cli, key = demo_installation.cli, demo_installation.key
    kept = httpx.post(
        f"{demo_installation.address}/v1/reporting/new/save-query",
        json={"title": "Events by context", "sql": SQL},
        headers={"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())},
    )
    told = json.loads(cli("sql", "--saved", kept.json()["id"], "--json", key=key).stdout)
    assert [one["name"] for one in told["columns"]] == ["context", "events"]
    cli("sql", SQL, "--saved", kept.json()["id"], key=key, code=2)


def test_what_is_refused_says_why(demo_installation: Served) -> None:
    cli, key = demo_installation.cli, demo_installation.key
    refused = json.loads(cli("sql", "DROP TABLE fact_event", "--json", key=key, code=1).stderr)
    assert refused["code"] == "sql-not-one-select"
    assert "fact_event" in cli("sql", "SELECT * FROM fact_evnt", key=key, code=1).stderr
    cli("sql", key=key, code=2)
    cli("sql", SQL, "--file", "x.sql", key=key, code=2)
    cli("sql", "--file", "/nowhere/x.sql", key=key, code=3)
    cli("sql", " ", key=key, code=2)
    viewer = json.loads(cli("key", "create", "Viewer", "--role", "viewer", "--json", key=key).stdout)["key"]
    assert "reports.sql" in cli("sql", SQL, key=viewer, code=1).stderr
