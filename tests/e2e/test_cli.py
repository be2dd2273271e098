"""The command line on a running installation: what it prints where, how it ends, what it does."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from application.ports.positions import Position
from tests.support.serving import ROOT, Served, eventually

pytestmark = pytest.mark.xdist_group("serve")


def _rows(text: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(text)["data"]
    return rows


def _lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_tenant_from_registration_to_receipt(demo_installation: Served) -> None:
    cli = demo_installation.cli
    who = (
        "--owner-email",
        "owner@cli.example",
        "--owner-name",
        "Cleo",
        "--country",
        "GB",
        "--sends-for",
        "itself",
    )
    given = (*who, "--idempotency-key", "cli/1")
    done = cli("tenant", "register", "Command Line Ltd", *given, "--json")
    told = json.loads(done.stdout)
    assert told.keys() == {"tenant", "slug", "workspace", "owner", "key"}
    assert told["slug"] == "command-line-ltd"
    assert "once" in done.stderr
    again = json.loads(cli("tenant", "register", "Command Line Ltd", *given, "--json").stdout)
    assert again == {**told, "key": None}, "sent again: the same tenant, and no secret"
    taken = cli("tenant", "register", "Command Line Ltd", *who, "--json", code=1)
    assert taken.stdout == ""
    assert json.loads(taken.stderr)["code"] == "slug-taken"

    key = told["key"]
    made = json.loads(cli("key", "create", "Second", "--role", "viewer", "--json", key=key).stdout)
    told = json.loads(cli("key", "list", "--json", key=key).stdout)
    listed = told["data"]
    assert told["next"] is None
    assert Position.parse(told["position"]) >= Position.parse(made["position"])
    assert {row["label"] for row in listed} == {"First key", "Second"}
    assert not any("pm_live" in json.dumps(row) for row in listed)
    cli("key", "create", "Third", "--role", "owner", key=made["key"], code=1)
    revoked = json.loads(cli("key", "revoke", made["id"], "--json", key=key).stdout)
    assert Position.parse(revoked["position"]) > Position.parse(made["position"])
    cli("replay", key=made["key"], code=1)

    receipt: dict[str, Any] = {}
    for _ in eventually("every view and analytics have taken in what the receipt stands for"):
        receipt = json.loads(cli("receipt", "cli/1", "--json", key=_admin(demo_installation)).stdout)
        if all(view == {"reached": True, "stopped": False} for view in receipt["caught_up"].values()):
            assert receipt["caught_up"].keys() >= {"analytics", "tenants", "jobs"}
            break
    assert receipt["command"] == "platform.register-tenant"
    assert Position.parse(receipt["position"]).n == receipt["events"][-1]["position"]
    assert "shown by every view" in cli("receipt", "cli/1", key=_admin(demo_installation)).stdout
    cli("receipt", "never", key=key, code=3)


def _admin(served: Served) -> str:
    return f"@{served.data / 'secrets' / 'admin-key'}"


def test_replay_tells_the_story_of_a_stream(demo_installation: Served) -> None:
    def cli(*arguments: str, code: int = 0) -> str:
        return demo_installation.cli(
            "replay", *arguments, "--json", key=demo_installation.key, code=code
        ).stdout

    (changed,) = _rows(cli("--name", "audience.contact_updated", "--limit", "1"))
    stream, at = str(changed["stream"]), int(str(changed["position"]))
    assert changed["channel"] == "cli"
    story = [row["name"] for row in _rows(cli("--stream", stream))]
    assert story == ["audience.contact_created", "audience.contact_updated"]
    assert [row["name"] for row in _rows(cli("--stream", stream, "--backward"))] == story[::-1]
    before = json.loads(cli("--stream", stream, "--as-of", str(at - 1)))
    after = json.loads(cli("--stream", stream, "--as-of", str(at)))
    assert (before["version"], after["version"]) == (1, 2)
    told = json.loads(cli("--stream", stream, "--diff", str(at - 1), str(at)))
    titles = [change for change in told["changes"] if change["path"] == "/title"]
    assert titles == [{"path": "/title", "before": None, "after": "Head roaster"}]
    (gone,) = _rows(cli("--name", "audience.contact_erased"))
    (created, *_) = _rows(cli("--stream", str(gone["stream"])))
    assert isinstance(created["payload"], dict)
    assert created["payload"]["first_name"] == "[erased]"
    first = json.loads(cli("--limit", "1"))
    assert Position.parse(first["position"]).n > len(first["data"]) == 1
    (second,) = _rows(cli("--limit", "1", "--cursor", first["next"]))
    assert second["position"] == 2
    shown = demo_installation.cli("replay", "--limit", "1", key=demo_installation.key)
    assert first["position"] in shown.stderr
    assert first["position"] not in shown.stdout
    assert cli("--as-of", "1", code=2) == ""
    assert cli("--after", "2026-01-01", "--limit", "1") == cli(
        "--after", "2026-01-01T00:00:00Z", "--limit", "1"
    )
    assert cli("--before", "yesterday", code=2) == ""
    assert cli("--stream", stream, "--as-of", "yesterday", code=2) == ""


def test_what_was_why_and_what_it_led_to_are_shown(demo_installation: Served) -> None:
    def cli(*arguments: str, code: int = 0) -> str:
        return demo_installation.cli(*arguments, key=demo_installation.key, code=code).stdout

    (changed,) = _rows(cli("replay", "--name", "audience.contact_updated", "--limit", "1", "--json"))
    stream, at = str(changed["stream"]), int(str(changed["position"]))
    blamed = json.loads(cli("replay", "--stream", stream, "--blame", "--json"))
    (title,) = [one for one in blamed["fields"] if one["path"] == "/title"]
    assert (title["value"], title["before"], title["because"]["position"]) == ("Head roaster", None, at)
    assert f"position {at}" in cli("replay", "--stream", stream, "--blame")
    assert cli("replay", "--blame", code=2) == ""
    (gone,) = _rows(cli("replay", "--name", "audience.profile_key_destroyed", "--json"))
    drawn = cli("replay", "--tree", str(gone["position"])).splitlines()
    assert drawn[0].startswith("audience.erase-contact by ")
    assert [line for line in drawn if "job subject.shred" in line]
    (here,) = (line for line in drawn if line.endswith("<-- here"))
    assert here.split("-- ")[1].startswith(f"{gone['position']} audience.profile_key_destroyed ")
    cli("replay", "--tree", "1000000", code=1)
    never = cli("replay", "--undo", str(gone["position"])).splitlines()
    assert never[1] == "It is never undone."
    undone = cli("replay", "--undo", str(at)).splitlines()
    assert [line for line in undone if line.startswith("  POST /v1/audience/")]
    assert json.loads(cli("replay", "--undo", str(at), "--json"))["by"][0]["body"]["title"] is None
    cli("replay", "--undo", "1000000", code=1)
    (locked,) = _rows(cli("replay", "--name", "finance.period_locked", "--limit", "1", "--json"))
    then = cli("replay", "--known", str(locked["position"])).splitlines()
    assert [line for line in then if line.startswith("  GET /v1/costs/costs?month=")]
    assert cli("replay", "--known", "1", code=1) == ""
    _, _, contact = stream.partition(":")
    for moment, expected in ((at - 1, None), (at, "Head roaster")):
        found = json.loads(cli("view", "audience/contacts", contact, "--as-of", str(moment), "--json"))
        assert (found["data"]["title"], Position.parse(found["position"]).n) == (expected, moment)
    told = cli("view", "audience/contacts", "--diff", str(at - 1), str(at))
    assert f"  /title: None -> Head roaster  (position {at}, audience.contact_updated" in told
    listed = json.loads(cli("view", "audience/contacts", "--as-of", str(at), "--limit", "1", "--json"))
    assert len(listed["data"]) == 1
    assert "audience/contacts" in cli("view")
    cli("view", "audience/nothing", code=3)


def test_reading_at_the_command_line_is_recorded(demo_installation: Served) -> None:
    before = _reads(demo_installation)
    demo_installation.cli("replay", "--limit", "1", key=demo_installation.key)
    assert _reads(demo_installation) == before + 1


def _reads(served: Served) -> int:
    with EmbeddedPostgres(served.data) as embedded, psycopg.connect(embedded.admin_dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM log.access_events WHERE name = 'access.read_recorded'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_views_can_be_looked_at_rebuilt_and_compared(demo_installation: Served) -> None:
    cli = demo_installation.cli
    names = {row["projection"] for row in _lines(cli("projections", "status", "--json").stdout)}
    assert {"contacts", "lists", "members", "jobs"} <= names
    compared = _lines(cli("projections", "compare", "lists", "--json").stdout)
    assert [(row["projection"], row["equal"]) for row in compared] == [("lists", True)]
    built = json.loads(cli("projections", "rebuild", "lists", "--json").stdout)
    assert built["build"] > 1
    done = cli("projections", "rebuild", "list", code=3)
    assert "lists" in done.stderr, "the ones there are, are named"
    tenant = "0198c0de-0000-7000-8000-000000000000"
    cli("projections", "retry", tenant, "lists", code=3)


def test_jobs_that_were_given_up_are_listed_and_tried_again(demo_installation: Served) -> None:
    cli = demo_installation.cli
    job, tenant = "0198c0de-0000-7000-8000-00000000000b", "0198c0de-0000-7000-8000-00000000000c"
    assert cli("jobs", "list", "--json").stdout == ""
    cli("jobs", "retry", job, code=3)
    with (
        EmbeddedPostgres(demo_installation.data) as embedded,
        psycopg.connect(embedded.admin_dsn) as connection,
    ):
        connection.execute(
            "INSERT INTO ops.job_runs (job_id, tenant_id, workflow, state, until, attempts, error) "
            "VALUES (%s, %s, 'import.run', 'failed', now(), 8, 'Trouble')",
            (job, tenant),
        )
    try:
        (listed,) = _lines(cli("jobs", "list", "--json").stdout)
        assert (listed["job_id"], listed["tenant_id"], listed["workflow"]) == (job, tenant, "import.run")
        assert (listed["attempts"], listed["error"]) == (8, "Trouble")
        assert json.loads(cli("jobs", "retry", job, "--json").stdout) == {"job_id": job, "state": "waiting"}
        assert cli("jobs", "list", "--json").stdout == ""
        cli("jobs", "retry", job, code=3)
    finally:
        with (
            EmbeddedPostgres(demo_installation.data) as embedded,
            psycopg.connect(embedded.admin_dsn) as connection,
        ):
            connection.execute("DELETE FROM ops.job_runs WHERE job_id = %s", (job,))


def test_a_restore_is_told_with_the_time_it_was_made_at(demo_installation: Served) -> None:
    """What it does to the logs: tests/integration/test_restored.py."""
    assert demo_installation.cli("restored", "2999-01-01", "--json", code=2).stdout == ""
    demo_installation.cli("restored", "yesterday", code=2)


def test_analytics_are_built_anew_by_their_owner(demo_installation: Served) -> None:
    def files() -> set[str]:
        return {file.name for file in (demo_installation.data / "olap").glob("*.duckdb")}

    before = files()
    told = json.loads(demo_installation.cli("projections", "rebuild", "analytics", "--json").stdout)
    assert told == {"projection": "analytics", "state": "rebuilding"}
    for _ in eventually("another file has taken the old one's place"):
        if files() and not files() & before:
            break


def test_settings_say_where_they_come_from_and_hide_secrets(
    demo_installation: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Served,
        "environment",
        {**demo_installation.environment, "PENGUINMAILS_MASTER_KEY": "ab" * 32, "PENGUINMAILS_PORT": "8421"},
    )
    told = {one["name"]: one for one in json.loads(demo_installation.cli("config", "--json").stdout)}
    assert told["PENGUINMAILS_MASTER_KEY"]["value"] == "********"
    assert told["PENGUINMAILS_PORT"] == {
        "name": "PENGUINMAILS_PORT",
        "value": "8421",
        "source": "environment PENGUINMAILS_PORT",
        "about": "Port the API listens on.",
    }
    assert told["PENGUINMAILS_HOST"]["source"] == "default"
    plain = demo_installation.cli("config").stdout
    assert "ab" * 8 not in plain
    assert "8421  (environment PENGUINMAILS_PORT)\n    Port the API listens on.\n" in plain


def test_migrating_again_changes_nothing(demo_installation: Served) -> None:
    told = json.loads(demo_installation.cli("migrate", "--json").stdout)
    assert (told["before"], told["now"], told["rights"]) == ("current", "current", [])


def test_a_shell_completes_words() -> None:
    program = Path(sys.executable).with_name("penguinmails")
    # Bash itself, as somebody types at its prompt: what the program prints for it is loaded, and asked.
    asked = f"""
        PATH="{program.parent}:$PATH"
        eval "$(penguinmails --show-completion)"
        COMP_WORDS=(penguinmails key r) COMP_CWORD=2
        set -- $(complete -p penguinmails)
        "${{@: -2:1}}" penguinmails r key
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", asked], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["revoke"], done.stderr


