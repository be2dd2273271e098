"""Files at the command line: contacts and suppression lists in one command each, what is wrong with one, and bars."""

import fcntl
import hashlib
import json
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import ROOT, Served, eventually

pytestmark = pytest.mark.xdist_group("serve")


def _tenant(served: Served, name: str) -> dict[str, str]:
    """A new tenant, that may import."""
    owner = (
        "--owner-email",
        f"owner@{name.lower()}.example",
        "--owner-name",
        "Imke",
        "--country",
        "DE",
        "--sends-for",
        "itself",
    )
    made = served.cli("tenant", "register", f"{name} Ltd", *owner, "--plan", "enterprise", "--json")
    tenant: dict[str, str] = json.loads(made.stdout)
    return tenant


def test_a_refusal_comes_with_what_to_do_about_it(demo_installation: Served, tmp_path: Path) -> None:
    tenant = _tenant(demo_installation, "Remedy")
    file = tmp_path / "latin1.csv"
    file.write_bytes("Email,First Name\na@import.example,Jürgen\n".encode("latin-1"))
    done = demo_installation.cli("import", "contacts", str(file), key=tenant["key"], code=1)
    assert "row 1 (line 2), is not valid UTF-8. Save it as UTF-8, or name its encoding" in done.stderr
    # So does a dry run of what could not begin.
    file.write_text("Email,First Name\na@import.example,Ana\n")
    asked = ("import", "contacts", str(file), "--dry-run", "--map", "Nowhere=email")
    done = demo_installation.cli(*asked, key=tenant["key"], code=1)
    assert "'Nowhere'. Write the column as the dry run shows it." in done.stderr


def test_bars_are_drawn_to_their_end_and_keep_out_of_what_is_piped(
    demo_installation: Served, tmp_path: Path
) -> None:
    """Standard error is a terminal, standard output is none: as in `import contacts ... --json | jq`."""
    tenant = _tenant(demo_installation, "Bars")
    file = tmp_path / "people.csv"
    file.write_text("Email\n" + "".join(f"p{number}@bars.example\n" for number in range(1_000)))

    def run(*command: str) -> tuple[dict[str, Any], str]:
        ours, theirs = pty.openpty()
        # The window of a new terminal has no size at all.
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        with open(theirs, "wb") as screen, open(ours, "rb", buffering=0) as drawn:  # noqa: PTH123 - descriptors
            process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "import", *command, "--json"],
                cwd=ROOT,
                env={**demo_installation.environment, "PENGUINMAILS_KEY": tenant["key"], "TERM": "xterm"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=screen,
            )
            screen.close()
            seen = b""
            # Linux says with an error that nobody holds the other end any more.
            with suppress(OSError):
                while piece := drawn.read(4096):
                    seen += piece
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, seen
        return json.loads(out), seen.decode()

    told, seen = run("contacts", str(file))
    assert told["imported"] == 1_000
    assert [line for line in seen.splitlines() if "importing" in line][-1].count("100%") == 1
    undone, seen = run("rollback", told["id"])
    assert undone["removed"] == 1_000
    assert [line for line in seen.splitlines() if "taking back" in line][-1].count("100%") == 1


