"""A person is erased from a whole running installation, and every byte that it keeps is looked through for them.

First the scan has to find them, where a view keeps them in the clear; then nothing may, but the write-ahead log up to
the day that the certificate names; and once that log is retired, nothing at all.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb
import httpx
import psycopg
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres
from application.stores import STORES
from projections.operational.contacts.schema import TABLES
from tests.support.scanning import Scanner
from tests.support.serving import Served, eventually, installation
from tests.support.webhooks import receiving

PROGRAM = ("/usr/bin/env", "PENGUINMAILS_WEBHOOK_LOOPBACK=true", sys.executable, "-m", "api.cli", "serve")
EMAIL = "zyqcanaryeml@people.example"
PHONE = "+14165559173"
IP = "203.0.113.217"
CORE, FOREIGN = "zyqcanary", "Zyqçanary"
SCANNER = Scanner([CORE, "Zyqcanary", FOREIGN, "4165559173", IP])
DETAILS = {
    "email": EMAIL,
    "first_name": "Zyqcanaryfst",
    "last_name": "Zyqcanarylst",
    "company": f"{FOREIGN} Ltd",
    "title": "Zyqcanaryttl",
    "phone": PHONE,
    "attributes": {"nickname": "zyqcanaryatt"},
    "country": "CA",
}
CONSENT = {
    "occurred_on": "2019-02-03",
    "source": "website_form",
    "source_text": "zyqcanarysrc",
    "ip": IP,
    "wording": "I, zyqcanarywrd, agree",
    "evidence": {"user_agent": "zyqcanaryuag/1.0", "principal": "zyqcanaryprn", "receipt_id": "zyqcanaryrct"},
}
CSV = (
    "email,first name,last name\n"
    f"{EMAIL},Zyqcanarycsv,Zyqcanarycsv\n"
    "zyqcanary is no address,Zyqcanaryrej,x\n"
    "other@people.example,Olga,Other\n"
).encode()
NAMED = {"contacts", "decisions", "entries", "list_members", "standings", "subject_requests"}
"""Tables of views in which the person, or a contact of theirs, is named by id."""
STAYS = {"decisions", "entries", "erasures", "holds", "legal_holds", "retained", "subject_requests"}
"""And after an erasure: dates and kinds of what was said, decided and asked, and until when proof of it is kept, which
show nobody, and that it was done."""


@dataclass
class Person:
    """Somebody in an installation, and who asks about them."""

    served: Served
    key: str = ""
    workspace: str = ""
    contact: str = ""
    addressee: str = ""
    told: list[str] = field(default_factory=list)
    """What was answered to requests that were refused."""

    def ask(self, method: str, path: str, *, good: bool = True, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        answer = httpx.request(method, f"{self.served.address}{path}", headers=headers, timeout=120, **more)
        assert answer.is_success is good, f"{path}: {answer.text}"
        return answer

    def post(self, path: str, body: dict[str, Any], *, good: bool = True) -> Any:
        answer = self.ask("POST", path, good=good, json=body)
        if not good:
            self.told.append(answer.text)
        return answer.json()

    def get(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def until(self, what: str, path: str, seconds: float = 600.0) -> Iterator[Any]:
        for _ in eventually(what, seconds):
            answer = httpx.get(
                f"{self.served.address}{path}", headers={"Authorization": f"Bearer {self.key}"}, timeout=120
            )
            if answer.is_success:
                yield answer.json()["data"]

    @property
    def erasure(self) -> str:
        return f"/v1/audience/erasures/{self.addressee}"


def registered(served: Served) -> Person:
    """A Canadian tenant: there proof is kept for three years from when it was last relied on, so none of theirs is."""
    done = served.cli(
        *("tenant", "register", "Acme", "--owner-email", "o@acme.example", "--owner-name", "Olga"),
        *("--country", "CA", "--sends-for", "itself", "--plan", "business", "--json"),
    )
    told = json.loads(done.stdout)
    return Person(served, key=told["key"], workspace=told["workspace"])


def entered(person: Person, hook: str) -> None:
    """Put the person everywhere that a person can get to."""
    person.post("/v1/webhooks/new/create-webhook-endpoint", {"url": hook, "events": ["*"]})
    body = {"workspace_id": person.workspace, **DETAILS}
    line = {"id": "1", "command": "audience/create-contact", "target": "new", "body": body}
    lines = {"content-type": "application/x-ndjson"}
    made = json.loads(person.ask("POST", "/v1/batch", content=json.dumps(line), headers=lines).text)["result"]
    person.contact = made["id"]
    (who,) = {one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")}
    person.addressee = who.partition(":")[2]
    of_contact, of_person = f"/v1/audience/{person.contact}", f"/v1/audience/{person.addressee}"
    changed = {"first_name": "Zyqcanaryfst2", "attributes": {"nickname": "zyqcanaryat2"}}
    person.post(f"{of_contact}/update-contact", changed)
    made_list = person.post("/v1/audience/new/create-list", {"workspace_id": person.workspace, "name": "All"})
    person.post(f"/v1/audience/{made_list['id']}/add-to-list", {"contact_ids": [person.contact]})
    person.post(f"{of_person}/record-consent", CONSENT)
    withdrawn = {"channel": "reply", "occurred_at": "2019-06-03T10:00:00Z", "reason": "zyqcanaryrea"}
    person.post(f"{of_person}/withdraw-consent", withdrawn)
    asked = {
        "source": "website_form",
        "ip": IP,
        "wording": "zyqcanarywr2",
    }
    person.post(f"{of_person}/request-confirmation", asked)
    relation = {"kind": "inquiry", "occurred_on": "2019-02-03", "note": "zyqcanarynte"}
    person.post(f"{of_person}/record-relation", relation)
    person.post(f"{of_person}/record-opt-out", {"channel": "reply", "reason": "zyqcanaryrsn"})
    message = {"workspace_id": person.workspace, "message_id": made_list["id"]}
    person.post(f"{of_person}/authorise-message", message)
    asked_for = {"kind": "access", "channel": "email", "requester": "Zyqcanaryreq", "words": "zyqcanary asks"}
    person.post("/v1/rights/new/receive-request", {**asked_for, "email": EMAIL})
    refused(person)
    uploaded(person, made_list["id"])
    looked_for(person)


def refused(person: Person) -> None:
    """Commands that are refused, by their shape and by a rule: nothing of them is kept or said again."""
    again = {"workspace_id": person.workspace, **DETAILS}
    person.post("/v1/audience/new/create-contact", again, good=False)
    person.post("/v1/audience/new/create-contact", {**again, "phone": "zyqcanary is no phone"}, good=False)
    future = {**CONSENT, "occurred_on": "2199-01-01"}
    person.post(f"/v1/audience/{person.addressee}/record-consent", future, good=False)
    person.post(
        f"/v1/audience/{person.addressee}/record-consent",
        {**CONSENT, "unknown": "zyqcanaryval"},
        good=False,
    )


def uploaded(person: Person, list_id: str) -> None:
    """A file with the person in it, and a row that is rejected and given back."""
    path = f"/v1/audience/imports?workspace_id={person.workspace}"
    headers = {"content-type": "text/csv", "penguin-file-name": "people.csv"}
    # Its first row would be names of columns, which are nobody's.
    headless = f"{EMAIL},Zyqcanaryhdr\n".encode()
    person.told.append(person.ask("POST", path, good=False, content=headless, headers=headers).text)
    import_id = person.ask("POST", path, content=CSV, headers=headers).json()["id"]
    person.ask("POST", f"/v1/audience/imports/{import_id}/preview", json={})
    person.post(f"/v1/audience/{import_id}/start-import", {"list_id": list_id})
    whom = f"email,reason\n{EMAIL},zyqcanary asked\n{hashlib.sha256(EMAIL.encode()).hexdigest()},\n".encode()
    suppressions = person.ask("POST", f"{path}&kind=suppressions", content=whom, headers=headers).json()["id"]
    person.post(f"/v1/audience/{suppressions}/start-import", {})
    for one in (import_id, suppressions):
        for data in person.until("the import is done", f"/v1/audience/imports/{one}/progress"):
            if data["status"] == "completed":
                break
    errors = person.ask("GET", f"/v1/audience/imports/{import_id}/errors").text
    assert "Zyqcanaryrej" in errors


def looked_for(person: Person) -> None:
    """Questions with the person in them, and reports on what happened to them."""
    for data in person.until("the view shows them", "/v1/audience/contacts?q=zyqcanary"):
        if len(data) == 1:
            break
    assert person.get(f"/v1/audience/contacts?email={EMAIL}")["data"][0]["phone"] == PHONE
    person.ask("GET", f"/v1/audience/preview?workspace_id={person.workspace}")
    person.ask("GET", "/v1/reports/contacts_by_segment?format=csv")
    assert EMAIL in person.ask("GET", "/v1/audience/suppressions/export").text
    person.get(f"/v1/history?stream=contact:{person.contact}")
    now = person.get("/v1/audience/contacts")["position"]
    assert person.get(f"/v1/audience/contacts?at={now}&email={EMAIL}")["data"][0]["phone"] == PHONE
    assert EMAIL in person.ask("GET", "/v1/audience/contacts/difference?from=1").text


def in_the_clear(served: Served) -> set[str]:
    """The columns of the database in which a value of the person's stands, as `table.column`."""
    found: set[str] = set()
    with EmbeddedPostgres(served.data) as server, psycopg.connect(server.admin_dsn) as connection:
        columns = connection.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table, column in columns:
            text = sql.SQL("SELECT {}::text FROM {}").format(
                sql.Identifier(column), sql.Identifier(schema, table)
            )
            rows = connection.execute(text).fetchall()
            for (value,) in rows:
                if value is not None and SCANNER.in_bytes(value.encode()):
                    found.add(f"{table}.{column}")
    return found


