"""Every version of a rule pack that decisions were made by: those of this product, and those that it had before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.audience.addressee_events import PermissionDecided
from domain.kernel.commands import stream_name
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import PLATFORM
from domain.law.packs import load_packs
from domain.law.reading import read_pack
from domain.platform.rule_pack import RULE_PACK, RulePackAdopted, pack_stream_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from domain.kernel.events import Event
    from domain.law.pack import Pack


class Adopted(NamedTuple):
    """A version of a law's pack, and since when decisions were made by it; None: nobody entered that yet."""

    pack: Pack
    at: datetime | None


class UnknownPack(Refusal):
    """There is no such version of a rule pack. Name one as `law:version`, as `GET /v1/law/packs` lists them."""

    code = "unknown-pack"
    kind = RefusalKind.INVALID
    field = "/pack"


class LawArchive:
    """Finds packs by their version."""

    def __init__(self, log: TenantLog, codec: EventCodec) -> None:
        """Older versions stand in the platform's log."""
        self._log = log
        self._codec = codec
        self._known: dict[tuple[str, str], Pack] = {(pack.law, pack.version): pack for pack in load_packs()}
        self._adopted: dict[str, list[Adopted]] = {}

    async def packs(self, versions: Mapping[str, str]) -> tuple[Pack, ...] | None:
        """The packs of these versions by law; None where one of them is not at hand."""
        for law, version in versions.items():
            if (law, version) not in self._known and law not in self._adopted:
                await self._look_up([law])
        if not all(one in self._known for one in versions.items()):
            return None
        return tuple(self._known[one] for one in sorted(versions.items()))

    async def of_decisions(self, events: Iterable[Event]) -> list[Pack]:
        """The packs that the decisions among these events were made by, as far as they are at hand."""
        made_by = dict.fromkeys(
            one for event in events if isinstance(event, PermissionDecided) for one in event.packs.items()
        )
        if missing := [law for law, version in made_by if (law, version) not in self._known]:
            await self._look_up(missing)
        return [self._known[one] for one in made_by if one in self._known]

    async def texts(self, versions: Iterable[tuple[str, str]]) -> dict[str, bytes]:
        """The files of these versions, by law and version, as they were adopted; what nobody entered is left out."""
        wanted = set(versions)
        if not wanted:
            return {}
        laws = sorted({law for law, _ in wanted})
        streams = [(stream_name(RULE_PACK.category, pack_stream_id(law)), 0) for law in laws]
        found = {}
        for rows in await self._log.read_streams(PLATFORM, streams):
            for event in self._codec.decode(rows):
                if isinstance(event, RulePackAdopted) and (event.law, event.pack_version) in wanted:
                    found[f"{event.law}@{event.pack_version}.toml"] = event.text.encode()
        return dict(sorted(found.items()))

    async def adopted(self) -> list[Adopted]:
        """Every version of the packs of this product's laws, by law and in the order of their adoption."""
        laws = [pack.law for pack in load_packs()]
        await self._look_up(laws)
        told = []
        for pack in load_packs():
            entered = self._adopted[pack.law]
            told += entered
            if all(one.pack.version != pack.version for one in entered):
                told.append(Adopted(pack, None))
        return told

    async def named(self, names: Sequence[str]) -> list[Pack]:
        """Versions of packs, each named `law:version`. Raises `UnknownPack`, also for two versions of one law."""
        laws = [pack.law for pack in load_packs()]
        await self._look_up(laws)
        found: dict[str, Pack] = {}
        for name in names:
            law, _, version = name.partition(":")
            if law not in laws:
                raise UnknownPack(f"There is no such law here; there are: {', '.join(laws)}.")
            if (law, version) not in self._known:
                raise UnknownPack(
                    f"No such version of {law} was ever in use. `GET /v1/law/packs` lists those that were."
                )
            if law in found:
                raise UnknownPack(f"Two versions of {law} are named. A law is judged by one.")
            found[law] = self._known[law, version]
        return list(found.values())

    async def _look_up(self, laws: Sequence[str]) -> None:
        """What the platform's log tells of some laws since they were last looked up."""
        streams = [
            (stream_name(RULE_PACK.category, pack_stream_id(law)), len(self._adopted.get(law, ())))
            for law in laws
        ]
        found = await self._log.read_streams(PLATFORM, streams)
        for law, rows in zip(laws, found, strict=True):
            entered = self._adopted.setdefault(law, [])
            for row, event in zip(rows, self._codec.decode(rows), strict=True):
                if isinstance(event, RulePackAdopted) and row.version > len(entered):
                    # Decisions name the version by which it was adopted: once that was the hash of the text.
                    read = read_pack(event.text, f"{law}.toml", adopted=True)
                    pack = read.model_copy(update={"version": event.pack_version})
                    pack = self._known.setdefault((law, pack.version), pack)
                    entered.append(Adopted(pack, row.recorded_at))