def test_a_file_of_contacts_in_one_command(demo_installation: Served, tmp_path: Path) -> None:
    tenant = _tenant(demo_installation, "Import")
    file = tmp_path / "people.csv"
    file.write_text(
        "Email,First Name,Opted in at\n"
        "a@import.example,Ana,2024-01-02\n"
        "b@import.example,Bo,03/04/2024\n"
        "no address,Cy,2024-01-02\n"
        "a@import.example,Ana,2024-01-02\n"
    )

    def run(*options: str, code: int = 0) -> tuple[dict[str, object], str]:
        done = demo_installation.cli(
            "import", "contacts", str(file), *options, "--json", key=tenant["key"], code=code
        )
        return (json.loads(done.stdout) if done.stdout else {}), done.stderr

    told, words = run("--dry-run")
    assert "dry run" in words
    assert told["outcomes"] == {"imported": 1, "updated": 0, "skipped": 1, "rejected": 2}
    told, words = run()
    assert {
        name: told[name] for name in ("status", "rows_done", "imported", "updated", "skipped", "rejected")
    } == {
        "status": "completed",
        "rows_done": 4,
        "imported": 1,
        "updated": 0,
        "skipped": 1,
        "rejected": 2,
    }
    rejected = Path(str(told["errors_file"]))
    assert rejected.stat().st_mode & 0o777 == 0o600
    lines = rejected.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "date-ambiguous" in lines[1]
    assert str(rejected) in words

    again, _ = run()
    assert again["id"] == told["id"], "the same file is the same import"
    assert "--idempotency-key" in run("--date-order", "DMY", code=1)[1]
    anew, _ = run("--date-order", "DMY", "--map", "First Name=ignore", "--idempotency-key", "another")
    assert (anew["imported"], anew["skipped"], anew["rejected"]) == (1, 2, 1)
    assert "Nowhere" in run("--map", "Nowhere=email", "--idempotency-key", "third", code=1)[1]

    undone = demo_installation.cli("import", "rollback", str(anew["id"]), "--json", key=tenant["key"])
    assert json.loads(undone.stdout) == {
        "id": anew["id"],
        "status": "rolled_back",
        "removed": 1,
        "restored": 0,
        "kept": 0,
    }
    twice = demo_installation.cli("import", "rollback", str(anew["id"]), "--json", key=tenant["key"])
    assert twice.stdout == undone.stdout, "once undone, it stays so"
    demo_installation.cli(
        "import", "rollback", "0198c0de-0000-7000-8000-000000000000", key=tenant["key"], code=3
    )


def test_a_suppression_list_in_and_out_in_one_command_each(demo_installation: Served, tmp_path: Path) -> None:
    tenant, cli = _tenant(demo_installation, "Listed"), demo_installation.cli
    hashed = hashlib.sha256(b"z@listed.example").hexdigest()
    file, out = tmp_path / "suppressed.csv", tmp_path / "out.csv"
    file.write_text(
        f"Address,Reason,Date\na@listed.example,Bounced,2025-01-02\nb@listed.example,SPAM,\n{hashed},,\nx,,\n"
    )
    asked = ("import", "suppressions", str(file), "--json")
    rehearsed = json.loads(cli(*asked, "--dry-run", key=tenant["key"]).stdout)
    assert rehearsed["outcomes"] == {"imported": 3, "updated": 0, "skipped": 0, "rejected": 1}
    told = json.loads(cli(*asked, key=tenant["key"]).stdout)
    assert (told["kind"], told["status"], told["imported"], told["rejected"]) == (
        "suppressions",
        "completed",
        3,
        1,
    )
    assert json.loads(cli(*asked, key=tenant["key"]).stdout)["id"] == told["id"]
    anew = json.loads(cli(*asked, "--idempotency-key", "again", key=tenant["key"]).stdout)
    assert (anew["imported"], anew["skipped"]) == (0, 3)

    done = cli("export", "suppressions", str(out), "--json", key=tenant["key"])
    assert json.loads(done.stdout)["entries"] == 2
    assert "1 known by a hash alone" in done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert [line.partition(",")[0] for line in out.read_text().splitlines()][:3] == [
        "email",
        "a@listed.example",
        "b@listed.example",
    ]
    cli("export", "suppressions", str(out), "--as", "sha256", key=tenant["key"])
    assert hashlib.sha256(b"a@listed.example").hexdigest() in out.read_text()
    assert "a@listed" not in out.read_text()


