"""Every version of a rule pack that decisions were made by: those of this product, and those that it had before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.commands import stream_name
from domain.kernel.ids import PLATFORM
from domain.law.packs import load_packs
from domain.law.reading import read_pack
from domain.platform.rule_pack import RULE_PACK, RulePackAdopted, pack_stream_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from domain.law.pack import Pack


class LawArchive:
    """Finds packs by their version."""

    def __init__(self, log: TenantLog, codec: EventCodec) -> None:
        """Older versions stand in the platform's log."""
        self._log = log
        self._codec = codec
        self._known: dict[tuple[str, str], Pack] = {(pack.law, pack.version): pack for pack in load_packs()}
        self._looked_for: set[str] = set()

    async def packs(self, versions: Mapping[str, str]) -> tuple[Pack, ...] | None:
        """The packs of these versions by law; None where one of them is not at hand."""
        for law, version in versions.items():
            if (law, version) not in self._known and law not in self._looked_for:
                await self._look_up(law)
        if not all(one in self._known for one in versions.items()):
            return None
        return tuple(self._known[one] for one in sorted(versions.items()))

    async def _look_up(self, law: str) -> None:
        stream = stream_name(RULE_PACK.category, pack_stream_id(law))
        (rows,) = await self._log.read_streams(PLATFORM, [(stream, 0)])
        for event in self._codec.decode(rows):
            if isinstance(event, RulePackAdopted):
                pack = read_pack(event.text, f"{law}.toml")
                self._known.setdefault((pack.law, pack.version), pack)
        self._looked_for.add(law)