def naming(served: Served, person: Person) -> set[str]:
    """The tables of views with a row that has an id of the person or of a contact of theirs, whatever else it has."""
    found = set()
    with EmbeddedPostgres(served.data) as server, psycopg.connect(server.admin_dsn) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE 'views\\_%'"
        ).fetchall()
        for schema, table in tables:
            text = sql.SQL("SELECT FROM {} t WHERE t::text LIKE ANY(%s) LIMIT 1").format(
                sql.Identifier(schema, table)
            )
            if connection.execute(text, ([f"%{person.addressee}%", f"%{person.contact}%"],)).rowcount:
                found.add(table)
    return found


def dumped(served: Served) -> bytes:
    """All of the database as SQL: what is compressed in its files is unpacked in here."""
    with EmbeddedPostgres(served.data) as server:
        program = server.binaries.folder / "pg_dump"
        tool = str(program) if program.exists() else "pg_dump"
        done = subprocess.run([tool, f"--dbname={server.admin_dsn}"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def finds(served: Served) -> set[str]:
    """The folders in which something of the person's is found: of the data folder, and of the database's."""
    outside = [served.data.with_name("out"), served.data.with_name("words")]
    found = SCANNER.below([served.data, *outside])
    cluster = EmbeddedPostgres(served.data).place.cluster
    return {
        one.file.relative_to(cluster).parts[0] if one.file.is_relative_to(cluster) else str(one.file)
        for one in found
    }


def shown(person: Person) -> str:
    """The history of the person, as its owner may see it."""
    streams = (f"contact:{person.contact}", f"addressee:{person.addressee}")
    return json.dumps([person.get(f"/v1/history?stream={stream}")["data"] for stream in streams])


def counted(person: Person) -> dict[str, int]:
    """How many events the facts count, by day and context."""
    rows = person.get("/v1/reports/activity")["data"]
    return {f"{row['day']} {row['context']}": row["events"] for row in rows}


def facts_of(served: Served) -> str:
    """Everything that the analytics file holds, as text. The installation must not run."""
    (file,) = (served.data / "olap").glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        assert tables
        return "".join(str(connection.table(f'"{schema}"."{table}"').fetchall()) for schema, table in tables)


def erased(person: Person) -> dict[str, Any]:
    """Erase them under a legal hold, and release it; their certificate. What is shown meanwhile is looked through."""
    held = person.post(f"/v1/audience/{person.addressee}/place-legal-hold", {"reason": "zyqcanaryhld"})
    told = person.post(f"/v1/audience/{person.contact}/erase-contact", {})
    assert told["result"]["addressee_id"] == person.addressee
    certificate: dict[str, Any] = {}
    for data in person.until("it is certified", person.erasure):
        certificate = data
        if data["status"] == "certified":
            break
    said = shown(person)
    assert "[erased]" in said
    assert "Zyqcanary" not in said
    assert "zyqcanarywrd" in said, "the hold keeps the proof"
    assert any("legal hold" in line["why"] for line in certificate["kept"])
    assert any("who asked" in line["what"] for line in certificate["kept"])
    release = {"entry": held["events"][0]["version"], "reason": "zyqcanaryrls"}
    person.post(f"/v1/audience/{person.addressee}/release-legal-hold", release)
    for data in person.until("the proof is gone", person.erasure):
        if data["evidence_destroyed_at"] is not None:
            break
    assert not SCANNER.in_bytes(shown(person).encode())
    assert not SCANNER.in_bytes(person.ask("GET", "/v1/audience/suppressions/export").content)
    return certificate


def promises(person: Person, certificate: dict[str, Any]) -> None:
    """A line for each store, a day for each that expires, the same in words, and the same again when asked again."""
    assert {line["store"] for line in certificate["stores"]} == {store.name for store in STORES}
    expiring = {
        line["store"]: datetime.fromisoformat(line["gone_by"])
        for line in certificate["stores"]
        if line["action"] == "expires"
    }
    assert expiring.keys() == {"wal", "backups", "uploads"}
    now = datetime.fromisoformat(certificate["certified_at"])
    assert all(now < day < now + timedelta(days=31) for day in expiring.values())
    assert datetime.fromisoformat(certificate["complete_by"]) == max(expiring.values())
    words = person.ask("GET", f"{person.erasure}/certificate").text
    assert "CERTIFICATE OF ERASURE" in words
    assert not SCANNER.in_bytes((words + json.dumps(certificate)).encode())
    twice = person.post(f"/v1/audience/{person.contact}/erase-contact", {}, good=False)
    assert (twice["type"], twice["addressee_id"]) == ("/problems/contact-erased", person.addressee)
    again = person.post(f"/v1/audience/{person.addressee}/erase-addressee", {}, good=False)
    assert (again["type"], again["addressee_id"]) == (
        "/problems/addressee-already-erased",
        person.addressee,
    )


def test_after_an_erasure_nothing_is_found_but_what_the_certificate_names() -> None:
    with installation() as served, receiving() as receiver:
        served.start("--no-demo", program=PROGRAM)
        person = registered(served)
        entered(person, receiver.url)
        before = counted(person)
        # What the scan has to find: where a view keeps it, and in the log of its changes; nowhere else even now.
        with EmbeddedPostgres(served.data) as server, psycopg.connect(server.admin_dsn) as connection:
            connection.execute("CHECKPOINT")
        assert finds(served) == {"base", "pg_wal"}
        assert in_the_clear(served) == {f"contacts.{name}" for name in TABLES[0].personal}
        assert SCANNER.in_bytes(dumped(served))
        assert naming(served, person) >= NAMED
        assert "zyqcanarywrd" in shown(person)

        certificate = erased(person)
        promises(person, certificate)
        assert finds(served) <= {"pg_wal"}, "the write-ahead log has until the day that is named"
        assert in_the_clear(served) == set()
        assert naming(served, person) == STAYS
        assert not SCANNER.in_bytes(dumped(served))
        with EmbeddedPostgres(served.data) as server:
            server.retire_wal()
        assert finds(served) == set()
        assert receiver.got
        assert not [one for one in receiver.got if SCANNER.in_bytes(one.raw)], "webhooks were told nothing"
        assert not [text for text in person.told if SCANNER.in_bytes(text.encode())], "nor were refusals"

        after = counted(person)
        assert all(after[name] >= count for name, count in before.items()), "what was counted stays counted"
        body = {"workspace_id": person.workspace, "email": EMAIL}
        back = person.post("/v1/audience/new/create-contact", body)
        (who,) = {one["stream"] for one in back["events"] if one["name"] == "audience.addressee_registered"}
        message = {"workspace_id": person.workspace, "message_id": back["id"]}
        verdict = person.post(f"/v1/audience/{who.partition(':')[2]}/authorise-message", message)["result"]
        assert verdict["verdict"] == "deny", "who comes back is still not written to"
        served.stop()
        facts = facts_of(served)
        assert not SCANNER.in_bytes(facts.encode())
        assert person.addressee in facts, "an id is there, as the certificate says"
        (line,) = (one for one in certificate["stores"] if one["store"] == "analytics")
        assert "ids of things" in line["holds"]
        assert "those of the person" in line["holds"]
        folders = {folder for store in STORES for folder in store.folders}
        assert {one.name for one in served.data.iterdir() if one.is_dir()} <= folders