def test_a_report_on_the_screen_and_as_a_file(demo_installation: Served, tmp_path: Path) -> None:
    cli, key = demo_installation.cli, _tenant(demo_installation, "Reporting")["key"]
    assert {line.split("\t")[0] for line in cli("report", key=key).stdout.splitlines()} >= {"activity"}
    told = json.loads(cli("report", "activity", "--param", "context=tenancy", "--json", key=key).stdout)
    assert {row["context"] for row in told["data"]} <= {"tenancy"}
    beginning = cli("report", "activity", "--as-of", "2026-01-01", "--json", key=key).stdout
    nothing = json.loads(beginning)
    assert nothing.pop("completeness")["positions"] == {"first": 0, "last": 0}
    assert {**nothing, "position": ""} == {
        "data": [],
        "next": None,
        "position": "",
        "as_of": None,
        "ahead_from": None,
    }
    assert told["as_of"] is not None
    for same in (
        ("--as-of", told["as_of"]),
        ("--param", f"at_time={told['as_of']}"),
        ("--as-of", told["position"]),
    ):
        again = cli("report", "activity", "--param", "context=tenancy", *same, "--json", key=key).stdout
        assert json.loads(again) == told
    for name in ("a.csv", "a.xlsx", "a.parquet", "a.arrow"):
        out = tmp_path / name
        done = json.loads(cli("report", "activity", "--output", str(out), "--json", key=key).stdout)
        assert (done["file"], done["truncated"]) == (str(out), False)
        assert out.stat().st_mode & 0o777 == 0o600
        assert out.read_bytes()
    named = tmp_path / "b"
    cli("report", "activity", "--format", "xlsx", "--output", str(named), key=key)
    assert named.read_bytes()[:2] == b"PK"
    for wrong in (
        ("activity", "--output", str(tmp_path / "c.pdf")),
        ("activity", "--format", "csv"),
        ("activity", "--param", "context"),
        ("activity", "--param", "context=audience", "--param", "context=tenancy"),
        ("activity", "--as-of", "yesterday"),
        ("activity", "--as-of", "0", "--param", "at_time=2026-01-01T00:00:00Z"),
    ):
        assert cli("report", *wrong, key=key, code=2).stdout == ""
    ahead = cli("report", "activity", "--param", "to=2099-12-31", key=key).stderr
    assert "had not come: what stands on them is not actual" in ahead
    cli("report", "no_such_report", key=key, code=3)


def test_a_report_beside_other_periods_on_the_screen(demo_installation: Served) -> None:
    cli, key = demo_installation.cli, _tenant(demo_installation, "Comparing")["key"]
    today = datetime.now(UTC).date()
    days = ("--param", f"from={today}", "--param", f"to={today + timedelta(days=9)}")
    beside = (*days, "--param", "compare=previous", "--param", "compare=2098-01..2098-02")
    shown = cli("report", "activity", *beside, key=key)
    header = shown.stdout.splitlines()[0].split("\t")
    assert {"day", "events", "events_previous", "events_20980101_20980228_change"} <= set(header)
    assert "Days of 20980101_20980228 from 2098-01-01 on had not come" in shown.stderr
    told = json.loads(cli("report", "activity", *beside, "--json", key=key).stdout)
    assert [one["name"] for one in told["periods"]] == ["asked", "previous", "20980101_20980228"]
    assert told["periods"][2]["ahead_from"] == "2098-01-01"
    assert told["ahead_from"] == told["periods"][0]["ahead_from"] is not None


def test_a_figure_is_cited_and_a_definition_previewed(demo_installation: Served, tmp_path: Path) -> None:
    cli, key = demo_installation.cli, _tenant(demo_installation, "Citing")["key"]
    rows: list[dict[str, Any]] = []
    for _ in eventually("the facts have what the tenant began with"):
        rows = json.loads(cli("report", "activity", "--json", key=key).stdout)["data"]
        if rows:
            break
    row = rows[0]
    events = row.pop("events")
    cell = [part for name, value in row.items() for part in ("--cell", f"{name}={value}")]
    citation = cli("reports", "cite", "activity", "events", *cell, key=key).stdout.strip()
    now = ("--as-of", datetime.now(UTC).isoformat())
    assert cli("reports", "cite", "activity", "events", *cell, *now, key=key).stdout.strip() == citation
    to_come = ("--as-of", "2099-12-31T23:59:59Z")
    refused = cli("reports", "cite", "activity", "events", *cell, *to_come, key=key, code=1)
    assert "events are known up to a moment before it: the last was recorded at" in refused.stderr
    told = json.loads(cli("reports", "resolve", citation, "--json", key=key).stdout)
    assert (told["same"], told["then"]["value"]) == (True, events)
    assert cli("reports", "resolve", citation, key=key).stdout.splitlines()[-1] == "same"
    cli("reports", "resolve", f"{citation}A", key=key, code=1)
    other = _tenant(demo_installation, "Cited")["key"]
    cli("reports", "resolve", citation, key=other, code=3)
    cli("reports", "cite", "activity", "events", "--cell", "day", key=key, code=2)
    file, profiles = tmp_path / "ours.toml", ROOT / "projections" / "finance" / "profiles.toml"
    file.write_text(profiles.read_text("utf-8").split("[[profiles]]")[1].replace("stripe-1", "ours-1"))
    shown = cli("reports", "preview", str(file), "--against", "maxio-1", "--json", key=key)
    months = json.loads(shown.stdout)["months"]
    assert all(set(month["left_over"].values()) == {0} for month in months)
    then = cli("reports", "preview", str(file), "--as-of", "2026-01-01T00:00:00+01:00", "--json", key=key)
    assert json.loads(then.stdout)["months"] == [], "as of the beginning"
    cli("reports", "preview", str(profiles), key=key, code=2)


