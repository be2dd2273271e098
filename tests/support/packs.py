"""A pack that is sealed without its figures having been asked for: for tests of who sees it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from uuid import UUID

from application.ports.positions import Position
from domain.kernel.ids import new_id
from domain.reporting.pack import SealPack
from tests.support.api import Api, TestTenant


async def seal_pack(api: Api, tenant: TestTenant, mark: str = "") -> UUID:
    """Seal one, whose files hold a mark; its id."""
    now = api.parts.clock()
    pack_id, position = new_id(now), await api.parts.position_of(tenant.id)
    files = {"pdf": f"%PDF-1.7 {mark}".encode(), "json": json.dumps({"sections": [], "mark": mark}).encode()}
    digests = {ending: hashlib.sha256(content).hexdigest() for ending, content in files.items()}
    for ending, content in files.items():
        api.parts.blobs.write(tenant.id, pack_id, f"{digests[ending]}.{ending}", [content])
    command = SealPack(
        definition="compliance",
        definition_version="0" * 12,
        period_from=date(2026, 1, 1),
        period_to=date(2026, 1, 31),
        position=Position.parse(position).token(),
        as_of=now,
        pdf_sha256=digests["pdf"],
        pdf_size=len(files["pdf"]),
        figures_sha256=digests["json"],
        figures=0,
        needs=["reports.read"],
    )
    await api.act(tenant.id, command, pack_id)
    return pack_id