def test_past_decisions_are_judged_again(demo_installation: Served, tmp_path: Path) -> None:
    cli = demo_installation.cli
    owner = (
        "--owner-email",
        "o@law.example",
        "--owner-name",
        "Lea",
        "--country",
        "CA",
        "--sends-for",
        "itself",
    )
    told = json.loads(cli("tenant", "register", "Law Ltd", *owner, "--json").stdout)
    address, headers = demo_installation.address, {"authorization": f"Bearer {told['key']}"}

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{address}/v1/audience/{path}", headers=headers, json=body, timeout=20)
        result: dict[str, Any] = answer.raise_for_status().json()
        return result

    workspace = told["workspace"]
    person = {"workspace_id": workspace, "email": "x@people.example", "country": "CA"}
    for _ in eventually("its key works"):
        if httpx.get(f"{address}/v1/audience/lists", headers=headers, timeout=20).is_success:
            break
    events = post("new/create-contact", person)["events"]
    (stream,) = [one["stream"] for one in events if one["name"] == "audience.addressee_registered"]
    who = stream.partition(":")[2]
    day = (datetime.now(UTC) - timedelta(days=500)).date().isoformat()
    post(f"{who}/record-relation", {"kind": "purchase", "occurred_on": day})
    message = {"message_id": str(uuid4()), "workspace_id": workspace}
    assert post(f"{who}/authorise-message", message)["result"]["verdict"] == "allow"

    key = told["key"]
    (summary,) = _lines(cli("rejudge", "--json", key=key).stdout)
    assert summary == {
        "summary": {"judged": 1, "identical": 1, "same_verdict": 0, "flipped": 0, "without_packs": 0}
    }
    stricter = tmp_path / "ca.toml"
    stricter.write_text((ROOT / "domain/law/packs/ca.toml").read_text().replace("years = 2", "years = 1"))
    flip, counted = (
        json.loads(one)
        for one in cli("rejudge", "--pack", str(stricter), "--json", key=key).stdout.splitlines()
    )
    assert flip["message_id"] == message["message_id"]
    assert flip["before"] == {"verdict": "allow", "law": "ca", "rule": "ca.purchase"}
    assert (flip["after"]["verdict"], flip["after"]["law"]) == ("deny", "ca")

    def over_http(method: str = "GET", text: str | None = None) -> list[dict[str, Any]]:
        media = {} if text is None else {"content-type": "application/toml", "penguin-file-name": "ca.toml"}
        answer = httpx.request(
            method, f"{address}/v1/law/rejudge", headers={**headers, **media}, content=text, timeout=20
        )
        lines = [json.loads(one) for one in answer.raise_for_status().text.splitlines()]
        return [one for one in lines if "progress" not in one]

    assert [one["summary"] for one in over_http()] == [summary["summary"]]
    told, last = over_http("POST", stricter.read_text())
    assert told["flip"] == flip, "the same answer through both doors"
    assert last["summary"] == counted["summary"]
    present = httpx.get(f"{address}/v1/law/packs", headers=headers, timeout=20).json()["data"]
    (version,) = [one["version"] for one in present if one["law"] == "ca" and one["adopted_at"]]
    (adopted,) = _lines(cli("rejudge", "--adopted", f"ca:{version}", "--json", key=key).stdout)
    assert adopted == summary
    refused = cli("rejudge", "--adopted", "ca:0123456789abcdef", "--json", key=key, code=1)
    assert json.loads(refused.stderr)["code"] == "unknown-pack"

    gap = (
        stricter.read_text()
        + GAP.format("in_force_to = 2020-01-01")
        + GAP.format("in_force_from = 2021-01-01")
    )
    for text in ("law = ", gap):
        stricter.write_text(text)
        in_words = cli("rejudge", "--pack", str(stricter), key=key, code=2).stderr
        media = {"content-type": "application/toml", "penguin-file-name": "ca.toml"}
        answer = httpx.post(
            f"{address}/v1/law/rejudge", headers={**headers, **media}, content=text, timeout=20
        )
        assert answer.json()["detail"].startswith("ca.toml:")
        assert " ".join(answer.json()["detail"].split()) in " ".join(in_words.replace("│", " ").split())


GAP = """
[[rules]]
id = "ca.gap"
verdict = "deny"
cites = "s.1"
confidence = "T"
checked = 2026-11-22
about = "Something is so, and then this."
{}
"""
