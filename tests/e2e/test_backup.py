"""Two people are erased after the last backup, the database is lost, and the backup is put back elsewhere.

The two stay erased by the list of destroyed keys alone, everybody else is whole, and what was told before is known from
what is told since.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from adapters.evidence.verdict import Outcome
from adapters.evidence.verifying import Kept, verify_bundle
from adapters.postgres.embedded import EmbeddedPostgres
from application.ports.positions import Position
from domain.audit.notes import VerifierKey
from tests.support.naive_tree import mth
from tests.support.note_verifier import verified
from tests.support.scanning import Scanner
from tests.support.serving import ROOT, Served, eventually, installation

CONTACTS = "/v1/audience/contacts"
LEDGER = "/v1/ledger/events"
ERASED, KEPT, LOST = ("Zyqannemarie", "Zyqbenedict"), "Zyqcharlotte", "Zyqdominique"
SCANNER = Scanner(ERASED)


@dataclass(frozen=True)
class Checkpoint:
    """What a signed note says: read by the test's own eyes."""

    origin: str
    size: int
    root: bytes
    told: tuple[str, ...]
    note: bytes

    @classmethod
    def read(cls, note: bytes) -> Checkpoint:
        origin, size, root, *told = note.decode().partition("\n\n")[0].split("\n")
        return cls(origin, int(size), base64.b64decode(root), tuple(told), note)

    @property
    def epoch(self) -> int:
        return int(self.origin.rpartition("/")[2])


@dataclass
class Tenant:
    """A tenant of an installation, spoken for by its first owner's key."""

    served: Served
    id: str
    key: str
    workspace: str

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, f"{self.served.address}{path}", headers=headers, timeout=60, **more)

    def contact(self, name: str) -> dict[str, Any]:
        body = {
            "workspace_id": self.workspace,
            "email": f"{name}@people.example".lower(),
            "first_name": name,
        }
        answer = self.ask("POST", "/v1/audience/new/create-contact", json=body)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def names(self, position: str) -> list[str | None]:
        """First names that the view has, once it has reached a position."""
        for _ in eventually("the view is made", 60):
            answer = self.ask("GET", f"{CONTACTS}?min_position={position}")
            if answer.status_code == 200:
                return sorted((row["first_name"] or "") for row in answer.json()["data"])
        raise AssertionError

    def checkpoint(self, since: int, epoch: int) -> Checkpoint:
        """One of an epoch, of at least so many events, that its keys have signed."""
        for _ in eventually("it is signed", 60):
            answer = self.ask("GET", f"{LEDGER}/checkpoint")
            if answer.status_code != 200:
                continue
            told = Checkpoint.read(answer.content)
            if told.size >= since and told.epoch == epoch:
                keys = self.ask("GET", f"{LEDGER}/verifier-keys").text.split()
                assert verified(answer.content, *keys) == {told.origin: None}
                return told
        raise AssertionError

    def root(self, size: int) -> bytes:
        """Of the first events of the log, as they are handed out now."""
        envelopes = (
            self.ask("GET", f"{LEDGER}/envelopes/{position}").content for position in range(1, size + 1)
        )
        return mth([hashlib.sha256(envelope).digest() for envelope in envelopes])

    def in_history(self) -> list[str]:
        path = "/v1/history?name=audience.contact_created"
        return sorted(event["payload"]["first_name"] for event in self.ask("GET", path).json()["data"])


def registered(served: Served, name: str) -> Tenant:
    done = served.cli(
        *("tenant", "register", name, "--owner-email", f"o@{name}.example".lower(), "--owner-name", "Olga"),
        *("--country", "CA", "--sends-for", "itself", "--plan", "business", "--json"),
    )
    told = json.loads(done.stdout)
    return Tenant(served, told["tenant"], told["key"], told["workspace"])


