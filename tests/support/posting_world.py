"""A place that checkpoints are posted to, over a database with a notary, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from application.workflow import Because, Workflow
from domain.audit.checkpoints import Checkpoint
from domain.audit.mirroring import folder_of
from domain.audit.notes import Note
from domain.audit.origins import LogId, LogKind, Origin
from domain.audit.tiles import Tile, nodes_from
from domain.audit.tree import Frontier
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.naive_tree import mth
from tests.support.notary import Office
from tests.support.note_verifier import verified
from tests.support.working import MovedClock

OUTSIDE = {"title": "Outside", "frequency": "hourly", "folder": "ledger"}


@dataclass
class World:
    """A tenant with a worker, and the notary of its installation."""

    api: Api
    tenant: TestTenant
    clock: MovedClock
    signing: Office
    folder: Path

    @property
    def events(self) -> LogId:
        return LogId(self.tenant.id, LogKind.EVENTS)

    async def posting(self, key: str | None = None, **fields: Any) -> UUID:
        """A posting that is due, of logs that are signed."""
        behind, self.clock.behind = self.clock.behind, timedelta(hours=2)
        path, asked = "/v1/ledger/new/post-checkpoints", {**OUTSIDE, **fields}
        made = await self.api.post(path, key or self.tenant.key, asked)
        assert made.status_code == 201, made.text
        self.clock.behind = behind
        self.signing.sign()
        return UUID(made.json()["id"])

    async def post(self, posting: UUID, *, last: bool = False, tenant_id: UUID | None = None) -> None:
        """What is due of a posting two hours later."""
        parts, of = self.api.parts, tenant_id or self.tenant.id
        workflow = Workflow(parts.commands, of, uuid4(), Because(uuid4()))
        self.clock.behind -= timedelta(hours=2)
        await parts.postings.run(workflow, posting, lambda: False, last=last)

    async def shown(self, posting: UUID, key: str | None = None) -> dict[str, Any]:
        await self.api.project()
        answer = await self.api.send("GET", f"/v1/ledger/postings/{posting}", key or self.tenant.key)
        told: dict[str, Any] = answer.json()["data"]
        return told

    async def grow(self, events: int) -> None:
        for _ in range(events):
            await self.api.key(self.tenant, TenantRole.VIEWER)
        self.signing.sign()

    @property
    def root(self) -> Path:
        return self.folder / "deliveries" / str(self.tenant.id) / "ledger"

    def files(self) -> dict[str, bytes]:
        return files(self.root)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def holds(mirror: dict[str, bytes], world: World, of: LogId, older: tuple[int, bytes] | None = None) -> int:
    """Read a mirror as a stranger would: its checkpoint is signed, its tiles have its root, and an older one's."""
    folder = folder_of(Origin.read(world.signing.checkpoint(of).origin))
    note = mirror[f"{folder}/checkpoint"]
    checkpoint = Checkpoint.read(Note.read(note).text)
    assert checkpoint.origin in verified(note, *map(str, world.signing.verifier_keys(of)))

    def read(tile: Tile) -> bytes:
        whole = mirror.get(f"{folder}/{Tile(tile.level, tile.index).path}")
        return mirror[f"{folder}/{tile.path}"] if whole is None else whole[: tile.width * 32]

    for size, root in ((checkpoint.size, checkpoint.root), older or (0, mth([]))):
        assert Frontier.read(size, nodes_from(read, size)).root == root
    return checkpoint.size