def test_a_board_pack_on_one_command(demo_installation: Served, tmp_path: Path) -> None:
    cli, key = demo_installation.cli, _tenant(demo_installation, "Packing")["key"]
    assert "compliance\t" in cli("pack", "list", key=key).stdout
    days, out = ("--from", "2026-01-01", "--to", "2026-12-31"), tmp_path / "pack.pdf"
    sealed = json.loads(
        cli("pack", "seal", "compliance", *days, "--output", str(out), "--json", key=key).stdout
    )
    assert hashlib.sha256(out.read_bytes()).hexdigest() == sealed["pdf_sha256"]
    for more, name in (((), "pdf_sha256"), (("--figures",), "figures_sha256")):
        again = tmp_path / "again"
        cli("pack", "get", sealed["pack_id"], str(again), *more, key=key)
        assert hashlib.sha256(again.read_bytes()).hexdigest() == sealed[name]
    told = cli("pack", "drift", sealed["pack_id"], "--check", key=key).stdout
    assert "since it was sealed: " in told
    assert "as of its position: 0 of " in told
    assert sealed["pack_id"] in cli("pack", "sealed", key=key).stdout
    backwards = ("--from", "2026-12-31", "--to", "2026-01-01", "--output", str(out))
    assert "Exchange" in cli("pack", "seal", "compliance", *backwards, key=key, code=1).stderr


def test_a_schedule_is_made_changed_paused_and_removed(demo_installation: Served, tmp_path: Path) -> None:
    cli, key = demo_installation.cli, _tenant(demo_installation, "Regular")["key"]
    what = ("--report", "activity", "--param", "context=audience", "--period", "last_week", "--format", "csv")
    when = ("--frequency", "weekly", "--weekday", "monday", "--time-zone", "Europe/Berlin", "--at", "06:30")
    made = json.loads(
        cli("schedule", "create", "Weeks", *what, *when, "--folder", "weeks", "--json", key=key).stdout
    )
    assert cli("schedule", "create", "None", *when, key=key, code=2).stdout == ""
    schedule, items = made["id"], tmp_path / "items.json"
    items.write_text(json.dumps([{"pack": "compliance", "period": "last_month", "name": "board"}]))
    cli("schedule", "change", schedule, "--frequency", "month_end", "--items", str(items), key=key)
    for slug in ("pause", "resume", "pause"):
        assert slug in cli("schedule", slug, schedule, key=key).stdout
    (row,) = json.loads(cli("schedule", "list", "--json", key=key).stdout)["data"]
    assert (row["schedule_id"], row["status"], row["next_at"], row["weekday"]) == (
        schedule,
        "paused",
        None,
        None,
    )
    assert (row["folder"], row["time_zone"], row["at"]) == ("weeks", "Europe/Berlin", "06:30")
    assert [one["name"] for one in row["items"]] == ["board"]
    assert json.loads(cli("schedule", "deliveries", schedule, "--json", key=key).stdout)["data"] == []
    cli("schedule", "remove", schedule, key=key)
    cli("schedule", "resume", schedule, key=key, code=3)
    up = ("--folder", "../up")
    assert "folder" in cli("schedule", "create", "x", *what, *when, *up, key=key, code=1).stderr