def addressee(made: dict[str, Any]) -> str:
    (who,) = {one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")}
    return str(who.partition(":")[2])


def erased(tenant: Tenant, made: dict[str, Any]) -> None:
    answer = tenant.ask("POST", f"/v1/audience/{made['id']}/erase-contact", json={})
    assert answer.status_code == 200, answer.text
    for _ in eventually("it is certified", 120):
        data = tenant.ask("GET", f"/v1/audience/erasures/{addressee(made)}").json().get("data")
        if data is not None and data["status"] == "certified":
            return


def run_block(beginning: str, served: Served) -> str:
    """Run a block of docs/operations.md, its folders below that of the test; what it said."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = (one for one in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if one.startswith(beginning))
    for place in ("/backups/", "/vault/"):
        block = block.replace(place, f"{served.data.parent}{place}")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["/bin/sh", "-euc", block],
        env={**served.environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def events_in(folder: Path) -> Path:
    """The one backup of events."""
    (events,) = (folder / "backups").iterdir()
    return events


def holding(folder: Path, scanner: Scanner) -> list[str]:
    """The files below a folder in which a value stands, whether they are compressed or not."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            if scanner.in_bytes(content):
                found.append(str(file.relative_to(folder)))
    return found


def test_who_was_erased_after_the_backup_stays_erased_when_it_is_put_back_elsewhere() -> None:
    with installation() as served:
        served.start("--no-demo")
        tenant, other = registered(served, "Acme"), registered(served, "Other")
        people = {name: tenant.contact(name) for name in (*ERASED, KEPT)}
        others = other.contact("Olivia")
        assert tenant.names(people[KEPT]["position"]) == sorted((*ERASED, KEPT))
        folder = served.data.parent
        for place in ("backups", "vault"):
            (folder / place).mkdir()
        before = tenant.checkpoint(Position.parse(people[KEPT]["position"]).n, 1)
        said = run_block("penguinmails backup", served)
        assert said.count("whole; manifest") == 3
        assert "log.events.copy.gz" in holding(events_in(folder), Scanner(["audience.contact_created"])), (
            "the control"
        )
        assert holding(folder / "backups", SCANNER) == []
        assert holding(folder / "vault", SCANNER) == []

        walk = tenant.ask("GET", "/v1/history?limit=1").json()["next"]
        for name in ERASED:
            erased(tenant, people[name])
        lost = tenant.contact(LOST)["position"]
        after = tenant.checkpoint(Position.parse(lost).n, 1)
        assert served.stop() == 0
        shutil.copy(served.data / "keys" / "destroyed.list", folder / "vault" / "newest.list")

        elsewhere = Served(folder / "elsewhere")
        try:
            (elsewhere.data / "keys").mkdir(parents=True)
            elsewhere.data.chmod(0o711)
            shutil.copy(served.data / "keys" / "master.key", elsewhere.data / "keys")
            put_back(elsewhere, {addressee(people[name]) for name in ERASED})
            elsewhere.start("--no-demo")
            tenant.served = other.served = elsewhere
            goes_on(tenant, lost, walk)
            proves(tenant, events_in(folder), before, after)
            assert other.names(others["position"]) == ["Olivia"]
            assert other.in_history() == ["Olivia"]
            stay_erased(elsewhere)
            again = tenant.ask(
                "POST", f"/v1/audience/{addressee(people[ERASED[0]])}/erase-addressee", json={}
            )
            assert again.status_code == 200, again.text
        finally:
            elsewhere.sweep()


def put_back(served: Served, gone: set[str]) -> None:
    """Both backups are from before the erasures; the list is not."""
    said = run_block("penguinmails restore", served)
    assert f"newest.list: {len(ERASED)}\n" in said
    assert set(re.findall(r"^erase again: (\S+) of tenant", said, re.MULTILINE)) == gone
    assert "epoch " in said
    refused = served.cli("restore", str(events_in(served.data.parent)), code=1)
    assert "empty database" in refused.stderr


def goes_on(tenant: Tenant, lost: str, walk: str) -> None:
    """The two are erased, the third is not; tokens of the lost tail are told from those of the new epoch."""
    assert tenant.names(lost) == sorted(("[erased]", "[erased]", KEPT))
    assert tenant.in_history() == sorted(("[erased]", "[erased]", KEPT))
    gone_on = tenant.ask("GET", f"/v1/history?limit=1&cursor={walk}")
    assert gone_on.json()["type"] == "/problems/cursor-mismatch"
    since = tenant.contact("Zyqeleonore")["position"]
    assert Position.parse(lost) < Position.parse(since)
    assert Position.parse(since).epoch > Position.parse(lost).epoch
    assert len(tenant.names(since)) == 4


def proves(tenant: Tenant, backup: Path, before: Checkpoint, after: Checkpoint) -> None:
    """The new epoch is signed, and says what it kept: what was signed of that holds, what was signed later is lost."""
    told = json.loads((backup / "manifest.json").read_bytes())["logs"]
    (kept,) = (one["position"] for one in told if (one["tenant_id"], one["log"]) == (tenant.id, "events"))
    assert before.size <= kept < after.size
    while tenant.ask("GET", f"{LEDGER}/envelopes/{after.size}").status_code != 200:
        tenant.contact(f"Zyq{secrets.token_hex(4)}")
    now = tenant.checkpoint(after.size, Position.parse(tenant.contact("Zyqlast")["position"]).epoch)
    assert now.told == (f"epoch {now.epoch}", f"kept {kept}")
    assert now.root == tenant.root(now.size)
    assert before.root == tenant.root(before.size)
    assert after.root != tenant.root(after.size), "the control: what was lost is another past"
    keys = [VerifierKey.read(line) for line in tenant.ask("GET", f"{LEDGER}/verifier-keys").text.split()]
    asked = {"compare": [before.note.decode(), after.note.decode()]}
    content = tenant.ask("POST", "/v1/ledger/evidence", json=asked).content
    held, gone = (
        verify_bundle(io.BytesIO(content), [Kept("the officer's", one.note, Path("/nowhere"))], keys)
        for one in (before, after)
    )
    assert (held.outcome, gone.outcome) == (Outcome.HOLDS, Outcome.DOES_NOT_HOLD), (held, gone)
    assert any("lost" in said and f"{kept + 1}" in said for said in gone.wrong), gone


def stay_erased(served: Served) -> None:
    """Nothing of the two is in any file, where somebody else is found."""
    with EmbeddedPostgres(served.data) as server, psycopg.connect(server.admin_dsn) as connection:
        connection.execute("CHECKPOINT")
        cluster = server.place.cluster
    assert SCANNER.below([served.data, cluster]) == []
    assert Scanner([KEPT]).below([cluster / "base"]) != [], "the control"
